using System.Buffers.Binary;
using Btrfs.Crash.Running;
using Btrfs.Fidelity.Devices;

namespace Btrfs.Tests.Crash;

public sealed class CommitTimesTests
{
    [Test]
    public void A_commit_counts_from_its_first_superblock_and_for_good_from_the_first_flush_after_it()
    {
        CommitTimes times = new([Write(0, 4096, 0), Flush(0), Super(0, 8), Super(1, 8), Flush(1), Flush(0), Super(0, 9)], first: 7);
        Assert.That(
            Enumerable.Range(0, 8).Select(times.At),
            Is.EqualTo(new (ulong, ulong)[] { (7, 7), (7, 7), (7, 7), (7, 8), (7, 8), (8, 8), (8, 8), (8, 9) }));
    }

    [Test]
    public void Half_a_superblock_is_no_commit() =>
        Assert.That(new CommitTimes([Write(0, 65536, 8, 2048), Flush(0)], first: 7).At(2), Is.EqualTo((7UL, 7UL)));

    private static DeviceEvent Super(int device, ulong generation) => Write(device, 65536, generation);

    private static DeviceEvent Flush(int device) => new(device, null);

    private static DeviceEvent Write(int device, ulong offset, ulong generation, int length = 4096)
    {
        byte[] data = new byte[length];
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(72), generation);
        return new DeviceEvent(device, new DeviceWrite(offset, data));
    }
}
