using System.Diagnostics;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;

namespace Btrfs.Cli.Commands.Files;

/// <summary>What a copy tells of itself: how far it is, on a terminal, and at the end what could not be taken along.</summary>
internal sealed class CopyReport(bool isQuiet)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly bool _showsProgress = !isQuiet && ErrorOutput.IsTerminal;
    private readonly SortedDictionary<string, long> _skipped = new(StringComparer.Ordinal);
    private TimeSpan _next = s_patience;
    private long _bytes;

    public void Copied(long bytes, PathText at)
    {
        _bytes += bytes;
        if (!_showsProgress || _clock.Elapsed < _next)
            return;
        _next = _clock.Elapsed + s_interval;
        ErrorOutput.ShowProgress($"{ByteSize.Human(_bytes)} copied, at {at}");
    }

    /// <summary>Counts something that was left out; few kinds, so that the memory stays small.</summary>
    public void Skipped(string what) => _skipped[what] = _skipped.GetValueOrDefault(what) + 1;

    public void Finish()
    {
        ErrorOutput.ClearProgress();
        if (isQuiet)
            return;
        foreach ((string what, long count) in _skipped)
            ErrorOutput.WriteLine($"NOTICE: left out {count} {what}");
    }
}
