using System.Diagnostics;
using System.Globalization;
using System.Text;
using Btrfs.Engine;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Benchmarks.Macro;

/// <summary>
/// Times changing against the kernel on a loop device, and commands against those of btrfs-progs: in turns, each on an image of its own that was made
/// just before, up to the state that a power cut leaves whole (syncfs there, a commit here).
/// </summary>
internal static class WritingRun
{
    private const int Rounds = 5;
    private const int Files = 100_000;
    private const int FilesPerDirectory = 1000;
    private const int FileBytes = 4096;

    public static int Run(string[] names)
    {
        string directory = Environment.GetEnvironmentVariable("BTRFS_BENCH_DIR") ?? Path.Combine(Path.GetTempPath(), "btrfs-engine-bench");
        string mountPoint = Directory.CreateDirectory(Path.Combine(directory, "mnt")).FullName;
        string image = Path.Combine(directory, "writing.img");
        StringBuilder table = new();
        table.AppendLine("| work | theirs, ms | ours, ms | times theirs | floor |");
        table.AppendLine("| --- | ---: | ---: | ---: | ---: |");
        if (Wanted("files"))
        {
            List<(double Create, double Delete)> kernel = [];
            List<(double Create, double Delete)> ours = [];
            InTurns("files", () => kernel.Add(Kernel(image, mountPoint)), () => ours.Add(Ours(image)));
            Row($"{Files:n0} files of {FileBytes} bytes created", kernel.ConvertAll(one => one.Create), ours.ConvertAll(one => one.Create), 1);
            Row($"{Files:n0} files deleted", kernel.ConvertAll(one => one.Delete), ours.ConvertAll(one => one.Delete), 1);
        }

        if (Wanted("rootdir"))
        {
            string tree = Path.GetDirectoryName(Path.GetFullPath(new FileInfo(WhichDotnet()).ResolveLinkTarget(true)?.FullName ?? WhichDotnet()))!;
            Commands("rootdir", $"mkfs --rootdir {tree}", ["mkfs.btrfs", "-q", "-f", "--rootdir", tree, image], [Engine, "mkfs", "-q", "-f", "--rootdir", tree, image], () => NewImage(image));
        }

        if (Wanted("check"))
        {
            string large = Path.Combine(directory, "incremental.img");
            if (File.Exists(large))
                Commands("check", "check of 500,000 inodes", ["btrfs", "check", large], [Engine, "check", large], () => { });
            else
                Console.Error.WriteLine($"no {large}: `macro incremental` makes it");
        }

        File.Delete(image);
        Console.WriteLine();
        Console.Write(table);
        return 0;

        bool Wanted(string name) => names.Length == 0 || names.Contains(name);

        void Commands(string name, string title, string[] their, string[] our, Action prepare)
        {
            List<double> theirs = [];
            List<double> ours = [];
            InTurns(name, () => theirs.Add(Command(their, prepare)), () => ours.Add(Command(our, prepare)));
            Row(title, theirs, ours, 2);
        }

        void Row(string title, List<double> theirs, List<double> ours, double floor)
        {
            double their = Median(theirs);
            double our = Median(ours);
            table.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| {title} | {their:f0} | {our:f0} | {their / our:f2} | {floor:f0} |"));
        }
    }

    private static string Engine => Path.Combine(Repository.Root, "artifacts", "btrfs-engine");

    private static void InTurns(string name, Action theirs, Action ours)
    {
        for (int round = 0; round < Rounds; round++)
        {
            theirs();
            ours();
            Console.Error.WriteLine($"{name}: round {round + 1} of {Rounds}");
        }
    }

    private static double Command(string[] command, Action prepare)
    {
        prepare();
        long start = Stopwatch.GetTimestamp();
        Tool.Run(command[0], command[1..]);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static (double Create, double Delete) Kernel(string image, string mountPoint)
    {
        MakeImage(image);
        byte[] data = new byte[FileBytes];
        using BtrfsMount mount = BtrfsMount.Open([image], mountPoint);
        long start = Stopwatch.GetTimestamp();
        for (int first = 0; first < Files; first += FilesPerDirectory)
        {
            byte[] directory = NameOf('d', first);
            Check(Syscall.Mkdir(mount.Root, directory, 0x1ED));
            using Descriptor parent = new(Check(Syscall.Open(mount.Root, directory, Syscall.OpenDirectory)));
            for (int file = first; file < first + FilesPerDirectory; file++)
            {
                Fill(data, file);
                using Descriptor made = new(Check(Syscall.Open(parent.Value, NameOf('f', file), Syscall.OpenReadWrite | Syscall.OpenCreate, 0x1A4)));
                Check(Syscall.Write(made.Value, data, 0));
            }
        }

        Check(Syscall.SyncFileSystem(mount.Root));
        double create = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        start = Stopwatch.GetTimestamp();
        for (int first = 0; first < Files; first += FilesPerDirectory)
        {
            using Descriptor parent = new(Check(Syscall.Open(mount.Root, NameOf('d', first), Syscall.OpenDirectory)));
            for (int file = first; file < first + FilesPerDirectory; file++)
                Check(Syscall.Unlink(parent.Value, NameOf('f', file)));
        }

        Check(Syscall.SyncFileSystem(mount.Root));
        return (create, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static (double Create, double Delete) Ours(string image)
    {
        MakeImage(image);
        byte[] data = new byte[FileBytes];
        NewInode newDirectory = new() { Mode = InodeMode.Directory | 0x1ED };
        NewInode newFile = new() { Mode = InodeMode.Regular | 0x1A4 };
        ulong[] directories = new ulong[Files / FilesPerDirectory];
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true });
        SubvolumeWriter top = new SubvolumeWriters(fs.Writer).Get(ObjectIds.FsTree);
        long start = Stopwatch.GetTimestamp();
        for (int first = 0; first < Files; first += FilesPerDirectory)
        {
            ulong directory = top.Create(ObjectIds.FirstFree, NameOf('d', first), newDirectory);
            directories[first / FilesPerDirectory] = directory;
            for (int file = first; file < first + FilesPerDirectory; file++)
            {
                Fill(data, file);
                top.Write(top.Create(directory, NameOf('f', file), newFile), 0, data);
            }
        }

        fs.Commit();
        double create = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        start = Stopwatch.GetTimestamp();
        for (int file = 0; file < Files; file++)
            top.Unlink(directories[file / FilesPerDirectory], NameOf('f', file));
        fs.Commit();
        return (create, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static byte[] NameOf(char kind, int number) => Encoding.ASCII.GetBytes($"{kind}{number}");

    // Other content for each file, and none that compresses away.
    private static void Fill(byte[] data, int number) => new Random(number).NextBytes(data);

    private static void MakeImage(string image)
    {
        NewImage(image);
        Tool.Run("mkfs.btrfs", "-q", image);
    }

    private static void NewImage(string image)
    {
        File.Delete(image);
        using FileStream file = File.Create(image);
        file.SetLength(4L << 30);
    }

    private static string WhichDotnet() =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, "dotnet")).First(File.Exists);

    private static int Check(int result) => result >= 0 ? result : throw new IOException($"the kernel refuses with errno {-result}");

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
