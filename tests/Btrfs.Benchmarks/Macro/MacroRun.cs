using System.Diagnostics;
using System.Globalization;
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
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(1.5);

    public static int Run(string[] names)
    {
        string directory = Environment.GetEnvironmentVariable("BTRFS_BENCH_DIR") ?? Path.Combine(Path.GetTempPath(), "btrfs-engine-bench");
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("BTRFS_BENCH_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int wanted) ? wanted : DefaultRounds;
        Directory.CreateDirectory(directory);
        string load = SendReport.Load();
        string mountPoint = Directory.CreateDirectory(Path.Combine(directory, "mnt")).FullName;
        string big = ImageOf(Workload.Big, directory, mountPoint);
        bool isWhole = names.Length == 0;
        Limits? limits = isWhole ? new Limits(big) : null;
        List<Row> rows = [.. Measurement.All.Where(measurement => isWhole || names.Contains(measurement.Name)).Select(measurement => Measure(measurement, directory, rounds, limits))];
        if (CommandRun.IsPossible && (isWhole || names.Contains("command")))
            rows.Add(CommandRun.Incremental(ImageOf(Workload.Incremental, directory, mountPoint), mountPoint, rounds));
        List<(string, double, double)> startUp = CommandRun.IsPossible && (isWhole || names.Contains("start"))
            ? [.. CommandRun.StartUp(Path.Combine(directory, "tiny.img"), mountPoint, rounds)] : [];
        Console.WriteLine();
        Console.Write(SendReport.Table(rows));
        foreach ((string title, double milliseconds, double ceiling) in startUp)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{title}: {milliseconds:f0} ms, at most {ceiling:f0}"));
        if (limits is not null && File.Exists("BtrfsEngine.sln"))
            SendReport.Write(rows, limits, startUp, rounds, load);
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

    private static string ImageOf(Workload workload, string directory, string mountPoint)
    {
        string image = Path.Combine(directory, $"{workload.Name}.img");
        if (!File.Exists(image))
            Make(workload, image, mountPoint);
        return image;
    }

    private static Row Measure(Measurement measurement, string directory, int rounds, Limits? limits)
    {
        string mountPoint = Path.Combine(directory, "mnt");
        string image = ImageOf(measurement.Workload, directory, mountPoint);
        List<double> kernel = [];
        List<double> ours = [];
        ColdReads? dd = measurement.Limit == LimitKind.ColdRead ? new ColdReads(image) : null;
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

                (double kernelMs, long kernelBytes) = Kernel(mount.Root, measurement, directory);

                // What the mounted file system has in its own cache would leave us and dd less memory, and smaller pieces of it.
                if (measurement.IsCold)
                {
                    mount.Dispose();
                    ImageCache.Drop(image);
                }

                (double oursMs, bytes) = Ours(image, measurement, directory);
                if (measurement.Sink == SinkKind.Nothing)
                    bytes = kernelBytes;
                if (kernelBytes != bytes && !measurement.ClonesAll)
                    throw new InvalidDataException($"{measurement.Name}: the kernel sends {kernelBytes} bytes, we {bytes}");
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{measurement.Name} round {round}: kernel {kernelMs:f1} ms, ours {oursMs:f1} ms"));
                dd?.Measure(round);
                if (round < 0)
                {
                    WarmUp(image, measurement, directory);
                    continue;
                }

                kernel.Add(kernelMs);
                ours.Add(oursMs);
            }
        }
        finally
        {
            mount.Dispose();
        }

        return new Row(measurement.Title, Median(kernel), Median(ours), measurement.Floor, bytes, PeakMebibytes(image, measurement.Name), dd?.Best ?? limits?.Of(measurement.Limit));
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

    // A process that sends often has its code compiled well; the first sends of one that doesn't are what the rows of whole commands show.
    private static void WarmUp(string image, Measurement measurement, string directory)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < s_warmUp)
            Ours(image, measurement, directory);
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

    public static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[(values.Count / 2) - 1] + values[values.Count / 2]) / 2;
    }
}
