using System.Diagnostics;
using System.Globalization;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Demo;

try
{
    return args switch
    {
        ["export", string seed, string directory] => ExportSeed(ulong.Parse(seed, CultureInfo.InvariantCulture), directory),
        ["pack", string source, string target] => Pack(source, target),
        ["demo", string golden, string engine] => Demonstration.Run(golden, engine),
        ["compare", string directory, .. string[] options] => CompareExport(directory, new RunOptions(options)),
        ["run", .. string[] options] => RunSeeds(new RunOptions(options)),
        _ => Usage(),
    };
}
catch (Exception error) when (error is ArgumentException or FormatException or OverflowException)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}

static int ExportSeed(ulong seed, string directory)
{
    Stopwatch watch = Stopwatch.StartNew();
    Export export = Export.Write(seed, directory);
    Console.WriteLine($"seed {seed}: {export.Options}");
    Console.WriteLine(
        $"{export.Snapshots.Length} snapshots, {export.Streams.Length} streams, {export.Streams.Sum(stream => stream.LengthBytes):n0} bytes,"
        + $" {export.Streams.Count(stream => stream.Errno != 0)} refused by the kernel, {watch.Elapsed.TotalSeconds:f1} s");
    return 0;
}

static int Pack(string source, string target)
{
    Golden.Pack(source, target);
    return 0;
}

static int CompareExport(string directory, RunOptions options)
{
    (List<string> images, List<Recording> recordings) = Export.Read(directory);
    List<Verdict> verdicts = Judge.Compare(images, recordings, options.Create);
    foreach (Verdict verdict in verdicts.Where(verdict => !verdict.IsEqual))
        Console.WriteLine($"{verdict.Request}\n{verdict.Difference}");
    int different = verdicts.Count(verdict => !verdict.IsEqual);
    Console.WriteLine($"{verdicts.Count} streams compared, {different} differ");
    return different == 0 ? 0 : 1;
}

static int RunSeeds(RunOptions options)
{
    Stopwatch watch = Stopwatch.StartNew();
    Coverage? coverage = options.WantsCoverage ? new Coverage() : null;
    long streams = 0;
    long bytes = 0;
    long refused = 0;
    long different = 0;
    long revised = 0;
    long failed = 0;
    Lock gate = new();
    Parallel.ForEach(options.Seeds, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, seed =>
    {
        Coverage? own = options.WantsCoverage ? new Coverage() : null;
        SeedRun? run = null;
        string? failure = null;
        try
        {
            run = SeedRun.Run(seed, options.Create, options.KeepDirectory, own);
        }
        // A seed that could not be judged is reported and counted; the others go on.
#pragma warning disable CA1031
        catch (Exception error)
#pragma warning restore CA1031
        {
            failure = $"seed {seed} could not be judged: {error}";
        }

        lock (gate)
        {
            if (own is not null)
                coverage!.Add(own);
            if (run is null)
            {
                failed++;
                Console.WriteLine(failure);
                return;
            }

            streams += run.Verdicts.Count;
            bytes += run.Verdicts.Sum(verdict => verdict.LengthBytes);
            refused += run.Verdicts.Count(verdict => verdict.KernelErrno != 0);
            foreach (Verdict verdict in run.Verdicts.Where(verdict => verdict.KernelErrno != 0 && options.IsVerbose))
                Console.WriteLine($"seed {seed}: the kernel refuses with errno {verdict.KernelErrno}: {verdict.Request}");
            revised += run.Verdicts.Count(verdict => verdict.IsRevised);
            int here = run.Differences.Count();
            different += here;
            if (here > 0)
                Console.WriteLine(run.Report());
            else if (options.IsVerbose)
                Console.WriteLine($"seed {seed}: {run.Verdicts.Count} streams equal, kernel {run.KernelTime.TotalSeconds:f2} s, ours {run.SubjectTime.TotalSeconds:f2} s, {run.Options}");
        }
    });

    if (coverage is not null)
        Console.WriteLine(coverage);
    Console.WriteLine(
        $"{streams:n0} streams compared ({bytes:n0} bytes, {refused} refused by the kernel), {different} differ, {failed} seeds failed,"
        + $" {revised} judged by the unmounted images after the kernel had changed its answer,"
        + $" {watch.Elapsed.TotalSeconds:f0} s, {streams / watch.Elapsed.TotalSeconds:f0} streams/s");
    return different + failed == 0 ? 0 : 1;
}

static int Usage()
{
    Console.Error.WriteLine(
        $"""
        usage: Btrfs.Fidelity run [--seeds START:COUNT] [--against {string.Join('|', Candidates.Names)}] [--jobs N] [--keep DIRECTORY] [--coverage] [--verbose]
               Btrfs.Fidelity export SEED DIRECTORY
               Btrfs.Fidelity pack EXPORT GOLDEN
               Btrfs.Fidelity demo GOLDEN ENGINE
               Btrfs.Fidelity compare DIRECTORY [--against ...]
        Images are made below BTRFS_TEST_DIR (a tmpfs is quickest), else in the system's temporary directory.
        """);
    return 2;
}
