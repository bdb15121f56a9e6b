using System.Buffers.Binary;
using Btrfs.Crash.Running;
using Btrfs.Fidelity.Devices;

namespace Btrfs.Tests.Crash;

public sealed class SuperblockTimesTests
{
    private static readonly SuperblockVersion s_first = new(7, 0);

    [Test]
    public void A_commit_counts_from_its_first_superblock_and_for_good_from_the_first_flush_after_it()
    {
        SuperblockTimes times = new([Write(0, 4096, 0), Flush(0), Super(0, 8), Super(1, 8), Flush(1), Flush(0), Super(0, 9)], s_first, devices: 2);
        Assert.That(
            Enumerable.Range(0, 8).Select(times.At),
            Is.EqualTo(new (int, int)[] { (0, 0), (0, 0), (0, 0), (0, 1), (0, 1), (1, 1), (1, 1), (1, 2) }));
    }

    [Test]
    public void A_log_counts_for_good_when_all_devices_have_it()
    {
        SuperblockTimes times = new([Super(0, 7, 100), Flush(0), Super(1, 7, 100), Flush(1), Super(0, 7, 200), Super(0, 8)], s_first, devices: 2);
        Assert.That(
            Enumerable.Range(0, 7).Select(times.At),
            Is.EqualTo(new (int, int)[] { (0, 0), (0, 1), (0, 1), (0, 1), (1, 1), (1, 2), (1, 3) }));
        Assert.That(times.Versions.Select(version => version.Version.LogRoot), Is.EqualTo(new ulong[] { 0, 100, 200, 0 }));
    }

    [Test]
    public void Half_a_superblock_is_no_commit() =>
        Assert.That(new SuperblockTimes([Write(0, 65536, 8, length: 2048), Flush(0)], s_first, devices: 1).At(2), Is.EqualTo((0, 0)));

    [Test]
    public void Half_a_superblock_with_a_log_is_whole_as_the_rest_is_the_commits() =>
        Assert.That(new SuperblockTimes([Write(0, 65536, 7, logRoot: 100, length: 2048)], s_first, devices: 1).At(1), Is.EqualTo((0, 1)));

    private static DeviceEvent Super(int device, ulong generation, ulong logRoot = 0) => Write(device, 65536, generation, logRoot);

    private static DeviceEvent Flush(int device) => new(device, null);

    private static DeviceEvent Write(int device, ulong offset, ulong generation, ulong logRoot = 0, int length = 4096)
    {
        byte[] data = new byte[length];
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(72), generation);
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(96), logRoot);
        return new DeviceEvent(device, new DeviceWrite(offset, data));
    }
}
