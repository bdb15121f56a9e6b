using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Tests.Format.Building;
using static Btrfs.Tests.Format.Building.SampleItems;

namespace Btrfs.Tests.Format;

/// <summary>Whatever the bytes are: the gate lets them through, or refuses them with its own exception, and never reads out of bounds.</summary>
public sealed class GateMutationTests
{
    private const int Rounds = 200_000;
    private static readonly BlockBuilder s_builder = new() { NodeSize = 4096 };
    private static readonly ulong[] s_interesting = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1UL << 63, ulong.MaxValue - 4095, ulong.MaxValue];

    [Test]
    public void Random_damage_to_a_leaf_only_ever_gives_the_gates_own_refusal()
    {
        byte[][] seeds = [FileLeaf(), SpaceLeaf(), s_builder.Node(1, (default, Megabyte), (new Key(5, ItemType.InodeItem, 0), 2 * Megabyte))];
        foreach (byte[] seed in seeds)
            s_builder.Verify(seed);

        Random random = TestSeed.Random();
        int refused = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] block = [.. seeds[random.Next(seeds.Length)]];
            for (int damage = random.Next(1, 4); damage > 0; damage--)
                Damage(block, random);
            refused += Refuses(block) ? 1 : 0;
        }

        Assert.That(refused, Is.InRange(Rounds / 10, Rounds - 1));
    }

    [Test]
    public void Random_bytes_only_ever_give_the_gates_own_refusal()
    {
        Random random = TestSeed.Random();
        byte[] block = new byte[s_builder.NodeSize];
        for (int round = 0; round < Rounds / 100; round++)
        {
            random.NextBytes(block);
            block[(int)Marshal.OffsetOf<BlockHeader>(nameof(BlockHeader.Level))] &= 7;
            Assert.That(Refuses(block), Is.True);
        }
    }

    [Test]
    public void Random_damage_to_a_superblock_only_ever_gives_the_gates_own_refusal()
    {
        Random random = TestSeed.Random();
        byte[] seed = SuperblockCheckTests.Good();
        int arrayStart = (int)Marshal.OffsetOf<Superblock>("_systemChunkArray");
        for (int round = 0; round < Rounds / 4; round++)
        {
            byte[] super = [.. seed];
            Damage(super.AsSpan(random.Next(2) == 0 ? arrayStart : 0, 400), random);
            try
            {
                SuperblockCheck.Verify(in MemoryMarshal.AsRef<Superblock>(super), SuperblockCheckTests.At);
            }
            catch (BtrfsException)
            {
                // The expected end.
            }
        }
    }

    [Test]
    public void The_good_path_does_not_allocate()
    {
        byte[] leaf = FileLeaf();
        Allocations.AssertNone(() =>
        {
            for (int round = 0; round < 1000; round++)
                s_builder.Verify(leaf);
        });
    }

    private static bool Refuses(byte[] block)
    {
        try
        {
            s_builder.Verify(block);
            return false;
        }
        catch (CorruptMetadataException)
        {
            return true;
        }
    }

    private static void Damage(Span<byte> bytes, Random random)
    {
        int width = 1 << random.Next(4);
        int at = random.Next(3) == 0 ? random.Next(bytes.Length - width) : random.Next(Math.Min(bytes.Length, 600) - width);
        // Data lies at the end of a leaf: half of the damage belongs there.
        if (random.Next(2) == 0)
            at = bytes.Length - width - at;
        ulong value = random.Next(2) == 0 ? s_interesting[random.Next(s_interesting.Length)] : (ulong)random.NextInt64();
        BitConverter.GetBytes(value).AsSpan(0, width).CopyTo(bytes[at..]);
    }

    private static byte[] FileLeaf() => s_builder.Leaf(
        AnInode(256, InodeMode.Directory), HashEntry("name"), IndexEntry("name"), AnInode(), Refs("name", "other"), Extrefs("name", "other"),
        Xattr("user.name", "value"), InlineExtent(50), Extent(4096, 8192), Extent(12288, 4096, CompressionType.Zstd));

    private static byte[] SpaceLeaf() => s_builder.Leaf(
        DeviceExtent(), Device(), ARootRef("name"), ARoot(), Chunk(BlockGroupFlags.Data | BlockGroupFlags.Raid10, 4, 2), DataExtent(4, InlineDataRef(), InlineSharedData(4096, 2)),
        TreeBlock(2, InlineRef(ItemType.TreeBlockRef, 5), InlineRef(ItemType.SharedBlockRef, 4096)).With(key => key with { ObjectId = 2 * Megabyte }),
        new TestItem(new Key(2 * Megabyte, ItemType.ExtentDataRef, 9), DataRef()), BlockGroup().With(key => key with { ObjectId = 3 * Megabyte }), Checksums(Megabyte, 5));
}
