using Btrfs.Format;
using Btrfs.Tests.Format.Building;
using static Btrfs.Tests.Format.Building.GateAssert;
using static Btrfs.Tests.Format.Building.SampleItems;

namespace Btrfs.Tests.Format;

public sealed class ChunkCheckTests
{
    private const string Type = "_type";
    private static readonly BlockBuilder s_builder = new() { Owner = ObjectIds.ChunkTree };

    [TestCase(BlockGroupFlags.None, 1)]
    [TestCase(BlockGroupFlags.Dup, 2)]
    [TestCase(BlockGroupFlags.Raid0, 1)]
    [TestCase(BlockGroupFlags.Raid0, 5)]
    [TestCase(BlockGroupFlags.Raid1, 2)]
    [TestCase(BlockGroupFlags.Raid1C3, 3)]
    [TestCase(BlockGroupFlags.Raid1C4, 4)]
    [TestCase(BlockGroupFlags.Raid10, 2)]
    [TestCase(BlockGroupFlags.Raid10, 6)]
    [TestCase(BlockGroupFlags.Raid5, 2)]
    [TestCase(BlockGroupFlags.Raid6, 3)]
    public void A_profile_passes_with_its_stripes(BlockGroupFlags profile, int stripes) =>
        Assert.DoesNotThrow(() => s_builder.Verify(s_builder.Leaf(Chunk(BlockGroupFlags.Data | profile, stripes, 2))));

    [TestCase(BlockGroupFlags.None, 2)]
    [TestCase(BlockGroupFlags.Dup, 1)]
    [TestCase(BlockGroupFlags.Raid1, 3)]
    [TestCase(BlockGroupFlags.Raid1C3, 2)]
    [TestCase(BlockGroupFlags.Raid1C4, 3)]
    [TestCase(BlockGroupFlags.Raid10, 3)]
    [TestCase(BlockGroupFlags.Raid5, 1)]
    [TestCase(BlockGroupFlags.Raid6, 2)]
    public void A_profile_with_other_stripes_is_refused(BlockGroupFlags profile, int stripes) =>
        Refuses(s_builder, s_builder.Leaf(Chunk(BlockGroupFlags.Data | profile, stripes, 2)), "invalid stripe count");

    private static IEnumerable<TestCaseData> Broken()
    {
        TestItem good = Chunk();
        yield return Case("objectid", "invalid chunk key", good.With(key => key with { ObjectId = 257 }));
        yield return Case("short", "invalid chunk size", good.Cut(1));
        yield return Case("long", "invalid chunk size", good.Grow(StripeItem.Size));
        yield return Case("without stripes", "invalid chunk size", Chunk(stripes: 0));
        yield return Case("a count beyond the item", "invalid chunk size", good.Set<ChunkItem>(nameof(ChunkItem.StripeCount), 65535));
        yield return Case("a count of 0 with a stripe", "invalid chunk size", good.Set<ChunkItem>(nameof(ChunkItem.StripeCount), 0));
        yield return Case("logical", "unaligned chunk logical", good.With(key => key with { Offset = 1 }));
        yield return Case("sector size", "chunk sector size", good.Set<ChunkItem>(nameof(ChunkItem.SectorSize), 512));
        yield return Case("stripe length", "chunk stripe length", good.Set<ChunkItem>(nameof(ChunkItem.StripeLength), 0));
        yield return Case("length 0", "invalid chunk length", good.Set<ChunkItem>(nameof(ChunkItem.Length), 0));
        yield return Case("length unaligned", "invalid chunk length", good.Set<ChunkItem>(nameof(ChunkItem.Length), 4097));
        yield return Case("end overflows", "chunk end overflows", good.Set<ChunkItem>(nameof(ChunkItem.Length), ulong.MaxValue - 4095));
        yield return Case("too long", "chunk too long", good.Set<ChunkItem>(nameof(ChunkItem.Length), 1UL << 60));
        yield return Case("type bits", "unrecognized chunk type", good.Set<ChunkItem>(Type, 1UL << 40 | 1));
        yield return Case("two profiles", "invalid chunk profile", good.Set<ChunkItem>(Type, (ulong)(BlockGroupFlags.Data | BlockGroupFlags.Raid0 | BlockGroupFlags.Dup)));
        yield return Case("no type", "invalid chunk type", good.Set<ChunkItem>(Type, 0));
        yield return Case("system and data", "invalid chunk type", good.Set<ChunkItem>(Type, 3));
        yield return Case("mixed without the feature", "mixed chunk type", good.Set<ChunkItem>(Type, 5));
        yield return Case("raid10 sub-stripes", "invalid stripe count", Chunk(BlockGroupFlags.Data | BlockGroupFlags.Raid10, 2, 0));
        yield return Case("stripe unaligned", "invalid stripe offset", good.Set<StripeItem>(nameof(StripeItem.Offset), 1, ChunkItem.Size));
        yield return Case("stripe end overflows", "invalid stripe offset", good.Set<StripeItem>(nameof(StripeItem.Offset), ulong.MaxValue - 4095, ChunkItem.Size));
    }

    [TestCaseSource(nameof(Broken))]
    public void A_broken_member_is_refused(object items, string reason) =>
        Refuses(s_builder, s_builder.Leaf((TestItem[])items), reason);

    [Test]
    public void Mixed_chunks_pass_with_their_feature()
    {
        BlockBuilder builder = new() { Incompat = IncompatFlags.MixedGroups };
        Assert.DoesNotThrow(() => builder.Verify(builder.Leaf(Chunk(BlockGroupFlags.Data | BlockGroupFlags.Metadata))));
    }
}
