using System.Diagnostics;
using System.Globalization;
using System.Text;
using Btrfs.Engine;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Benchmarks.Macro;

/// <summary>
/// Times our send and the kernel's on the same image in the same run, in turns, into the same kind of sink, data checksums verified by
/// both. Quotes medians and their ratio, since the machines that this runs on are noisy. BTRFS_BENCH_ROUNDS shortens or lengthens it.
/// </summary>
internal static class MacroRun
{
    private const int DefaultRounds = 7;

    public static int Run(string[] names)
    {
        string directory = Environment.GetEnvironmentVariable("BTRFS_BENCH_DIR") ?? Path.Combine(Path.GetTempPath(), "btrfs-engine-bench");
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("BTRFS_BENCH_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int wanted) ? wanted : DefaultRounds;
        Directory.CreateDirectory(directory);
        StringBuilder table = new();
        table.AppendLine("| work | kernel, ms | ours, ms | times the kernel | floor | stream, MB/s | peak memory, MiB |");
        table.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (Measurement measurement in Measurement.All.Where(measurement => names.Length == 0 || names.Contains(measurement.Name)))
            table.AppendLine(Measure(measurement, directory, rounds));
        Console.WriteLine();
        Console.Write(table);
        return 0;
    }

    /// <summary>One send in a process of its own, for its peak memory.</summary>
    public static int ReportPeak(string image, string name)
    {
        Ours(image, Measurement.All.Single(measurement => measurement.Name == name), Path.GetDirectoryName(image)!);
        string peak = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        Console.WriteLine(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        return 0;
    }

    private static string Measure(Measurement measurement, string directory, int rounds)
    {
        string image = Path.Combine(directory, $"{measurement.Workload.Name}.img");
        string mountPoint = Directory.CreateDirectory(Path.Combine(directory, "mnt")).FullName;
        if (!File.Exists(image))
            Make(measurement.Workload, image, mountPoint);

        List<double> kernel = [];
        List<double> ours = [];
        long bytes = 0;
        // The first round only warms up; without a cache there is nothing to warm.
        int first = measurement.IsCold ? 0 : -1;
        BtrfsMount mount = BtrfsMount.Open([image], mountPoint, readOnly: true);
        try
        {
            for (int round = first; round < rounds; round++)
            {
                if (measurement.IsCold)
                {
                    mount.Dispose();
                    ImageCache.Drop(image);
                    mount = BtrfsMount.Open([image], mountPoint, readOnly: true);
                }

                (double kernelMs, bytes) = Kernel(mount.Root, measurement, directory);
                if (measurement.IsCold)
                    ImageCache.Drop(image);
                (double oursMs, long ourBytes) = Ours(image, measurement, directory);
                if (measurement.Sink != SinkKind.Nothing && ourBytes != bytes)
                    throw new InvalidDataException($"{measurement.Name}: the kernel sends {bytes} bytes, we {ourBytes}");
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{measurement.Name} round {round}: kernel {kernelMs:f1} ms, ours {oursMs:f1} ms"));
                if (round < 0)
                    continue;
                kernel.Add(kernelMs);
                ours.Add(oursMs);
            }
        }
        finally
        {
            mount.Dispose();
        }

        double kernelMedian = Median(kernel);
        double oursMedian = Median(ours);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {measurement.Title} | {kernelMedian:f0} | {oursMedian:f0} | {kernelMedian / oursMedian:f2} | {measurement.Floor:f0} | {bytes / oursMedian / 1000:f0} | {PeakMebibytes(image, measurement.Name):f0} |");
    }

    /// <summary>Lets the kernel make the file system of a workload.</summary>
    public static void Make(Workload workload, string image, string mountPoint)
    {
        Console.Error.WriteLine($"making {image}: {workload.Title}");
        string unfinished = image + ".new";
        using (FileStream file = File.Create(unfinished))
            file.SetLength(workload.ImageBytes);
        Tool.Run("mkfs.btrfs", "-q", unfinished);
        using (BtrfsMount mount = BtrfsMount.Open([unfinished], mountPoint, workload.MountOptions))
            workload.Fill(mount.Root);
        File.Move(unfinished, image);
    }

    private static (double Milliseconds, long Bytes) Kernel(int root, Measurement measurement, string directory)
    {
        // The kernel refuses to write to /dev/null (EINVAL): btrfs send splices a pipe there, and so does the thread of this one.
        using BenchmarkSink sink = BenchmarkSink.Open(measurement.Sink == SinkKind.Nothing ? SinkKind.SplicedPipe : measurement.Sink, directory);
        long start = Stopwatch.GetTimestamp();
        int result = KernelSend.Send(root, measurement.Request, sink.Descriptor);
        sink.Finish();
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return result == 0 ? (elapsed, sink.Bytes) : throw new IOException($"the kernel's send fails with errno {-result}");
    }

    private static (double Milliseconds, long Bytes) Ours(string image, Measurement measurement, string directory)
    {
        using BenchmarkSink sink = BenchmarkSink.Open(measurement.Sink, directory);
        long start = Stopwatch.GetTimestamp();
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([image]))
        using (FileStream output = sink.OpenWriter())
            fs.Send(measurement.OurRequest, output);

        sink.Finish();
        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, sink.Bytes);
    }

    private static double PeakMebibytes(string image, string name)
    {
        using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. RunPrefix(), "peak", image, name]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return double.Parse(output, CultureInfo.InvariantCulture) / 1024;
    }

    // Under `dotnet X.dll` the program is dotnet and needs the assembly named.
    private static string[] RunPrefix() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(MacroRun).Assembly.Location] : [];

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[(values.Count / 2) - 1] + values[values.Count / 2]) / 2;
    }
}
