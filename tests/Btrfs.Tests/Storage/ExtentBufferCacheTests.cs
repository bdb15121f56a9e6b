using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class ExtentBufferCacheTests
{
    private const int NodeSize = 16384;

    [TestCase(0, 1)]
    [TestCase(NodeSize, 1)]
    [TestCase(5 * NodeSize, 5)]
    [TestCase(64 * NodeSize + 1, 64)]
    public void It_holds_as_many_blocks_as_the_limit_has_room_for(long limit, int capacity)
    {
        ExtentBufferCache cache = new(limit, NodeSize);
        Assert.That(cache.Capacity, Is.EqualTo(capacity));
        for (int i = 0; i < 1000; i++)
            cache.Put(Buffer(i));

        int held = Enumerable.Range(0, 1000).Count(i => cache.TryGet(AddressOf(i), out _));
        Assert.That(held, Is.InRange(1, capacity));
    }

    [Test]
    public void A_block_in_use_outlives_a_stream_of_others()
    {
        ExtentBufferCache cache = new(8 * NodeSize, NodeSize);
        ExtentBuffer root = Buffer(0);
        cache.Put(root);
        for (int i = 1; i < 500; i++)
        {
            Assert.That(cache.TryGet(root.Bytenr, out ExtentBuffer? found), $"after {i - 1} others");
            Assert.That(found, Is.SameAs(root));
            cache.Put(Buffer(i));
        }
    }

    [Test]
    public void A_block_put_again_replaces_its_older_self()
    {
        ExtentBufferCache cache = new(8 * NodeSize, NodeSize);
        cache.Put(Buffer(3));
        ExtentBuffer newer = Buffer(3);
        cache.Put(newer);
        Assert.That(cache.TryGet(newer.Bytenr, out ExtentBuffer? found), Is.True);
        Assert.That(found, Is.SameAs(newer));
    }

    private static LogicalAddress AddressOf(int i) => new((ulong)(i + 1) * NodeSize);

    private static ExtentBuffer Buffer(int i)
    {
        byte[] bytes = new byte[BlockHeader.Size];
        BitConverter.TryWriteBytes(bytes.AsSpan(0x30), AddressOf(i).Value);
        return ExtentBuffer.Adopt(bytes);
    }
}
