using System.Diagnostics;
using System.Globalization;
using System.Text;
using Btrfs.Delalloc;
using Btrfs.Engine;
using Btrfs.Fidelity.Kernel;
using Btrfs.Inode;

namespace Btrfs.Benchmarks.Macro;

/// <summary>
/// Times writing to files through memory against the kernel's page cache on a loop device: in turns, each on an image of its own that was made just before, up to the end of the last
/// fsync.
/// </summary>
internal static class BufferedRun
{
    private const int Rounds = 3;
    private const int PieceBytes = 1 << 20;
    private const int SectorBytes = 4096;
    private const long LargeFile = 2L << 30;
    private const long OverwrittenFile = 1L << 30;
    private const int Overwrites = 100_000;
    private const int Syncs = 10_000;
    private const int SyncThreads = 8;
    private const int MixedFiles = 200;
    private const int MixedBytes = 2 << 20;

    private static readonly (string Name, string Title, Action<IWorkFile> Prepare, Action<IWorkFile> Work)[] s_works =
    [
        ("sequential", "one file of 2 GiB, fsync", _ => { }, Sequential),
        ("random", "100,000 random overwrites of 4 KiB in 1 GiB, fsync", file => Fill(file, OverwrittenFile), Random),
        ("fsync", "10,000 writes of 4 KiB, each with fsync", _ => { }, SyncEach),
        ("fsyncs", "the same by 8 threads, each in a file of its own", _ => { }, SyncByThreads),
        ("mixed", "200 files of 2 MiB written and fsynced while 400 MiB are sent", file => file.PrepareSend(MixedFiles, MixedBytes), Mixed),
    ];

    public static int Run(string[] names)
    {
        string directory = Environment.GetEnvironmentVariable("BTRFS_BENCH_DIR") ?? Path.Combine(Path.GetTempPath(), "btrfs-engine-bench");
        string mountPoint = Directory.CreateDirectory(Path.Combine(directory, "mnt")).FullName;
        string image = Path.Combine(directory, "buffered.img");
        StringBuilder table = new();
        table.AppendLine("| work | kernel, ms | ours, ms | times kernel |");
        table.AppendLine("| --- | ---: | ---: | ---: |");
        foreach ((string name, string title, Action<IWorkFile> prepare, Action<IWorkFile> work) in s_works)
        {
            if (names.Length > 0 && !names.Contains(name))
                continue;
            List<double> theirs = [];
            List<double> ours = [];
            for (int round = 0; round < Rounds; round++)
            {
                theirs.Add(Time(image, () => new KernelWorkFile(image, mountPoint), prepare, work));
                ours.Add(Time(image, () => new EngineWorkFile(image), prepare, work));
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: round {round + 1} of {Rounds}: {theirs[^1]:f0} and {ours[^1]:f0} ms"));
            }

            table.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| {title} | {Median(theirs):f0} | {Median(ours):f0} | {Median(theirs) / Median(ours):f2} |"));
        }

        File.Delete(image);
        Console.WriteLine();
        Console.Write(table);
        return 0;
    }

    private static double Time(string image, Func<IWorkFile> open, Action<IWorkFile> prepare, Action<IWorkFile> work)
    {
        File.Delete(image);
        using (FileStream made = File.Create(image))
            made.SetLength(5L << 30);
        Tool.Run("mkfs.btrfs", "-q", image);
        using IWorkFile file = open();
        prepare(file);
        long start = Stopwatch.GetTimestamp();
        work(file);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Sequential(IWorkFile file) => Fill(file, LargeFile);

    private static void Fill(IWorkFile file, long bytes)
    {
        byte[] data = Noise(PieceBytes);
        for (long at = 0; at < bytes; at += PieceBytes)
            file.Write(at, data);
        file.Sync();
    }

    private static void Random(IWorkFile file)
    {
        byte[] data = Noise(SectorBytes);
        Random random = new(2);
        for (int i = 0; i < Overwrites; i++)
            file.Write(random.NextInt64(OverwrittenFile / SectorBytes) * SectorBytes, data);
        file.Sync();
    }

    private static void SyncEach(IWorkFile file) => SyncEach(file, Syncs);

    private static void SyncByThreads(IWorkFile file)
    {
        using CountdownEvent left = new(SyncThreads);
        for (int number = 0; number < SyncThreads; number++)
        {
            IWorkFile own = file.Other($"synced{number}");
            new Thread(() =>
            {
                using (own)
                    SyncEach(own, Syncs / SyncThreads);
                left.Signal();
            }).Start();
        }

        left.Wait();
    }

    private static void SyncEach(IWorkFile file, int syncs)
    {
        byte[] data = Noise(SectorBytes);
        for (int i = 0; i < syncs; i++)
        {
            file.Write((long)i * SectorBytes, data);
            file.Sync();
        }
    }

    private static void Mixed(IWorkFile file)
    {
        Task send = Task.Run(file.Send);
        byte[] data = Noise(64 << 10);
        for (int number = 0; number < MixedFiles; number++)
        {
            using IWorkFile made = file.Other($"mixed{number}");
            for (long at = 0; at < MixedBytes; at += data.Length)
                made.Write(at, data);
            if (number % 20 == 19)
                made.Sync();
        }

        send.Wait();
    }

    private static byte[] Noise(int length)
    {
        byte[] data = new byte[length];
        new Random(1).NextBytes(data);
        return data;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>A file on either side, and what is needed around it.</summary>
    private interface IWorkFile : IDisposable
    {
        void Write(long offset, byte[] data);

        void Sync();

        IWorkFile Other(string name);

        void PrepareSend(int files, int bytes);

        void Send();
    }

    private sealed class KernelWorkFile : IWorkFile
    {
        private readonly BtrfsMount _mount;
        private readonly string _mountPoint;
        private readonly Descriptor _file;
        private readonly bool _ownsMount;

        public KernelWorkFile(string image, string mountPoint)
            : this(BtrfsMount.Open([image], mountPoint, visible: true), mountPoint, "file", ownsMount: true)
        {
        }

        private KernelWorkFile(BtrfsMount mount, string mountPoint, string name, bool ownsMount)
        {
            _mount = mount;
            _mountPoint = mountPoint;
            _ownsMount = ownsMount;
            _file = new Descriptor(Check(Syscall.Open(mount.Root, Encoding.ASCII.GetBytes(name), Syscall.OpenReadWrite | Syscall.OpenCreate, 0x1A4)));
        }

        public void Write(long offset, byte[] data) => Check(Syscall.Write(_file.Value, data, offset));

        public void Sync() => Check(Syscall.Fsync(_file.Value));

        public IWorkFile Other(string name) => new KernelWorkFile(_mount, _mountPoint, name, ownsMount: false);

        public void PrepareSend(int files, int bytes)
        {
            Tool.Run("btrfs", "subvolume", "create", Path.Combine(_mountPoint, "volume"));
            for (int number = 0; number < files; number++)
                File.WriteAllBytes(Path.Combine(_mountPoint, "volume", $"f{number}"), Noise(bytes));
            Tool.Run("btrfs", "subvolume", "snapshot", "-r", Path.Combine(_mountPoint, "volume"), Path.Combine(_mountPoint, "snapshot"));
        }

        public void Send() => Tool.Run("sh", "-c", $"btrfs send -q {Path.Combine(_mountPoint, "snapshot")} | cat > /dev/null");

        public void Dispose()
        {
            _file.Dispose();
            if (_ownsMount)
                _mount.Dispose();
        }

        private static int Check(int result) => result >= 0 ? result : throw new IOException($"the kernel refuses with errno {-result}");
    }

    private sealed class EngineWorkFile : IWorkFile
    {
        private readonly BtrfsFileSystem _fs;
        private readonly BufferedFileStream _file;
        private readonly bool _ownsFileSystem;

        public EngineWorkFile(string image)
            : this(BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true }), "file", ownsFileSystem: true)
        {
        }

        private EngineWorkFile(BtrfsFileSystem fs, string name, bool ownsFileSystem)
        {
            _fs = fs;
            _ownsFileSystem = ownsFileSystem;
            fs.CreateFile(name);
            _file = fs.OpenFile(name, FileAccess.ReadWrite);
        }

        public void Write(long offset, byte[] data)
        {
            _file.Position = offset;
            _file.Write(data);
        }

        public void Sync() => _file.Sync();

        public IWorkFile Other(string name) => new EngineWorkFile(_fs, name, ownsFileSystem: false);

        public void PrepareSend(int files, int bytes)
        {
            _fs.CreateSubvolume("volume");
            for (int number = 0; number < files; number++)
            {
                FsPath path = $"volume/f{number}";
                _fs.CreateFile(path);
                _fs.WriteFile(path, 0, Noise(bytes));
            }

            _fs.CreateSnapshot("volume", "snapshot", isReadOnly: true);
        }

        public void Send() => _fs.Send(new SendRequest { Subvolumes = ["snapshot"] }, System.IO.Stream.Null);

        public void Dispose()
        {
            _file.Dispose();
            if (_ownsFileSystem)
                _fs.Dispose();
        }
    }
}
