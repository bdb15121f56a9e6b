using System.Diagnostics;
using Btrfs.Ctree;
using Btrfs.Engine.Diagnostics;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Engine;

/// <summary>The members that read a commit beside writers.</summary>
public sealed partial class BtrfsFileSystem
{
    /// <summary>Off only in the tests that show what a send loses without it.</summary>
    internal bool FlushesBeforeSend { get; set; } = true;

    /// <summary>
    /// Keeps the last commit readable until the hold is disposed of, however much is changed and committed beside it. Any number of them, from any thread.
    /// </summary>
    /// <param name="includesData">Whether what deleted and overwritten files held is kept too; else trees only.</param>
    /// <exception cref="ReadOnlyFileSystemException">It was opened for reading: then <see cref="Info"/> stays as it is anyway.</exception>
    public CommitHold HoldCommit(bool includesData = false) => Writer.Hold(includesData);

    // Without an output it only counts.
    private long RunSend(
        SendRequest request, System.IO.Stream? output, IProgress<SendRequestProgress>? progress, CancellationToken cancellation)
    {
        SendPlan.Verify(request);
        cancellation.ThrowIfCancellationRequested();
        long start = Stopwatch.GetTimestamp();
        int streams = request.Subvolumes.Count;
        try
        {
            long bytes = _writer is null
                ? new SendPlan(Info, request, SendRoots.Resolve(Info, request)).Run(output, progress, cancellation)
                : SendBesideWriters(request, output, progress, cancellation);
            if (output is null)
                return bytes;

            TimeSpan time = Stopwatch.GetElapsedTime(start);
            BtrfsMeter.Streams.Add(request.JoinStreams ? 1 : streams);
            BtrfsMeter.StreamBytes.Add(bytes);
            _log.Sent(streams, bytes, time.TotalMilliseconds);
            return bytes;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            _log.SendFailed(streams, error);
            throw;
        }
    }

    private long SendBesideWriters(
        SendRequest request, System.IO.Stream? output, IProgress<SendRequestProgress>? progress, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        using SendSession session = new(Subvolumes, FlushesBeforeSend ? Delalloc : null, request);
        TimeSpan flushed = Stopwatch.GetElapsedTime(start);
        BtrfsMeter.FlushDuration.Record(flushed.TotalSeconds);
        _log.Flushed(session.Roots, flushed.TotalMilliseconds, session.Commit.Superblock.Generation);
        try
        {
            return new SendPlan(session.Commit, request, session.Roots, session.Verify).Run(output, progress, cancellation);
        }
        catch (BtrfsException error) when (error is not FileSystemChangedException && session.IsRevoked)
        {
            throw SendSession.Revoked(error);
        }
    }
}
