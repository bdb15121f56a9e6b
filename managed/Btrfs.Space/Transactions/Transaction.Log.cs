using Btrfs.Format;
using Btrfs.Space.Log;

namespace Btrfs.Space.Transactions;

public sealed partial class Transaction
{
    /// <summary>The items that an fsync is taken to write at most, when room for it is asked for.</summary>
    private const int ItemsOfLog = 32;

    /// <summary>
    /// The log of a subvolume, to copy items into. It is no part of what the transaction changes: where writing it fails, say <see cref="ForbidLog"/>.
    /// </summary>
    /// <returns>Null where a log can't tell the truth, or has no room: then <see cref="CommitAtEnd"/> is what is left.</returns>
    public SubvolumeLog? TryOpenLog(RootState root)
    {
        if (!_state.Log.CanLog(root) || !Writer.HasRoomForLog(ItemsOfLog))
            return null;

        try
        {
            return _state.Log.Of(root.Id);
        }
        catch (NoSpaceException)
        {
            return null;
        }
    }

    /// <summary>What was copied into the log is whole. <see cref="FsWriter.SyncLog"/>, within which the part was made, makes it durable.</summary>
    public LogTicket NoteLogged() => _state.Log.NoteCopied();

    /// <summary>All that parts have copied into logs so far; null if the disk has it.</summary>
    public LogTicket? UnwrittenLog() => _state.Log.IsWritten(_state.Log.Last) ? null : _state.Log.Last;

    /// <summary>
    /// Nothing more is logged before the next commit: no log can tell what this transaction does, or one was left half written in memory. What is on the
    /// disk stays good.
    /// </summary>
    public void ForbidLog() => _state.Log.IsForbidden = true;

    /// <summary>Commits everything, this part included, when it ends completed.</summary>
    public void CommitAtEnd() => _mustCommit = true;
}
