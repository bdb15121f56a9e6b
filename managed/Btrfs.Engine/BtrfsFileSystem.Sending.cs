using Btrfs.Ctree;
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

    private long RunSend(
        SendRequest request, System.IO.Stream output, IProgress<SendRequestProgress>? progress, CancellationToken cancellation)
    {
        SendPlan.Verify(request);
        if (_writer is null)
            return new SendPlan(Info, request, SendRoots.Resolve(Info, request)).Run(output, progress, cancellation);

        cancellation.ThrowIfCancellationRequested();
        using SendSession session = new(Subvolumes, FlushesBeforeSend ? Delalloc : null, request);
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
