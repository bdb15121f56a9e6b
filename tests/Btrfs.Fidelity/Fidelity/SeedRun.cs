using System.Diagnostics;
using Btrfs.Fidelity.Generator;

namespace Btrfs.Fidelity;

/// <summary>Everything that the judge found out about one seed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Options">How its file system was made, for a report.</param>
/// <param name="Verdicts">One for each stream.</param>
/// <param name="KernelTime">Time to make the state and to let the kernel send.</param>
/// <param name="SubjectTime">Time that the send under test took, comparison included.</param>
internal sealed record SeedRun(ulong Seed, string Options, List<Verdict> Verdicts, TimeSpan KernelTime, TimeSpan SubjectTime)
{
    public IEnumerable<Verdict> Differences => Verdicts.Where(verdict => !verdict.IsEqual);

    /// <summary>Makes the state of a seed, records the kernel's streams, and judges <paramref name="create"/>'s against them.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="create">Makes the send under test.</param>
    /// <param name="keepDirectory">If given, a state with a difference is kept there with all that belongs to it.</param>
    /// <param name="coverage">If given, what the seed reached is counted into it.</param>
    public static SeedRun Run(ulong seed, Func<ISendUnderTest> create, string? keepDirectory = null, Coverage? coverage = null)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using TestDirectory work = new();
        using RandomState state = RandomState.Create(seed, work.Path);
        string streams = Directory.CreateDirectory(Path.Combine(work.Path, "streams")).FullName;
        List<Recording> recordings = Recording.Collect(state.TopLevel, RequestPlan.Make(seed, state.Snapshots), streams);
        state.Unmount();
        TimeSpan kernelTime = watch.Elapsed;

        watch.Restart();
        string? keep = keepDirectory is null ? null : Path.Combine(keepDirectory, $"seed-{seed}");
        List<Verdict> verdicts = SecondOpinion.Revise(state.Images, Judge.Compare(state.Images, recordings, create, keep), create, work.Path);
        SeedRun run = new(seed, state.Options.ToString(), verdicts, kernelTime, watch.Elapsed);

        if (keep is not null && run.Differences.Any())
        {
            Export.Write(keep, state, recordings);
            File.WriteAllText(Path.Combine(keep, "report.txt"), run.Report());
        }

        if (coverage is not null)
        {
            coverage.Add(state.Coverage);
            foreach (Recording recording in recordings)
                coverage.Add(recording);
        }

        return run;
    }

    /// <summary>The differences, each with the commands around it.</summary>
    public string Report() =>
        $"seed {Seed}: {Options}\n{Differences.Count()} of {Verdicts.Count} streams differ\n"
        + string.Join('\n', Differences.Select(verdict => $"{verdict.Request}\n{verdict.Difference}"));
}
