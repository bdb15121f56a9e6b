using System.Diagnostics;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Benchmarks.Macro;

/// <summary>Times whole commands, from the start of the process to its end: ours as it is published at artifacts/, and that of btrfs-progs with the kernel.</summary>
internal static class CommandRun
{
    public const string Engine = "artifacts/btrfs-engine";

    /// <summary>Whether there is a command line of ours to be run: the build makes it, from the root of the repository.</summary>
    public static bool IsPossible => File.Exists(Engine);

    /// <summary>An incremental send, warm.</summary>
    public static Row Incremental(string image, string mountPoint, int rounds)
    {
        using BtrfsMount mount = BtrfsMount.Open([image], mountPoint, readOnly: true, visible: true);
        (double theirs, double ours, long bytes, double peak) = Measure(
            rounds,
            ("btrfs", ["send", "-q", "-p", $"{mountPoint}/before", $"{mountPoint}/after"]),
            (Engine, ["send", "-q", "-p", "before", image, "after"]));
        return new Row(Workload.Incremental.Title + ", the whole command", theirs, ours, 1, bytes, peak, Limit: null);
    }

    /// <summary>The least that a command takes: the version alone, and a send of one file. What is asked is in the titles.</summary>
    public static IEnumerable<(string Title, double Milliseconds, double Ceiling)> StartUp(string image, string mountPoint, int rounds)
    {
        if (!File.Exists(image))
            MacroRun.Make(Workload.Tiny, image, mountPoint);
        yield return ("`btrfs-engine --version`", Median(rounds, Engine, ["--version"]), 80);
        yield return ("a send of one file of 4 KiB", Median(rounds, Engine, ["send", "-q", image, "snap"]), 200);
    }

    private static (double Theirs, double Ours, long Bytes, double PeakMebibytes) Measure(int rounds, (string Program, string[] Arguments) their, (string Program, string[] Arguments) our)
    {
        List<double> theirs = [];
        List<double> ours = [];
        long bytes = 0;
        double peak = 0;
        for (int round = -1; round < rounds; round++)
        {
            (double kernelMs, bytes, _) = RunOnce(their.Program, their.Arguments);
            (double ourMs, long ourBytes, double ourPeak) = RunOnce(our.Program, our.Arguments);
            if (ourBytes != bytes)
                throw new InvalidDataException($"{their.Program} writes {bytes} bytes, we {ourBytes}");
            peak = Math.Max(peak, ourPeak);
            if (round < 0)
                continue;
            theirs.Add(kernelMs);
            ours.Add(ourMs);
        }

        return (MacroRun.Median(theirs), MacroRun.Median(ours), bytes, peak);
    }

    private static double Median(int rounds, string program, string[] arguments)
    {
        List<double> times = [];
        for (int round = -1; round < rounds; round++)
        {
            double time = RunOnce(program, arguments).Milliseconds;
            if (round >= 0)
                times.Add(time);
        }

        return MacroRun.Median(times);
    }

    private static (double Milliseconds, long Bytes, double PeakMebibytes) RunOnce(string program, string[] arguments)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        byte[] buffer = new byte[1 << 20];
        long bytes = 0;
        double peak = 0;
        for (int read; (read = process.StandardOutput.BaseStream.Read(buffer)) > 0; bytes += read)
            peak = Math.Max(peak, process.HasExited ? 0 : process.PeakWorkingSet64 / 1048576.0);
        process.WaitForExit();
        double time = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return process.ExitCode == 0 ? (time, bytes, peak) : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
