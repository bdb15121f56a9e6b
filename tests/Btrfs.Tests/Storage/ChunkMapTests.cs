using System.Buffers.Binary;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class ChunkMapTests
{
    private const ulong Length = 1 << 20;

    [Test]
    public void Addresses_are_found_in_their_chunk_and_gaps_in_none()
    {
        ChunkMap map = new();
        foreach (ulong start in (ulong[])[8 << 20, 2 << 20, 4 << 20, 3 << 20])
            Add(map, start);
        Assert.Multiple(() =>
        {
            Assert.That(map.Chunks.Select(chunk => chunk.Start.Value), Is.EqualTo(new ulong[] { 2 << 20, 3 << 20, 4 << 20, 8 << 20 }));
            Assert.That(map.Find(new LogicalAddress(2 << 20)).Start.Value, Is.EqualTo(2 << 20));
            Assert.That(map.Find(new LogicalAddress((3 << 20) - 1)).Start.Value, Is.EqualTo(2 << 20));
            Assert.That(map.Find(new LogicalAddress(3 << 20)).Start.Value, Is.EqualTo(3 << 20));
            Assert.That(map.TryFind(new LogicalAddress(0), out _), Is.False);
            Assert.That(map.TryFind(new LogicalAddress(5 << 20), out _), Is.False);
            Assert.That(map.TryFind(new LogicalAddress(9 << 20), out _), Is.False);
            Assert.That(map.TryFind(new LogicalAddress(ulong.MaxValue), out _), Is.False);
            Assert.That(() => map.Find(new LogicalAddress(7 << 20)), Throws.TypeOf<CorruptMetadataException>().With.Message.Contains("no chunk maps logical address 7340032"));
        });
    }

    [Test]
    public void The_same_chunk_twice_is_one_chunk()
    {
        ChunkMap map = new();
        Add(map, 1 << 20);
        Add(map, 1 << 20);
        Assert.That(map.Chunks, Has.Count.EqualTo(1));
    }

    [TestCase(1UL << 20, 5UL, TestName = "Another chunk at the same place is refused")]
    [TestCase((1UL << 20) + 65536, 0UL, TestName = "A chunk that begins within another is refused")]
    [TestCase((1UL << 20) - 65536, 0UL, TestName = "A chunk that ends within another is refused")]
    public void Overlaps_are_refused(ulong start, ulong deviceOffset)
    {
        ChunkMap map = new();
        Add(map, 1 << 20);
        Assert.That(() => Add(map, start, deviceOffset), Throws.TypeOf<CorruptMetadataException>().With.Message.Contains("overlaps chunk [1048576, 2097152)"));
    }

    [Test]
    public void A_device_twice_in_a_chunk_that_is_no_dup_is_refused()
    {
        byte[] item = new TestVolume(BlockGroupFlags.Raid1, 2, 1).ChunkBytes();
        item[ChunkItem.Size + StripeItem.Size] = 1;
        Assert.That(
            () => new ChunkMap().Add(new Key(ObjectIds.FirstChunkTree, ItemType.ChunkItem, 1 << 20), item),
            Throws.TypeOf<CorruptMetadataException>().With.Message.Contains("device 1 has two of its stripes"));
    }

    private static void Add(ChunkMap map, ulong start, ulong deviceOffset = 0)
    {
        byte[] item = new byte[ChunkItem.Size + StripeItem.Size];
        BinaryPrimitives.WriteUInt64LittleEndian(item, Length);
        BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(16), FormatLimits.StripeLength);
        BinaryPrimitives.WriteUInt16LittleEndian(item.AsSpan(44), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(ChunkItem.Size + 8), deviceOffset);
        map.Add(new Key(ObjectIds.FirstChunkTree, ItemType.ChunkItem, start), item);
    }
}
