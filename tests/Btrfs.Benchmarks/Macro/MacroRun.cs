using System.Diagnostics;
using System.Globalization;
using System.Text;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Benchmarks.Macro;

/// <summary>
/// Times our send and the kernel's on the same image in the same run: in turns, warm page cache, into pipes that are read dry, data checksums verified by
/// both. Quotes medians and their ratio, since the machines that this runs on are noisy.
/// </summary>
internal static class MacroRun
{
    private const int Rounds = 7;

    public static int Run(string[] names)
    {
        string directory = Environment.GetEnvironmentVariable("BTRFS_BENCH_DIR") ?? Path.Combine(Path.GetTempPath(), "btrfs-engine-bench");
        Directory.CreateDirectory(directory);
        StringBuilder table = new();
        table.AppendLine("| work | kernel, ms | ours, ms | times the kernel | floor | stream, MB/s | peak memory, MiB |");
        table.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (Workload workload in Workload.All.Where(workload => names.Length == 0 || names.Contains(workload.Name)))
            table.AppendLine(Measure(workload, directory));
        Console.WriteLine();
        Console.Write(table);
        return 0;
    }

    /// <summary>One send in a process of its own, for its peak memory.</summary>
    public static int ReportPeak(string image, string name)
    {
        Ours(image, Workload.All.Single(workload => workload.Name == name).Request);
        string peak = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        Console.WriteLine(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        return 0;
    }

    private static string Measure(Workload workload, string directory)
    {
        string image = Path.Combine(directory, $"{workload.Name}.img");
        string mountPoint = Directory.CreateDirectory(Path.Combine(directory, "mnt")).FullName;
        if (!File.Exists(image))
            Make(workload, image, mountPoint);

        List<double> kernel = [];
        List<double> ours = [];
        long bytes = 0;
        using (BtrfsMount mount = BtrfsMount.Open([image], mountPoint, readOnly: true))
        {
            for (int round = -1; round < Rounds; round++)
            {
                (double kernelMs, long kernelBytes) = Kernel(mount.Root, workload.Request);
                (double oursMs, bytes) = Ours(image, workload.Request);
                if (kernelBytes != bytes)
                    throw new InvalidDataException($"{workload.Name}: the kernel sends {kernelBytes} bytes, we {bytes}");
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{workload.Name} round {round}: kernel {kernelMs:f1} ms, ours {oursMs:f1} ms"));
                if (round < 0)
                    continue;
                kernel.Add(kernelMs);
                ours.Add(oursMs);
            }
        }

        double kernelMedian = Median(kernel);
        double oursMedian = Median(ours);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {workload.Title} | {kernelMedian:f0} | {oursMedian:f0} | {kernelMedian / oursMedian:f2} | {workload.Floor:f0} | {bytes / oursMedian / 1000:f0} | {PeakMebibytes(image, workload.Name):f0} |");
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

    private static (double Milliseconds, long Bytes) Kernel(int root, SendRequest request)
    {
        using DrainedPipe pipe = new();
        long start = Stopwatch.GetTimestamp();
        int result = KernelSend.Send(root, request, pipe.Descriptor);
        pipe.Finish();
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return result == 0 ? (elapsed, pipe.BytesRead) : throw new IOException($"the kernel's send fails with errno {-result}");
    }

    private static (double Milliseconds, long Bytes) Ours(string image, SendRequest request)
    {
        using DrainedPipe pipe = new();
        long start = Stopwatch.GetTimestamp();
        using (EngineSendUnderTest engine = new())
        {
            engine.Open([image]);
            using FileStream output = pipe.OpenWriter();
            engine.Send(request, output);
        }

        pipe.Finish();
        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, pipe.BytesRead);
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
