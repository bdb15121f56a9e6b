using Btrfs.Format;
using Btrfs.Space.Log;

namespace Btrfs.Space.Transactions;

/// <summary>Writing logs to the disk, for all who wait for it at once.</summary>
public sealed partial class FsWriter
{
    // Who writes the log holds this one first, and then the writer's lock. Others copy into the log while they wait for their turn, and mostly the one before them has
    // written theirs when it comes: so many fsyncs at a time take few flushes.
    private readonly Lock _logWriter = new();

    /// <summary>Makes durable what was copied into logs, and all data that was written before: by the log, or where that can't be, by a commit.</summary>
    /// <param name="ticket">Of <see cref="Transaction.NoteLogged"/>.</param>
    /// <returns>Whether the log has it; else it is committed.</returns>
    /// <exception cref="IOException">A device failed; the file system is latched read-only.</exception>
    /// <exception cref="BtrfsException">The commit failed; the file system is latched read-only.</exception>
    public bool SyncLog(LogTicket ticket)
    {
        Invariant.That(!_writer.IsHeldByCurrentThread);
        lock (_logWriter)
        {
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
