using Btrfs.Sequences.Operations;

namespace Btrfs.Sequences.Running;

/// <summary>Drops steps of a failing run as long as it fails in the same way.</summary>
internal static class Shrinker
{
    public static IReadOnlyList<Operation> Shrink(PairOptions options, SequenceRun failed, TimeSpan limit)
    {
        DateTime end = DateTime.UtcNow + limit;
        List<Operation> steps = [.. failed.Steps];
        string kind = failed.Failure!.Kind;
        for (int piece = Math.Max(steps.Count / 2, 1); piece >= 1 && DateTime.UtcNow < end; piece /= 2)
        {
            // From the end on: what stands last needs what stands before, and the very last is where it shows.
            for (int at = steps.Count - 1 - piece; at > -piece && DateTime.UtcNow < end; at -= piece)
            {
                int from = Math.Clamp(at, 0, steps.Count);
                int to = Math.Clamp(at + piece, from, steps.Count);
                List<Operation> fewer = [.. steps[..from], .. steps[to..]];
                SequenceRun run = SequenceRun.Run(options, new ListedSteps(fewer));
                if (run.Failure?.Kind == kind)
                    steps = [.. run.Steps];
            }
        }

        return steps;
    }
}
