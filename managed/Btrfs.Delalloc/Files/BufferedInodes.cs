using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Delalloc.Files;

/// <summary>What the verbs on trees ask of the files in memory. All calls come under the writer's lock.</summary>
/// <param name="table">The files.</param>
/// <param name="drop">Drops the dirty data of one from a sector on.</param>
internal sealed class BufferedInodes(InodeTable table, Action<BufferedInode, ulong> drop) : IBufferedInodes
{
    public void Overlay(ulong rootId, ulong inode, ref InodeItem item)
    {
        if (table.TryFind(rootId, inode) is not { } node)
            return;
        lock (node.State)
            node.Overlay(ref item);
    }

    public void Stored(ulong rootId, ulong inode)
    {
        if (table.TryFind(rootId, inode) is not { } node)
            return;
        lock (node.State)
            node.Stored();
    }

    public ulong? SizeOf(ulong rootId, ulong inode)
    {
        if (table.TryFind(rootId, inode) is not { } node)
            return null;
        lock (node.State)
            return node.Size;
    }

    public bool KeepsUnlinked(ulong rootId, ulong inode) => table.Unlink(rootId, inode, isGone: false) is { Handles: > 0 };

    public void Removed(ulong rootId, ulong inode)
    {
        if (table.Unlink(rootId, inode, isGone: true) is { } node)
            drop(node, 0);
    }
}
