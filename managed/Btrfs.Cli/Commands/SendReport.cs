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

/// <summary>What a send tells of itself: each subvolume as it begins, and how far it is where that was asked for.</summary>
internal sealed class SendReport(Verbosity verbosity, ProgressLine? progress) : IProgress<SendRequestProgress>
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _told;

    public void Report(SendRequestProgress value)
    {
        if (value.Index == _told)
        {
            _told++;
            if (verbosity > Verbosity.Quiet)
                ErrorOutput.WriteLine($"At subvol {value.Subvolume}");
        }
        else
        {
            progress?.Report(value.StreamBytes, () => $"at inode {value.Inode}");
        }
    }

    /// <summary>To be called after success.</summary>
    /// <param name="bytes">How many were written.</param>
    public void Finish(long bytes)
    {
        ProgressLine.Finish();
        if (verbosity == Verbosity.Verbose)
            ErrorOutput.WriteLine($"Sent {bytes} bytes in {_clock.Elapsed.TotalSeconds:F1} s, {ByteSize.Human((long)(bytes / _clock.Elapsed.TotalSeconds))}/s");
    }
}
