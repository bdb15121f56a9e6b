using System.Diagnostics;
using System.Globalization;
using Btrfs.Fidelity.Generator;
using Btrfs.Sequences;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Running;

try
{
    return args is ["run", .. string[] options] ? Campaign(new RunOptions(options)) : Usage();
}
catch (Exception error) when (error is ArgumentException or FormatException or OverflowException)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}

static int Campaign(RunOptions options)
{
    // A tmpfs is many times quicker, and there is one on every Linux.
    if (Environment.GetEnvironmentVariable("BTRFS_TEST_DIR") is null && Directory.Exists("/dev/shm"))
        Environment.SetEnvironmentVariable("BTRFS_TEST_DIR", "/dev/shm");

    Stopwatch watch = Stopwatch.StartNew();
    Lock gate = new();
    int judged = 0;
    long compared = 0;
    long refused = 0;
    int scrubs = 0;
    int balances = 0;
    int full = 0;
    int failed = 0;
    Parallel.ForEach(options.Seeds, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, seed =>
    {
        SequenceRun run = SequenceRun.Run(seed, options.KeepDirectory);
        string? report = run.Failure is null ? null : Report(seed, run, options);
        lock (gate)
        {
            judged += run.Judged;
            compared += run.Compared;
            refused += run.Refused;
            scrubs += run.Scrubs;
            balances += run.Balances;
            full += run.WasFull ? 1 : 0;
            failed += run.Failure is null ? 0 : 1;
            if (report is not null)
                Console.WriteLine(report);
            else if (options.IsVerbose)
                Console.WriteLine($"seed {seed}: {run.Judged} sequences, {run.Compared} operations, {PairOptions.Choose(new SeededRandom(seed))}");
        }
    });

    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{options.Seeds.Count} pairs of file systems, {judged:n0} sequences judged, {compared:n0} operations compared ({refused:n0} refused), {scrubs} scrubs,"
        + $" {balances} balances, {full} full disks, {failed} pairs failed, {watch.Elapsed.TotalSeconds:f0} s, {judged * 60 / watch.Elapsed.TotalSeconds:f0} sequences/min"));
    return failed == 0 ? 0 : 1;
}

static string Report(ulong seed, SequenceRun run, RunOptions settings)
{
    PairOptions options = PairOptions.Choose(new SeededRandom(seed));
    Failure failure = run.Failure!;
    IReadOnlyList<Operation> steps = [.. run.Steps.TakeLast(12)];
    if (settings.Shrinks)
    {
        // Once more, since the fewer steps may fail in the same way elsewhere: what is told and kept belongs to them.
        steps = Shrinker.Shrink(options, run, TimeSpan.FromSeconds(90));
        failure = SequenceRun.Run(options, new ListedSteps(steps), settings.KeepDirectory).Failure ?? failure;
    }

    return $"seed {seed}: {failure.Kind}\n{options}\n{failure.Detail}\nafter {run.Steps.Count} steps, {(settings.Shrinks ? "the needed ones" : "the last ones")}:\n  "
        + string.Join("\n  ", steps);
}

static int Usage()
{
    Console.Error.WriteLine(
        """
        usage: Btrfs.Sequences run [--seeds START:COUNT | --seed N] [--jobs N] [--shrink] [--keep DIRECTORY] [--verbose]
        Images are made below BTRFS_TEST_DIR, else in /dev/shm.
        """);
    return 2;
}
