using Btrfs.Fidelity.Devices;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class CrashRecorderTests
{
    private const int Size = 64 * 1024;

    [Test]
    public void What_a_flush_covered_survives_every_crash()
    {
        Random random = TestSeed.Random();
        CrashRecorder recorder = new();
        RecordingDevice device = recorder.Add(new ZeroDevice("disk", Size));
        byte[] flushed = Bytes(1, 5000);
        device.Write(700, flushed);
        device.Flush();
        int time = recorder.Now;
        device.Write(20_000, Bytes(2, 5000));
        for (int round = 0; round < 50; round++)
            Assert.That(Contents(recorder.CrashAt(recorder.Now, random)[0], 700, 5000), Is.EqualTo(flushed));

        Assert.That(Contents(recorder.CrashAt(time, random)[0], 20_000, 5000).Max(), Is.Zero, "a write after the crash");
        Assert.That(recorder.FlushTimes, Is.EqualTo(new[] { time }));
        Assert.That(Contents(recorder.CrashAt(0, random)[0], 700, 5000).Max(), Is.Zero, "the begin");
    }

    [Test]
    public void Unflushed_writes_come_lost_reordered_and_torn()
    {
        Random random = TestSeed.Random();
        CrashRecorder recorder = new();
        RecordingDevice device = recorder.Add(new ZeroDevice("disk", Size));
        device.Write(0, Bytes(1, 4096));
        device.Write(0, Bytes(2, 4096));
        device.Write(8192, Bytes(3, 4096));
        HashSet<string> seen = [];
        for (int round = 0; round < 500; round++)
        {
            byte[] left = Contents(recorder.CrashAt(3, random)[0], 0, 12288);
            for (int sector = 0; sector < left.Length; sector += 512)
                Assert.That(left.AsSpan(sector, 512).ContainsAnyExcept(left[sector]), Is.False, "a sector is torn within");
            seen.Add($"{left[0]}{left[8192]}");
            if (left.AsSpan(0, 4096).ContainsAnyExcept(left[0]))
                seen.Add("torn");
        }

        // Of the first place: lost, the older one (alone, or come last), the newer; of the second: lost or there.
        Assert.That(seen, Is.SupersetOf(new[] { "00", "10", "20", "03", "13", "23", "torn" }));
    }

    [Test]
    public void Devices_crash_at_the_same_time()
    {
        CrashRecorder recorder = new();
        RecordingDevice first = recorder.Add(new ZeroDevice("disk1", Size));
        RecordingDevice second = recorder.Add(new ZeroDevice("disk2", Size));
        first.Write(0, Bytes(1, 512));
        second.Write(0, Bytes(2, 512));
        first.Flush();
        second.Flush();
        IReadOnlyList<MemoryOverlayDevice> left = recorder.CrashAt(3, unflushed => []);
        Assert.That(left.Select(device => Contents(device, 0, 1)[0]), Is.EqualTo(new byte[] { 1, 0 }));
        left = recorder.CrashAt(4, unflushed => []);
        Assert.That(left.Select(device => Contents(device, 0, 1)[0]), Is.EqualTo(new byte[] { 1, 2 }));
        left = recorder.CrashAt(2, unflushed => unflushed);
        Assert.That(left.Select(device => Contents(device, 0, 1)[0]), Is.EqualTo(new byte[] { 1, 2 }));
    }

    [Test]
    public void A_faulty_device_fails_when_it_is_told_to()
    {
        FaultyDevice device = new(new MemoryDevice("disk", new byte[Size]));
        device.Fail(DeviceCall.Write, first: 1, count: 1);
        device.Write(0, Bytes(1, 512));
        Assert.That(() => device.Write(512, Bytes(2, 512)), Throws.TypeOf<IOException>());
        device.Write(1024, Bytes(3, 512));
        Assert.That(device.Calls(DeviceCall.Write), Is.EqualTo(3));
        Assert.That(Contents(device, 512, 512).Count(value => value == 2), Is.EqualTo(256), "half of it");

        device.FillAfter(1000);
        device.Write(0, Bytes(4, 900));
        Assert.That(() => device.Write(0, Bytes(4, 101)), Throws.TypeOf<Btrfs.Interop.DeviceFullException>());
        device.ReadableBytes = 600;
        Assert.That(() => device.Read(500, new byte[101]), Throws.TypeOf<EndOfStreamException>());
        device.Fail(DeviceCall.Flush);
        Assert.That(device.Flush, Throws.TypeOf<IOException>());
        device.Heal();
        device.Flush();
        device.Write(0, Bytes(4, 2000));
    }

    private static byte[] Bytes(byte value, int length) => [.. Enumerable.Repeat(value, length)];

    private static byte[] Contents(IBlockDevice device, ulong offset, int length)
    {
        byte[] bytes = new byte[length];
        device.Read(offset, bytes);
        return bytes;
    }
}
