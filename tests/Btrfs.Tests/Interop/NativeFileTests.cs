using System.Diagnostics;
using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

/// <summary>Every test runs on both implementations.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class NativeFileTests(bool isNative)
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder()
    {
        if (isNative)
        {
            InteropTest.RequireNative();
        }

        _folder = Directory.CreateTempSubdirectory("btrfs-engine-files-").FullName;
    }

    [TearDown]
    public void RemoveFolder()
    {
        if (_folder.Length > 0)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Test]
    public void Reads_give_the_bytes_at_the_offset_and_stop_at_the_end()
    {
        Random random = TestSeed.Random();
        byte[] data = InteropTest.RandomBytes(random, 100_001);
        using NativeFile file = Open(Write(data));
        byte[] buffer = new byte[20_000];

        Assert.That(file.SizeBytes, Is.EqualTo(data.Length));
        Assert.That(file.IsBlockDevice, Is.False);
        for (int round = 0; round < 100; round++)
        {
            int offset = random.Next(data.Length + 100);
            int length = random.Next(buffer.Length);
            int expected = Math.Max(0, Math.Min(length, data.Length - offset));
            Assert.That(file.Read(offset, buffer.AsSpan(0, length)), Is.EqualTo(expected));
            Assert.That(buffer.AsSpan(0, expected).SequenceEqual(data.AsSpan(Math.Min(offset, data.Length), expected)));
        }
    }

    [Test]
    public void What_was_written_and_flushed_is_read_back()
    {
        string path = Write(new byte[8192]);
        byte[] data = InteropTest.RandomBytes(TestSeed.Random(), 5000);
        using (NativeFile file = Open(path, NativeFileMode.ReadWrite))
        {
            file.Write(1000, data);
            file.Flush();
            file.ReadAhead(0, 8192);
        }

        Assert.That(File.ReadAllBytes(path)[1000..6000], Is.EqualTo(data));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(3000)]
    public void Parts_are_written_one_behind_the_other(int count)
    {
        // More parts than the host takes in one call, some of them empty.
        Random random = TestSeed.Random();
        ReadOnlyMemory<byte>[] parts = [.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<byte>)InteropTest.RandomBytes(random, i % 7 == 0 ? 0 : random.Next(200)))];
        byte[] expected = [.. new byte[1000], .. parts.SelectMany(part => part.ToArray())];
        string path = Write(new byte[1000]);
        using (NativeFile file = Open(path, NativeFileMode.ReadWrite))
        {
            file.Write(1000, parts);
        }

        Assert.That(File.ReadAllBytes(path), Is.EqualTo(expected));
    }

    [Test]
    public void The_twins_see_each_others_exclusive_opening()
    {
        string path = Write(new byte[100]);
        using (NativeFile file = Open(path, NativeFileMode.ReadWriteExclusive))
        {
            file.Write(0, [1]);
            Assert.That(() => ManagedFile.Open(path, NativeFileMode.ReadWriteExclusive), Throws.TypeOf<DeviceBusyException>().With.Message.Contains(path));
            if (NativeLibraryStatus.IsLoaded)
            {
                Assert.That(() => ShimFile.Open(path, NativeFileMode.ReadWriteExclusive, direct: false), Throws.TypeOf<DeviceBusyException>().With.Message.Contains(path));
            }

            using NativeFile reader = Open(path);
            Assert.That(reader.Read(0, new byte[1]), Is.EqualTo(1));
        }

        Open(path, NativeFileMode.ReadWriteExclusive).Dispose();
        Assert.That(() => Open(path + ".none", NativeFileMode.ReadWriteExclusive), Throws.TypeOf<FileNotFoundException>());
    }

    [Test]
    public void A_file_opened_for_reading_refuses_a_write()
    {
        using NativeFile file = Open(Write(new byte[100]));

        Assert.That(() => file.Write(0, new byte[1]), Throws.InstanceOf<IOException>().Or.InstanceOf<UnauthorizedAccessException>());
    }

    [Test]
    public void An_empty_file_has_no_size_and_no_bytes()
    {
        using NativeFile file = Open(Write([]));

        Assert.That(file.SizeBytes, Is.Zero);
        Assert.That(file.IsBlockDevice, Is.False);
        Assert.That(file.Read(0, new byte[10]), Is.Zero);
        Assert.That(file.TryFlushDeviceCache(), Is.False);
    }

    [Test]
    public void A_missing_file_is_named_with_the_reason() =>
        Assert.That(
            () => Open(Path.Combine(_folder, "absent")),
            Throws.TypeOf<FileNotFoundException>().With.Message.EqualTo($"cannot open '{_folder}/absent': no such file or directory"));

    [Test]
    public void A_directory_is_refused() =>
        Assert.That(() => Open(_folder), Throws.InstanceOf<IOException>().With.Message.EqualTo($"cannot open '{_folder}': is a directory"));

    [Test]
    public void A_negative_offset_is_refused()
    {
        using NativeFile file = Open(Write(new byte[10]));

        Assert.That(() => file.Read(-1, new byte[1]), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_closed_file_says_so()
    {
        NativeFile file = Open(Write(new byte[10]));
        file.Dispose();
        file.Dispose();

        Assert.That(() => file.Read(0, new byte[1]), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void A_pipe_is_refused_and_never_waited_for()
    {
        if (!isNative)
        {
            Assert.Pass("the base library can't tell a pipe before it opens it");
        }

        string path = Path.Combine(_folder, "pipe");
        using Process mkfifo = Process.Start("mkfifo", path);
        mkfifo.WaitForExit();

        Assert.That(() => Open(path), Throws.InstanceOf<IOException>());
    }

    [Test]
    public void A_direct_file_is_read_to_its_unaligned_end()
    {
        byte[] data = InteropTest.RandomBytes(TestSeed.Random(), 10_000);
        using NativeFile file = OpenDirectOrIgnore(Write(data));
        Memory<byte> buffer = AlignedMemory.Allocate(16384, 4096);

        Assert.That(file.Read(0, buffer.Span), Is.EqualTo(data.Length));
        Assert.That(buffer.Span[..data.Length].SequenceEqual(data));
        Assert.That(file.IsDirect, Is.EqualTo(isNative));
        Assert.That(file.DirectAlignmentBytes, Is.EqualTo(isNative ? 4096 : 1));
    }

    [TestCase(28)]
    [TestCase(122)]
    public void A_full_device_has_its_own_exception(int errno) =>
        Assert.That(NativeErrors.ToException(errno, "write", "/x"), Is.TypeOf<DeviceFullException>().With.Property("HResult").EqualTo(errno));

    [Test]
    public void The_size_of_a_device_is_found_by_probing_alone()
    {
        // Like a block device, this file has a length of 0 for the base library and bytes all the same.
        const string Path = "/proc/self/maps";
        if (isNative || !File.Exists(Path))
        {
            Assert.Pass("only the managed twin probes");
        }

        using NativeFile file = Open(Path);

        Assert.That(file.SizeBytes, Is.GreaterThan(0));
    }

    private NativeFile Open(string path, NativeFileMode mode = NativeFileMode.Read) =>
        isNative ? ShimFile.Open(path, mode, direct: false) : ManagedFile.Open(path, mode);

    private NativeFile OpenDirectOrIgnore(string path)
    {
        if (!isNative)
        {
            return ManagedFile.Open(path, NativeFileMode.Read);
        }

        try
        {
            return ShimFile.Open(path, NativeFileMode.Read, direct: true);
        }
        catch (IOException exception) when (exception.HResult == NativeErrors.InvalidArgument)
        {
            Assert.Ignore($"no O_DIRECT here: {exception.Message}");
            throw;
        }
    }

    private string Write(byte[] data)
    {
        string path = Path.Combine(_folder, "file");
        File.WriteAllBytes(path, data);
        return path;
    }
}
