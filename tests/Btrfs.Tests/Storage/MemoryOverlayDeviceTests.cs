using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class MemoryOverlayDeviceTests
{
    [Test]
    public void Writes_are_seen_and_do_not_reach_the_device_below()
    {
        Random random = TestSeed.Random();
        byte[] expected = new byte[50_001];
        random.NextBytes(expected);
        byte[] untouched = [.. expected];
        MemoryDevice below = new("disk", [.. expected]) { IsWritable = false };
        MemoryOverlayDevice overlay = new(below);
        for (int round = 0; round < 200; round++)
        {
            int offset = random.Next(expected.Length + 1);
            byte[] data = new byte[random.Next(Math.Min(10_000, expected.Length - offset) + 1)];
            random.NextBytes(data);
            overlay.Write((ulong)offset, data);
            data.CopyTo(expected, offset);

            int from = random.Next(expected.Length + 1);
            byte[] read = new byte[random.Next(expected.Length - from + 1)];
            overlay.Read((ulong)from, read);
            Assert.That(read.AsSpan().SequenceEqual(expected.AsSpan(from, read.Length)), $"round {round}");
        }

        overlay.Flush();
        Assert.That(below.Bytes, Is.EqualTo(untouched));
        Assert.That(below.Writes + below.Flushes, Is.Zero);
        overlay.Dispose();
        Assert.That(below.IsDisposed);
    }

    [Test]
    public void Pages_that_nobody_wrote_are_read_in_one_go()
    {
        MemoryDevice below = new("disk", new byte[1 << 20]);
        MemoryOverlayDevice overlay = new(below);
        overlay.Write(500_000, new byte[4096]);
        int before = below.Reads;
        overlay.Read(0, new byte[1 << 20]);
        Assert.That(below.Reads - before, Is.EqualTo(2));
    }

    [Test]
    public void A_range_behind_the_end_is_refused()
    {
        MemoryOverlayDevice overlay = new(new MemoryDevice("disk", new byte[100]));
        Assert.That(() => overlay.Write(99, new byte[2]), Throws.TypeOf<EndOfStreamException>());
        Assert.That(() => overlay.Read(ulong.MaxValue, new byte[2]), Throws.TypeOf<EndOfStreamException>());
    }
}
