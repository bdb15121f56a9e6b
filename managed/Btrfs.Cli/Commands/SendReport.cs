using System.Diagnostics;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Engine;

namespace Btrfs.Cli.Commands;

/// <summary>How much a command tells on standard error.</summary>
internal enum Verbosity
{
    Quiet,
    Normal,
    Verbose,
}

/// <summary>What a send tells of itself: each subvolume as it begins, and on a terminal how far it is once it takes long.</summary>
internal sealed class SendReport(Verbosity verbosity) : IProgress<SendRequestProgress>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly bool _showsProgress = verbosity > Verbosity.Quiet && ErrorOutput.IsTerminal;
    private TimeSpan _next = s_patience;
    private long _streamBytes;

    public void Report(SendRequestProgress value)
    {
        _streamBytes = value.StreamBytes;
        if (value.Inode == 0)
        {
            if (verbosity > Verbosity.Quiet)
                ErrorOutput.WriteLine($"At subvol {value.Subvolume}");
        }
        else if (_showsProgress && _clock.Elapsed >= _next)
        {
            _next = _clock.Elapsed + s_interval;
            ErrorOutput.ShowProgress($"{ByteSize.Human(value.StreamBytes)} sent, {PerSecond()}, at inode {value.Inode}");
        }
    }

    /// <summary>To be called after success.</summary>
    public void Finish()
    {
        if (verbosity == Verbosity.Verbose)
            ErrorOutput.WriteLine($"Sent {_streamBytes} bytes in {_clock.Elapsed.TotalSeconds:F1} s, {PerSecond()}");
        else
            ErrorOutput.ClearProgress();
    }

    private string PerSecond() => $"{ByteSize.Human((long)(_streamBytes / _clock.Elapsed.TotalSeconds))}/s";
}
