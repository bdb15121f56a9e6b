using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Btrfs.Fuzz.Images;
using Btrfs.Fuzz.Mutations;

namespace Btrfs.Fuzz.Running;

/// <summary>Many damaged images over some threads, each watched for hanging.</summary>
internal sealed partial class Campaign(IReadOnlyList<BaseImage> images)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private readonly ConcurrentBag<Finding> _findings = [];
    private readonly ConcurrentDictionary<int, (int Seed, long Since)> _running = new();
    private int _next;
    private int _succeeded;
    private int _refused;

    public int Succeeded => _succeeded;

    /// <summary>The clear errors, with their numbers left out, and how often each came: what the damage gets through to.</summary>
    public ConcurrentDictionary<string, int> Errors { get; } = new();

    public int Refused => _refused;

    /// <summary>Runs the seeds from <paramref name="firstSeed"/> on. Ends early, with a finding, when a case does not come back.</summary>
    public IReadOnlyCollection<Finding> Run(int firstSeed, int count, int threads, Action<Finding>? found = null)
    {
        _next = 0;
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(number => new Thread(() => Work(number, firstSeed, count, found)) { IsBackground = true })];
        foreach (Thread worker in workers)
            worker.Start();

        foreach (Thread worker in workers)
        {
            while (!worker.Join(TimeSpan.FromMilliseconds(200)))
            {
                if (HungSeed() is { } seed)
                {
                    Report(new Finding(Damage.Make(images, seed), "all", $"did not come back in {s_patience.TotalMinutes} minutes"), found);
                    return _findings;
                }
            }
        }

        return _findings;
    }

    private void Work(int number, int firstSeed, int count, Action<Finding>? found)
    {
        Judge judge = new(images, CountError);
        while (Interlocked.Increment(ref _next) - 1 is int index && index < count)
        {
            int seed = firstSeed + index;
            _running[number] = (seed, Stopwatch.GetTimestamp());
            if (judge.Run(Damage.Make(images, seed)) is { } finding)
                Report(finding, found);
        }

        _running.TryRemove(number, out _);
        Interlocked.Add(ref _succeeded, judge.Ends.Succeeded);
        Interlocked.Add(ref _refused, judge.Ends.Refused);
    }

    private void CountError(string end)
    {
        int error = end.IndexOf("Exception: ", StringComparison.Ordinal);
        if (error >= 0)
            Errors.AddOrUpdate(Specifics().Replace(end[(error + 11)..], "#"), 1, (_, count) => count + 1);
    }

    [GeneratedRegex("'.*?'|(0x)?[0-9a-f]*[0-9][0-9a-f]*|in #?[0-9a-f]{2,}$")]
    private static partial Regex Specifics();

    private void Report(Finding finding, Action<Finding>? found)
    {
        _findings.Add(finding);
        found?.Invoke(finding);
    }

    private int? HungSeed()
    {
        foreach ((int seed, long since) in _running.Values)
        {
            if (Stopwatch.GetElapsedTime(since) > s_patience)
                return seed;
        }

        return null;
    }
}
