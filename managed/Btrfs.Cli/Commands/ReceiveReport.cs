using System.Diagnostics;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Engine;
using Btrfs.Inode;
using Btrfs.Receive;
using Btrfs.Receive.Parts;

namespace Btrfs.Cli.Commands;

/// <summary>What a receive tells of itself: each subvolume as it begins, what went wrong and was passed over, how far it is, and what stays where it ends early.</summary>
/// <param name="verbosity">How much is told.</param>
/// <param name="progress">Gets how far it is; null where that is not told.</param>
internal sealed class ReceiveReport(Verbosity verbosity, ProgressLine? progress) : IProgress<ReceiveProgress>
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
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
            ErrorOutput.WriteLine($"NOTICE: {value.Notice}");
        else
            progress?.Report(value.StreamBytes);
    }

    /// <summary>To be called after success.</summary>
    public void Finish()
    {
        ProgressLine.Finish();
        if (verbosity == Verbosity.Verbose)
            ErrorOutput.WriteLine($"Received {_streamBytes} bytes in {_clock.Elapsed.TotalSeconds:F1} s, {ByteSize.Human((long)(_streamBytes / _clock.Elapsed.TotalSeconds))}/s");
    }

    /// <summary>To be called where it has ended early: tells what there is to go on with.</summary>
    public void TellParts(BtrfsFileSystem fs)
    {
        if (verbosity == Verbosity.Quiet || fs.Writer.Failure is not null)
            return;
        foreach (ReceivedPart part in fs.FindReceivedParts())
        {
            if (part.Token is { } token)
                ErrorOutput.WriteLine($"NOTICE: '{new FsPath(part.Name)}' stays in part, as {token}: go on with --resume, or delete it with --clean");
        }
    }
}
