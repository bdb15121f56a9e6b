using Btrfs.Crash.Images;
using Btrfs.Crash.Kernel;

namespace Btrfs.Crash.Running;

/// <summary>Many seeds over all templates.</summary>
/// <param name="templates">Taken in turns.</param>
/// <param name="options">How each runs.</param>
/// <param name="kernel">Judges some of the states; null for none.</param>
internal sealed class Campaign(IReadOnlyList<Template> templates, CrashOptions options, KernelJudge? kernel)
{
    public Tally Tally { get; } = new();

    /// <summary>Runs the seeds from one on.</summary>
    /// <param name="firstSeed">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="threads">At once.</param>
    /// <param name="limit">No seed is begun after so long.</param>
    /// <param name="found">Told of each failure.</param>
    /// <param name="done">Told after each seed.</param>
    /// <returns>How many seeds failed.</returns>
    public int Run(int firstSeed, int count, int threads, TimeSpan limit, Action<CrashFailure> found, Action? done = null)
    {
        DateTime end = DateTime.UtcNow + limit;
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
                new CrashRun(templates[seed % templates.Count], seed, options, Tally, kernel).Run();
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
}
