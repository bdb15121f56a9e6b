using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Delalloc;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Engine;

/// <summary>
/// What makes a send of a file system that is open for writing complete, and keeps it so. In this order, since each step relies on those before it:
/// <list type="number">
/// <item>The roots are entered as being sent, in the same moment in which they are seen to be read-only: from here on nobody deletes them, makes them writable or
/// dedupes into them, so nothing new can come into them.</item>
/// <item>What was written to their files before they became read-only, and is still in memory, goes to the trees. In 2019 the kernel's send left this out, and files
/// arrived empty without an error.</item>
/// <item>If the running state has more of them than the last commit, it is committed: the walk reads commits only.</item>
/// <item>The commit is held, so that writers beside the send don't overwrite what it reads. Trees suffice: the data of the roots stays theirs.</item>
/// </list>
/// </summary>
internal sealed class SendSession : IDisposable
{
    private readonly IDisposable _entered;
    private readonly CommitHold _hold;

    /// <param name="subvolumes">The file system.</param>
    /// <param name="delalloc">Where what was written waits; null leaves out the second step, for the tests that show what it is for.</param>
    /// <param name="request">What is to be sent.</param>
    /// <exception cref="InvalidRequestException">A path leads nowhere, or a subvolume is not read-only.</exception>
    /// <exception cref="ReadOnlyFileSystemException">Something would have to be written first, and a failure has latched the file system.</exception>
    /// <exception cref="IOException">A device failed.</exception>
    public SendSession(SubvolumeWriters subvolumes, DelallocFs? delalloc, SendRequest request)
    {
        FsWriter writer = subvolumes.Writer;
        using (writer.HoldRunning())
        {
            Roots = SendRoots.Resolve(writer.Running, request);
            _entered = subvolumes.Sends.Enter(Roots.All);
        }

        try
        {
            foreach (ulong root in Roots.All)
                delalloc?.FlushRoot(root);
            if (!IsCurrent(writer))
                writer.Commit();
            _hold = writer.Hold();
        }
        catch
        {
            _entered.Dispose();
            throw;
        }
    }

    public SendRoots Roots { get; }

    /// <summary>The state that is sent.</summary>
    public FsInfo Commit => _hold.Commit;

    /// <summary>Whether the hold was taken back, because the file system is full.</summary>
    public bool IsRevoked => _hold.IsRevoked;

    /// <exception cref="FileSystemChangedException">The hold was taken back.</exception>
    public void Verify()
    {
        if (IsRevoked)
            throw Revoked(null);
    }

    public static FileSystemChangedException Revoked(Exception? cause)
    {
        const string Message = "the file system ran full during the send, and its writers took back the space of the state that was being sent";
        return cause is null ? new FileSystemChangedException(Message) : new FileSystemChangedException(Message, cause);
    }

    public void Dispose()
    {
        _hold.Dispose();
        _entered.Dispose();
    }

    // Names and links are items of the root tree, so a root that was renamed shows there.
    private bool IsCurrent(FsWriter writer)
    {
        using (writer.HoldRunning())
        {
            FsInfo running = writer.Running;
            FsInfo committed = writer.Committed;
            return running.RootTree == committed.RootTree && Roots.All.All(id => IsSame(running.TryFindRoot(id), committed.TryFindRoot(id)));
        }
    }

    private static bool IsSame(RootRecord? running, RootRecord? committed) =>
        running is not null && committed is not null && BytesOf(running).SequenceEqual(BytesOf(committed));

    private static ReadOnlySpan<byte> BytesOf(RootRecord root) => MemoryMarshal.AsBytes(new ReadOnlySpan<RootItem>(in root.Item));
}
