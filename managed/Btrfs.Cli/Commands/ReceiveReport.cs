using System.Diagnostics;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Inode;
using Btrfs.Receive;

namespace Btrfs.Cli.Commands;

/// <summary>What a receive tells of itself: each subvolume as it begins, what went wrong and was passed over, and on a terminal how far it is once it takes long.</summary>
internal sealed class ReceiveReport(Verbosity verbosity) : IProgress<ReceiveProgress>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly bool _showsProgress = verbosity > Verbosity.Quiet && ErrorOutput.IsTerminal;
    private TimeSpan _next = s_patience;
    private long _streamBytes;
    private int _told;

    public void Report(ReceiveProgress value)
    {
        _streamBytes = value.StreamBytes;
        if (value.Index == _told)
        {
            _told++;
            if (verbosity > Verbosity.Quiet)
                ErrorOutput.WriteLine($"At {(value.IsSnapshot ? "snapshot" : "subvol")} {new FsPath(value.Subvolume)}");
        }

        if (value.Notice is not null)
        {
            ErrorOutput.WriteLine($"NOTICE: {value.Notice}");
        }
        else if (_showsProgress && _clock.Elapsed >= _next)
        {
            _next = _clock.Elapsed + s_interval;
            ErrorOutput.ShowProgress($"{ByteSize.Human(value.StreamBytes)} received, {PerSecond()}");
        }
    }

    /// <summary>To be called after success.</summary>
    public void Finish()
    {
        if (verbosity == Verbosity.Verbose)
            ErrorOutput.WriteLine($"Received {_streamBytes} bytes in {_clock.Elapsed.TotalSeconds:F1} s, {PerSecond()}");
        else
            ErrorOutput.ClearProgress();
    }

    private string PerSecond() => $"{ByteSize.Human((long)(_streamBytes / _clock.Elapsed.TotalSeconds))}/s";
}
