using Btrfs.Format;
using Btrfs.Space.Log;

namespace Btrfs.Space.Transactions;

/// <summary>Writing logs to the disk, for all who wait for it at once.</summary>
public sealed partial class FsWriter
{
    // Who waits for the writer's lock to copy would need a flush of his own else: who writes lets him go first, for so long at most.
    private static readonly TimeSpan s_longestCopies = TimeSpan.FromMilliseconds(2);

    // Who writes the log holds this one first, and then the writer's lock. Others copy into the log while they wait for their turn, and mostly the one before them has
    // written theirs when it comes: so many fsyncs at a time take few flushes.
    private readonly Lock _logWriter = new();

    private long _copiesBegun;
    private long _copiesEnded;

    /// <summary>Copies into logs, and makes that durable with all data that was written before: by the log, or where that can't be, by a commit.</summary>
    /// <param name="copy">Copies, in a part of the transaction, and ends that. Its ticket is that of <see cref="Transaction.NoteLogged"/>, or null if there is nothing to do.</param>
    /// <returns>Whether the log has it, or else a commit; null if there was nothing to do.</returns>
    /// <exception cref="IOException">A device failed; the file system is latched read-only.</exception>
    /// <exception cref="BtrfsException">The commit failed; the file system is latched read-only.</exception>
    public bool? SyncLog(Func<LogTicket?> copy)
    {
        Invariant.That(!_writer.IsHeldByCurrentThread);
        Interlocked.Increment(ref _copiesBegun);
        LogTicket? ticket;
        try
        {
            ticket = copy();
        }
        finally
        {
            Interlocked.Increment(ref _copiesEnded);
        }

        return ticket is { } copied ? WriteLog(copied) : null;
    }

    private bool WriteLog(LogTicket ticket)
    {
        lock (_logWriter)
        {
            long begun = Interlocked.Read(ref _copiesBegun);
            SpinWait.SpinUntil(() => Interlocked.Read(ref _copiesEnded) >= begun, s_longestCopies);
            lock (_writer)
            {
                if (_state.Generation > ticket.Generation)
                    return false;
                if (_state.Log.IsWritten(ticket))
                    return true;

                RequireUsable();
                if (_state.Log.CanWrite && TryWriteLog())
                    return true;
                CommitLocked();
                return false;
            }
        }
    }

    private bool TryWriteLog()
    {
        try
        {
            NoteFlush();
            _state.Log.Write();
            return true;
        }
        catch (Exception error) when (error is IOException or NoSpaceException)
        {
            _state.Log.IsForbidden = true;
            return false;
        }
    }
}
