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

    [Test]
    public void A_removed_chunk_is_found_no_more_and_a_view_never_changes()
    {
        ChunkMap map = new();
        foreach (ulong start in (ulong[])[1 << 20, 2 << 20, 3 << 20])
            Add(map, start);
        IReadOnlyList<Chunk> before = map.Chunks;
        Assert.That(map.Find(new LogicalAddress(2 << 20)).Start.Value, Is.EqualTo(2 << 20));
        map.Remove(new LogicalAddress(2 << 20));
        Assert.That(map.TryFind(new LogicalAddress(2 << 20), out _), Is.False);
        Assert.That(map.Find(new LogicalAddress(3 << 20)).Start.Value, Is.EqualTo(3 << 20));
        Add(map, 4 << 20);
        Assert.That(map.Chunks.Select(chunk => chunk.Start.Value >> 20), Is.EqualTo(new ulong[] { 1, 3, 4 }));
        Assert.That(before.Select(chunk => chunk.Start.Value >> 20), Is.EqualTo(new ulong[] { 1, 2, 3 }));
        Assert.That(() => map.Remove(new LogicalAddress(2 << 20)), Throws.TypeOf<InvariantException>());
        Assert.That(() => map.Remove(new LogicalAddress((1 << 20) + 4096)), Throws.TypeOf<InvariantException>());
    }

    [Test]
    public void Random_changes_leave_what_a_sorted_set_would()
    {
        Random random = TestSeed.Random();
        ChunkMap map = new();
        SortedSet<ulong> model = [];
        for (int round = 0; round < 2000; round++)
        {
            ulong start = (ulong)random.Next(1, 60) << 20;
            if (model.Add(start))
            {
                Add(map, start);
            }
            else if (random.Next(2) == 0)
            {
                model.Remove(start);
                map.Remove(new LogicalAddress(start));
            }

            Assert.That(map.Chunks.Select(chunk => chunk.Start.Value), Is.EqualTo(model));
        }
    }

    [Test]
    public void Readers_always_find_a_chunk_that_stays_while_others_come_and_go()
    {
        ChunkMap map = new();
        Add(map, 50 << 20);
        using CancellationTokenSource stop = new();
        long found = 0;
        Task[] readers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                if (map.Find(new LogicalAddress(50 << 20)).Start.Value != 50 << 20)
                    throw new InvalidOperationException("the chunk that stays");
                if (map.TryFind(new LogicalAddress(20 << 20), out Chunk? other) && other.Start.Value != 20 << 20)
                    throw new InvalidOperationException($"{other.Start} for the chunk that comes and goes");
                Interlocked.Increment(ref found);
            }
        }))];
        for (int round = 0; round < 20_000 || Interlocked.Read(ref found) < 10_000; round++)
        {
            Add(map, 20 << 20);
            Add(map, 70 << 20);
            map.Remove(new LogicalAddress(20 << 20));
            map.Remove(new LogicalAddress(70 << 20));
            if (readers.Any(reader => reader.IsFaulted))
                break;
        }

        stop.Cancel();
        Assert.That(() => Task.WaitAll(readers), Throws.Nothing);
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
