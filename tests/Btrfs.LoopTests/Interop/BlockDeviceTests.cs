using System.Diagnostics;
using Btrfs.Interop;

namespace Btrfs.LoopTests.Interop;

/// <summary>What only a real block device shows: its size, direct transfers, its own cache, its end.</summary>
public sealed class BlockDeviceTests
{
    private const int SizeBytes = 5_000_192;

    private string _image = "";
    private string _device = "";

    [OneTimeSetUp]
    public void Attach()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("a loop device needs root");
        }

        _image = Path.GetTempFileName();
        byte[] contents = new byte[SizeBytes];
        new Random(1).NextBytes(contents);
        File.WriteAllBytes(_image, contents);
        using Process losetup = Process.Start(new ProcessStartInfo("losetup", ["--find", "--show", _image]) { RedirectStandardOutput = true })!;
        _device = losetup.StandardOutput.ReadToEnd().Trim();
        losetup.WaitForExit();
        if (losetup.ExitCode != 0)
        {
            Assert.Ignore("no loop device to be had here");
        }
    }

    [OneTimeTearDown]
    public void Detach()
    {
        if (_device.Length > 0)
        {
            using Process losetup = Process.Start("losetup", ["--detach", _device]);
            losetup.WaitForExit();
        }

        if (_image.Length > 0)
        {
            File.Delete(_image);
        }
    }

    [Test]
    public void Both_sides_know_its_size_and_read_to_its_end([Values] bool isNative)
    {
        using NativeFile device = Open(isNative, NativeFileMode.Read, direct: false);
        byte[] tail = new byte[4096];

        Assert.That(device.SizeBytes, Is.EqualTo(SizeBytes));
        Assert.That(device.IsBlockDevice);
        Assert.That(device.Read(SizeBytes - 1000, tail), Is.EqualTo(1000));
        Assert.That(tail.AsSpan(0, 1000).SequenceEqual(File.ReadAllBytes(_image).AsSpan(SizeBytes - 1000)));
    }

    [Test]
    public void Direct_reads_through_the_ring_give_its_bytes()
    {
        using NativeFile device = Open(isNative: true, NativeFileMode.Read, direct: true);
        using ReadRing ring = new(16);
        ReadRequest[] requests = new ReadRequest[100];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = new ReadRequest { File = device, OffsetBytes = i * 40960L, Buffer = AlignedMemory.Allocate(4096, device.DirectAlignmentBytes) };
        }

        ring.Read(requests);

        byte[] contents = File.ReadAllBytes(_image);
        foreach (ReadRequest request in requests)
        {
            Assert.That(request.Result, Is.EqualTo(4096));
            Assert.That(request.Buffer.Span.SequenceEqual(contents.AsSpan((int)request.OffsetBytes, 4096)));
        }
    }

    [Test]
    public void A_write_over_its_end_finds_it_full([Values] bool isNative)
    {
        using NativeFile device = Open(isNative, NativeFileMode.ReadWrite, direct: false);

        Assert.That(() => device.Write(SizeBytes - 10, new byte[20]), Throws.TypeOf<DeviceFullException>().With.Message.Contains(_device));
    }

    [Test]
    public void It_has_one_exclusive_writer_whichever_side_opens_it([Values] bool isNative)
    {
        using (NativeFile writer = Open(isNative, NativeFileMode.ReadWriteExclusive, direct: false))
        {
            Assert.That(() => Open(isNative: true, NativeFileMode.ReadWriteExclusive, direct: false), Throws.TypeOf<DeviceBusyException>().With.Message.Contains(_device));
            Assert.That(() => Open(isNative: false, NativeFileMode.ReadWriteExclusive, direct: false), Throws.TypeOf<DeviceBusyException>().With.Message.Contains(_device));
            using NativeFile reader = Open(isNative, NativeFileMode.Read, direct: false);
            byte[] same = new byte[5000];
            reader.Read(8192, same);
            writer.Write(8192, [same.AsMemory(0, 100), same.AsMemory(100)]);
            writer.Flush();
        }

        Open(isNative, NativeFileMode.ReadWriteExclusive, direct: false).Dispose();
    }

    [Test]
    public void Its_cache_can_be_dropped()
    {
        using NativeFile device = Open(isNative: true, NativeFileMode.Read, direct: false);

        Assert.That(device.TryFlushDeviceCache());
    }

    private NativeFile Open(bool isNative, NativeFileMode mode, bool direct)
    {
        if (!isNative)
        {
            return ManagedFile.Open(_device, mode);
        }

        if (!NativeLibraryStatus.IsLoaded)
        {
            Assert.Ignore(NativeLibraryStatus.Reason);
        }

        return ShimFile.Open(_device, mode, direct);
    }
}
