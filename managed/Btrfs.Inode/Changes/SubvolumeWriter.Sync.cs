using Btrfs.Format;
using Btrfs.Inode.Log;
using Btrfs.Space.Log;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>What it took to make an inode durable.</summary>
public enum SyncOutcome
{
    /// <summary>Nothing had changed: at most data was written in place, which is durable now.</summary>
    Nothing,

    /// <summary>What had changed went to the log.</summary>
    Logged,

    /// <summary>Everything was committed.</summary>
    Committed,
}

public sealed partial class SubvolumeWriter
{
    /// <summary>What the running transaction has done, for the next fsync.</summary>
    internal LogNotes Notes { get; } = new();

    /// <summary>
    /// Makes an inode durable as it is now (fsync): its data, which must have been written and entered, size, attributes, and names; of a directory its entries.
    /// That is written to a log beside the last commit, which whoever opens the file system after a power cut replays, the kernel too. Where a log can't
    /// tell it, or would be dearer, everything is committed.
    /// </summary>
    /// <exception cref="IOException">A device failed; the file system is latched read-only.</exception>
    /// <exception cref="BtrfsException">The commit failed; the file system is latched read-only.</exception>
    public SyncOutcome Sync(ulong inode)
    {
        try
        {
            return Writer.SyncLog(() => Log(inode)) switch
            {
                null => SyncOutcome.Nothing,
                true => SyncOutcome.Logged,
                false => SyncOutcome.Committed,
            };
        }
        catch (NoSpaceException)
        {
            // Not even room to begin. A commit takes what is kept for it.
            Writer.Commit();
            return SyncOutcome.Committed;
        }
    }

    // Copies into the log what has changed of it. Where that can't be, everything is committed, and the ticket is that of a transaction which is over.
    private LogTicket? Log(ulong inode)
    {
        using Transaction part = Begin(0, ReservePolicy.Freeing);
        Change change = new(part, this, evenReadOnly: true);
        change.GetInode(inode);
        if (!Notes.AreIncomplete && !InodeLogger.HasNews(Notes, inode))
        {
            // It may have been copied for another, who has not written it yet.
            if (part.UnwrittenLog() is { } unwritten)
                return unwritten;
            Writer.FlushData();
            return null;
        }

        if (!TryLog(change, inode))
        {
            part.ForbidLog();
            part.CommitAtEnd();
        }

        part.Complete();
        return part.NoteLogged();
    }

    private static bool TryLog(Change change, ulong inode)
    {
        if (change.Notes.AreIncomplete || change.Part.TryOpenLog(change.Root) is not { } log)
            return false;

        try
        {
            return new InodeLogger(change, log).TryLog(inode);
        }
        catch (NoSpaceException)
        {
            return false;
        }
        catch
        {
            change.Part.ForbidLog();
            throw;
        }
    }
}
