using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Tests.Format.Building;
using static Btrfs.Tests.Format.Building.SampleItems;

namespace Btrfs.Tests.Format;

public sealed class SuperblockCheckTests
{
    internal const ulong At = 64 << 10;
    private const string Incompat = "_incompatFlags";
    private const string ChunkArray = "_systemChunkArray";

    [Test]
    public void A_good_superblock_passes() => Assert.DoesNotThrow(() => Verify(Good()));

    [Test]
    public void A_log_root_of_0_is_none() => Assert.DoesNotThrow(() => Verify(Records.Set<Superblock>(Good(), nameof(Superblock.LogRootLevel), 9)));

    [Test]
    public void Two_system_chunks_pass() => Assert.DoesNotThrow(() => Verify(WithChunks(SystemChunk(), SystemChunk())));

    [TestCase(nameof(Superblock.Magic), 0UL, "invalid magic")]
    [TestCase(nameof(Superblock.Bytenr), 64UL << 20, "invalid bytenr")]
    [TestCase(nameof(Superblock.SectorSize), 0UL, "invalid sector size")]
    [TestCase(nameof(Superblock.SectorSize), 512UL, "invalid sector size")]
    [TestCase(nameof(Superblock.SectorSize), 6144UL, "invalid sector size")]
    [TestCase(nameof(Superblock.SectorSize), 131072UL, "invalid sector size")]
    [TestCase(nameof(Superblock.SectorSize), 32768UL, "invalid node size")]
    [TestCase(nameof(Superblock.NodeSize), 0UL, "invalid node size")]
    [TestCase(nameof(Superblock.NodeSize), 16385UL, "invalid node size")]
    [TestCase(nameof(Superblock.NodeSize), 131072UL, "invalid node size")]
    [TestCase(nameof(Superblock.LeafSize), 4096UL, "invalid leaf size")]
    [TestCase(nameof(Superblock.BytesUsed), 6UL * 16384 - 1, "invalid bytes_used")]
    [TestCase(nameof(Superblock.TotalBytes), 0UL, "invalid total_bytes")]
    [TestCase(nameof(Superblock.Root), 0UL, "invalid root")]
    [TestCase(nameof(Superblock.Root), 4097UL, "invalid root")]
    [TestCase(nameof(Superblock.RootLevel), 8UL, "invalid root level")]
    [TestCase(nameof(Superblock.ChunkRoot), 0UL, "invalid chunk_root")]
    [TestCase(nameof(Superblock.ChunkRootLevel), 255UL, "invalid chunk_root level")]
    [TestCase(nameof(Superblock.LogRoot), 1UL, "invalid log_root")]
    [TestCase(nameof(Superblock.DeviceCount), 0UL, "invalid device count")]
    [TestCase(nameof(Superblock.SystemChunkArrayLength), 96UL, "invalid sys_chunk_array size")]
    [TestCase(nameof(Superblock.SystemChunkArrayLength), 2049UL, "invalid sys_chunk_array size")]
    [TestCase(nameof(Superblock.SystemChunkArrayLength), 98UL, "entry 1 is cut off")]
    public void A_broken_member_is_refused(string member, ulong value, string reason)
    {
        CorruptMetadataException? refusal = Assert.Throws<CorruptMetadataException>(() => Verify(Records.Set<Superblock>(Good(), member, value)));
        Assert.That(refusal!.Message, Does.StartWith($"corrupt superblock at {At}: ").And.Contain(reason));
    }

    [TestCase(12, "zoned")]
    [TestCase(13, "extent-tree-v2")]
    [TestCase(14, "raid-stripe-tree")]
    [TestCase(15, "bit 15")]
    [TestCase(17, "remap-tree")]
    [TestCase(63, "bit 63")]
    public void An_incompatible_feature_is_refused_by_name(int bit, string name)
    {
        UnsupportedFeatureException? refusal = Assert.Throws<UnsupportedFeatureException>(
            () => Verify(Records.Set<Superblock>(Good(), Incompat, 1UL << bit | (ulong)IncompatFlags.NoHoles)));
        Assert.That(refusal!.Message, Does.EndWith($": {name}"));
    }

    [TestCase("_csumType", 4UL, "checksum type 4")]
    [TestCase("_flags", 1UL << 35, "fsid conversion")]
    [TestCase("_flags", 1UL << 36, "fsid conversion")]
    [TestCase("_flags", 1UL << 39, "data checksum conversion")]
    [TestCase("_flags", 1UL << 40, "metadata checksum conversion")]
    public void What_the_engine_lacks_is_refused(string member, ulong value, string reason) =>
        Assert.That(
            Assert.Throws<UnsupportedFeatureException>(() => Verify(Records.Set<Superblock>(Good(), member, value)))!.Message,
            Does.Contain(reason));

    [Test]
    public void A_device_of_another_file_system_is_refused()
    {
        int fsid = (int)Marshal.OffsetOf<Superblock>(nameof(Superblock.DevItem)) + (int)Marshal.OffsetOf<DevItem>(nameof(DevItem.Fsid));
        byte[] super = Good();
        super[fsid] ^= 1;
        Assert.That(Assert.Throws<CorruptMetadataException>(() => Verify(super))!.Message, Does.Contain("invalid device fsid"));
    }

    [Test]
    public void With_a_metadata_uuid_the_device_carries_that_one()
    {
        byte[] super = Records.Set<Superblock>(Good(), Incompat, (ulong)IncompatFlags.MetadataUuid);
        super[(int)Marshal.OffsetOf<Superblock>(nameof(Superblock.Fsid))] = 1;
        Assert.DoesNotThrow(() => Verify(super));
    }

    [TestCase(nameof(ChunkItem.StripeCount), 65535UL, "entry 0 is cut off")]
    [TestCase(nameof(ChunkItem.StripeCount), 0UL, "invalid chunk size")]
    [TestCase(nameof(ChunkItem.Length), 0UL, "invalid chunk length")]
    [TestCase("_type", 1UL, "entry 0 is not a system chunk")]
    public void A_broken_system_chunk_is_refused(string member, ulong value, string reason)
    {
        byte[] super = WithChunks(SystemChunk().Set<ChunkItem>(member, value));
        Assert.That(Assert.Throws<CorruptMetadataException>(() => Verify(super))!.Message, Does.Contain(reason));
    }

    [Test]
    public void A_system_chunk_under_another_key_is_refused()
    {
        byte[] super = WithChunks(SystemChunk().With(key => key with { Type = ItemType.DevItem }));
        Assert.That(Assert.Throws<CorruptMetadataException>(() => Verify(super))!.Message, Does.Contain("invalid chunk key"));
    }

    private static void Verify(byte[] super) => SuperblockCheck.Verify(in MemoryMarshal.AsRef<Superblock>(super), At);

    private static TestItem SystemChunk() => Chunk(BlockGroupFlags.System);

    internal static byte[] Good() => WithChunks(SystemChunk());

    private static byte[] WithChunks(params TestItem[] chunks)
    {
        byte[] super = new byte[Superblock.Size];
        foreach ((string member, ulong value) in new[]
        {
            (nameof(Superblock.Magic), Superblock.ExpectedMagic), (nameof(Superblock.Bytenr), At), (nameof(Superblock.Generation), 10UL),
            (nameof(Superblock.Root), Megabyte), (nameof(Superblock.ChunkRoot), 2 * Megabyte), (nameof(Superblock.TotalBytes), 100 * Megabyte),
            (nameof(Superblock.BytesUsed), Megabyte), (nameof(Superblock.DeviceCount), 1UL), (nameof(Superblock.SectorSize), 4096UL),
            (nameof(Superblock.NodeSize), 16384UL), (nameof(Superblock.LeafSize), 16384UL),
        })
            super = Records.Set<Superblock>(super, member, value);

        byte[] array = [.. chunks.SelectMany(chunk => Records.Bytes(chunk.Key, chunk.Data))];
        array.CopyTo(super, (int)Marshal.OffsetOf<Superblock>(ChunkArray));
        return Records.Set<Superblock>(super, nameof(Superblock.SystemChunkArrayLength), (ulong)array.Length);
    }
}
