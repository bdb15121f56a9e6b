using System.Diagnostics;
using System.Globalization;
using System.Text;
using Btrfs.Engine;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Benchmarks.Macro;

/// <summary>
/// Times our receive and that of btrfs-progs with the kernel, as whole commands: in turns, of the same stream in a file, each onto an image that was made just before, up to the state
/// that a power cut leaves whole (syncfs there, the commit here).
/// </summary>
internal static class ReceivingRun
{
    private const int Rounds = 7;
    private const long ImageBytes = 6L << 30;

    private static readonly (Workload Workload, double Floor)[] s_workloads =
        [(Workload.Big, 1.5), (Workload.Small, 2), (Workload.Reflinks, 1.5), (Workload.LessCompressed, 1.5)];

    public static int Run(string[] names)
    {
        if (!CommandRun.IsPossible)
        {
            Console.Error.WriteLine($"there is no {CommandRun.Engine}: build first, and run this in the root of the repository");
            return 1;
        }

        string directory = Environment.GetEnvironmentVariable("BTRFS_BENCH_DIR") ?? Path.Combine(Path.GetTempPath(), "btrfs-engine-bench");
        string mountPoint = Directory.CreateDirectory(Path.Combine(directory, "mnt")).FullName;
        string image = Path.Combine(directory, "receiving.img");
        StringBuilder table = new();
        table.AppendLine("| received stream | kernel, ms | ours, ms | times the kernel | floor | stream, MB/s |");
        table.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach ((Workload workload, double floor) in s_workloads.Where(row => names.Length == 0 || names.Contains(row.Workload.Name)))
        {
            string stream = StreamOf(workload, directory, mountPoint);
            List<double> kernel = [];
            List<double> ours = [];
            for (int round = 0; round < Rounds; round++)
            {
                kernel.Add(Kernel(image, mountPoint, stream));
                ours.Add(Ours(image, stream));
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{workload.Name} round {round}: kernel {kernel[^1]:f0} ms, ours {ours[^1]:f0} ms"));
            }

            double their = Median(kernel);
            double our = Median(ours);
            table.AppendLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {workload.Title} | {their:f0} | {our:f0} | {their / our:f2} | {floor:f1} | {new FileInfo(stream).Length / our / 1000:f0} |"));
        }

        File.Delete(image);
        Console.WriteLine();
        Console.Write(table);
        return 0;
    }

    private static string StreamOf(Workload workload, string directory, string mountPoint)
    {
        string stream = Path.Combine(directory, $"{workload.Name}.stream");
        if (File.Exists(stream))
            return stream;
        string image = Path.Combine(directory, $"{workload.Name}.img");
        if (!File.Exists(image))
            MacroRun.Make(workload, image, mountPoint);
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([image]))
        using (FileStream output = File.Create(stream + ".new"))
        {
            fs.Send(new SendRequest { Subvolumes = ["snap"], CompressedData = workload == Workload.LessCompressed }, output);
        }

        File.Move(stream + ".new", stream);
        return stream;
    }

    private static double Kernel(string image, string mountPoint, string stream)
    {
        NewImage(image);
        using BtrfsMount mount = BtrfsMount.Open([image], mountPoint, visible: true);
        long start = Stopwatch.GetTimestamp();
        Tool.Run("btrfs", "receive", "-q", "-f", stream, mountPoint);
        if (Syscall.SyncFileSystem(mount.Root) < 0)
            throw new IOException("the kernel can't sync");
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Ours(string image, string stream)
    {
        NewImage(image);
        long start = Stopwatch.GetTimestamp();
        Tool.Run(CommandRun.Engine, "receive", "-q", "-f", stream, image);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void NewImage(string image)
    {
        File.Delete(image);
        using (FileStream file = File.Create(image))
            file.SetLength(ImageBytes);
        Tool.Run("mkfs.btrfs", "-q", image);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
