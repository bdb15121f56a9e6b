using Btrfs.Crash.Images;
using Btrfs.Crash.Kernel;

namespace Btrfs.Crash.Running;

/// <summary>Many seeds over all templates.</summary>
/// <param name="templates">Taken in turns.</param>
/// <param name="options">How each runs.</param>
/// <param name="kernel">Judges some of the states; null for none.</param>
internal sealed class Campaign(IReadOnlyList<Template> templates, CrashOptions options, KernelJudge? kernel)
{
    private long _faultsPlanted;
    private long _faultsSeen;

    public Tally Tally { get; } = new();

    /// <summary>Whether each seed is run once for each read, write, flush and allocation of its workload, which then fails: every second time with all that come after it.</summary>
    public bool PlantsFaults { get; init; }

    public long FaultsPlanted => _faultsPlanted;

    /// <summary>How many workloads were ended by their fault. Second copies bear some.</summary>
    public long FaultsSeen => _faultsSeen;

    /// <summary>Runs the seeds from one on.</summary>
    /// <param name="firstSeed">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="threads">At once.</param>
    /// <param name="limit">No seed is begun after so long; infinite for no limit.</param>
    /// <param name="found">Told of each failure.</param>
    /// <param name="done">Told after each seed.</param>
    /// <returns>How many seeds failed.</returns>
    public int Run(int firstSeed, int count, int threads, TimeSpan limit, Action<CrashFailure> found, Action? done = null)
    {
        DateTime end = limit == Timeout.InfiniteTimeSpan ? DateTime.MaxValue : DateTime.UtcNow + limit;
        int failures = 0;
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, (index, loop) =>
        {
            if (DateTime.UtcNow > end)
            {
                loop.Stop();
                return;
            }

            int seed = firstSeed + index;
            try
            {
                Run(templates[seed % templates.Count], seed);
            }
            catch (CrashFailure failure)
            {
                Interlocked.Increment(ref failures);
                found(failure);
            }

            done?.Invoke();
        });
        return failures;
    }

    private void Run(Template template, int seed)
    {
        if (!PlantsFaults)
        {
            new CrashRun(template, seed, options, Tally, kernel).Run();
            return;
        }

        foreach (FaultKind kind in Enum.GetValues<FaultKind>())
        {
            // The first that is never come to is behind the last.
            bool isHit = true;
            for (int number = 0; isHit; number++)
            {
                CrashRun run = new(template, seed, options with { Fault = new PlantedFault(kind, number, number % 2 == 1) }, Tally, kernel);
                run.Run();
                isHit = run.IsFaultHit;
                Interlocked.Increment(ref _faultsPlanted);
                if (run.Failed)
                    Interlocked.Increment(ref _faultsSeen);
            }
        }
    }
}
