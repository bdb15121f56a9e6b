using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>
/// What is kept of inodes in memory and is newer than the trees: delalloc, which lies above this module. The verbs ask it under the writer's lock, so
/// that both sides see one order of events.
/// </summary>
internal interface IBufferedInodes
{
    /// <summary>Lays the times of writes that are still in memory over an inode item.</summary>
    void Overlay(ulong rootId, ulong inode, ref InodeItem item);

    /// <summary>An inode item was put into its tree with what was laid over it.</summary>
    void Stored(ulong rootId, ulong inode);

    /// <summary>The size of a file as those see it who write it; null where the tree's is that.</summary>
    ulong? SizeOf(ulong rootId, ulong inode);

    /// <summary>An inode loses its last name. Whether somebody has it open, and so will delete it in the end: it stays as an orphan till then.</summary>
    bool KeepsUnlinked(ulong rootId, ulong inode);

    /// <summary>An inode is gone, and its data in memory is of no use any more.</summary>
    void Removed(ulong rootId, ulong inode);
}
