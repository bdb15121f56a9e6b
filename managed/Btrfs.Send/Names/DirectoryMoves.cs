using Btrfs.Send.State;

namespace Btrfs.Send.Names;

/// <summary>A directory that waits until another one has been moved.</summary>
internal sealed class WaitingMove(bool isOrphan)
{
    /// <summary>It lies under its temporary name meanwhile.</summary>
    public bool IsOrphan { get; set; } = isOrphan;

    /// <summary>A directory that can only be removed once this one has left it.</summary>
    public InodeId? RemoveAfterwards { get; set; }
}

/// <summary>A move that is still to be made, and the directories whose times it changes.</summary>
internal sealed record PendingMove(InodeId Inode, List<InodeId> TouchedDirectories);

/// <summary>A deleted directory that still has entries at the receiver.</summary>
internal sealed class OrphanDirectory
{
    /// <summary>Entries below this index are gone for sure.</summary>
    public ulong LastIndex { get; set; }

    /// <summary>Before this inode was processed the directory can't be empty.</summary>
    public ulong HighestInode { get; set; }
}

/// <summary>
/// Directories whose rename or removal must wait. Inodes are processed by ascending number, but a directory can't be moved
/// below one that has a higher number and is not in its place yet.
/// </summary>
internal sealed class DirectoryMoves
{
    private readonly Dictionary<ulong, List<PendingMove>> _pendingByBlocker = [];
    private readonly Dictionary<ulong, WaitingMove> _waiting = [];

    public Dictionary<InodeId, OrphanDirectory> Orphans { get; } = [];

    public bool HasWaiting => _waiting.Count > 0;

    public bool IsWaiting(ulong inode) => _waiting.ContainsKey(inode);

    public WaitingMove? Waiting(ulong inode) => _waiting.GetValueOrDefault(inode);

    /// <summary>Whether a deleted directory is still there under its temporary name.</summary>
    public bool IsOrphan(InodeId directory) => Orphans.ContainsKey(directory);

    /// <summary>Puts off a move until <paramref name="blocker"/> has been moved.</summary>
    /// <exception cref="Format.BtrfsException">The directory waits already.</exception>
    public WaitingMove Add(PendingMove move, ulong blocker, bool isOrphan)
    {
        WaitingMove waiting = new(isOrphan);
        if (!_waiting.TryAdd(move.Inode.Number, waiting))
            throw new Format.BtrfsException($"inconsistent snapshots: directory {move.Inode.Number} would wait for two moves at once");

        if (!_pendingByBlocker.TryGetValue(blocker, out List<PendingMove>? pending))
            _pendingByBlocker.Add(blocker, pending = []);
        pending.Add(move);
        return waiting;
    }

    /// <summary>Ends a directory's waiting and returns what was noted of it.</summary>
    public WaitingMove StopWaiting(ulong inode)
    {
        _waiting.Remove(inode, out WaitingMove? waiting);
        return waiting ?? throw new Format.InvariantException($"directory {inode} has a pending move but does not wait");
    }

    /// <summary>Takes out all moves that waited for <paramref name="blocker"/>, in the order in which they were put off.</summary>
    public IReadOnlyList<PendingMove> TakePending(ulong blocker) =>
        _pendingByBlocker.Remove(blocker, out List<PendingMove>? pending) ? pending : [];
}
