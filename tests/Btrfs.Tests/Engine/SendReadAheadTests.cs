using System.Diagnostics;
using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Interop;
using Btrfs.Space.Making;
using Btrfs.Storage;

namespace Btrfs.Tests.Engine;

/// <summary>The reader in front of a send: it asks for what will be read, and not for too much of it at once.</summary>
public sealed class SendReadAheadTests
{
    private const int Files = 10;
    private const int FileBytes = 24 << 20;
    private const long MostAhead = 144 << 20;
    private const int Directories = 40;
    private const int FilesPerDirectory = 150;

    [TestCase(Files, 300)]
    [TestCase(2, 0, TestName = "Data_of_a_single_leaf_is_asked_for_before_it_is_read")]
    public void Data_is_asked_for_before_it_is_read_and_never_far_ahead(int files, int names)
    {
        WatchedDevice device = Watch(image => Make(image, files, names), new SendRequest { Subvolumes = ["snapshot"] });
        Assert.That(device.PrefetchedBytes, Is.GreaterThan(files * (long)FileBytes / 2));
        Assert.That(device.MostAhead, Is.GreaterThan(0).And.LessThanOrEqualTo(MostAhead));
    }

    // The top, the roots and the nodes can't be known before: 12 reads or so. Leaves can, those of directories among them.
    [Test]
    public void Leaves_of_a_difference_are_asked_for_before_they_are_read()
    {
        WatchedDevice device = Watch(MakeDifference, new SendRequest { Subvolumes = ["after"], Parent = "before" });
        Assert.That(device.Reads, Is.GreaterThan(2 * Directories));
        Assert.That(device.ReadsUnasked, Is.LessThan(device.Reads / 3));
    }

    private static WatchedDevice Watch(Action<string> make, SendRequest request)
    {
        if (Environment.ProcessorCount < 2)
            Assert.Ignore("one processor: nobody could read ahead");

        string directory = Directory.CreateTempSubdirectory("btrfs-ahead-").FullName;
        try
        {
            string image = Path.Combine(directory, "image");
            make(image);
            WatchedDevice device = new(FileBlockDevice.Open(image, DeviceOpenOptions.Default));
            using BtrfsFileSystem fs = BtrfsFileSystem.Open([device]);
            device.IsWatching = true;
            fs.Send(request, System.IO.Stream.Null);
            return device;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void MakeDifference(string image)
    {
        ImageMaker.Make([image], new MakeOptions { DeviceBytes = 512 << 20 });
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true });
        fs.CreateSubvolume("work");
        for (int number = 0; number < Directories; number++)
        {
            fs.CreateDirectory($"work/d{number}");
            for (int file = 0; file < FilesPerDirectory; file++)
                fs.CreateFile($"work/d{number}/a rather long name that fills leaves, number {file}");
        }

        fs.CreateSnapshot("work", "before", isReadOnly: true);
        for (int number = 0; number < Directories; number++)
            fs.WriteFile($"work/d{number}/a rather long name that fills leaves, number {FilesPerDirectory / 2}", 0, "changed"u8);
        fs.CreateSnapshot("work", "after", isReadOnly: true);
        fs.Commit();
    }

    private static void Make(string image, int files, int names)
    {
        ImageMaker.Make([image], new MakeOptions { DeviceBytes = 512 << 20 });
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true });
        fs.CreateSubvolume("work");
        byte[] content = new byte[FileBytes];
        new Random(3).NextBytes(content);
        for (int number = 0; number < files; number++)
        {
            fs.CreateFile($"work/file{number}");
            fs.WriteFile($"work/file{number}", 0, content);
        }

        for (int number = 0; number < names; number++)
            fs.CreateFile($"work/a rather long name that fills leaves, number {number}");
        fs.CreateSnapshot("work", "snapshot", isReadOnly: true);
        fs.Commit();
    }

    /// <summary>
    /// Counts what is asked for and what is read. What nobody asked for takes long, as on a disk: so the reader gets in front however busy the machine is.
    /// </summary>
    private sealed class WatchedDevice(IBlockDevice below) : IBlockDevice
    {
        private static readonly TimeSpan s_longRead = TimeSpan.FromMilliseconds(30);

        private readonly object _lock = new();
        private readonly List<(ulong Start, ulong End)> _asked = [];
        private long _read;

        public bool IsWatching { get; set; }

        public long PrefetchedBytes { get; private set; }

        public long MostAhead { get; private set; }

        public int Reads { get; private set; }

        /// <summary>Of the reads those that nobody had asked for.</summary>
        public int ReadsUnasked { get; private set; }

        public string Name => below.Name;

        public ulong SizeBytes => below.SizeBytes;

        public bool IsMounted => below.IsMounted;

        public bool IsWritable => below.IsWritable;

        public IReadOnlyList<string> Notices => below.Notices;

        public void Read(ulong offsetBytes, Span<byte> buffer)
        {
            below.Read(offsetBytes, buffer);
            lock (_lock)
            {
                if (!IsWatching)
                    return;
                Reads++;
                ReadsUnasked += IsAsked(offsetBytes, (ulong)buffer.Length) ? 0 : 1;
                _read += buffer.Length;
            }
        }

        public int MovePages(ulong offsetBytes, int length, PageStream sink)
        {
            Prefetch(offsetBytes, (ulong)length);
            return below.MovePages(offsetBytes, length, sink);
        }

        public void Prefetch(ulong offsetBytes, ulong lengthBytes)
        {
            lock (_lock)
            {
                _asked.Add((offsetBytes, offsetBytes + lengthBytes));
                Monitor.PulseAll(_lock);
                PrefetchedBytes += IsWatching ? (long)lengthBytes : 0;
                MostAhead = Math.Max(MostAhead, PrefetchedBytes - _read);
            }
        }

        public void Write(ulong offsetBytes, ReadOnlySpan<byte> data) => below.Write(offsetBytes, data);

        public void Flush() => below.Flush();

        public void Discard(ulong offsetBytes, ulong lengthBytes) => below.Discard(offsetBytes, lengthBytes);

        public void Dispose() => below.Dispose();

        private bool IsAsked(ulong start, ulong length)
        {
            long begun = Stopwatch.GetTimestamp();
            while (!_asked.Exists(range => range.Start <= start && start + length <= range.End))
            {
                TimeSpan left = s_longRead - Stopwatch.GetElapsedTime(begun);
                if (left <= TimeSpan.Zero || !Monitor.Wait(_lock, left))
                    return false;
            }

            return true;
        }
    }
}
