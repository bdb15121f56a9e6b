using Btrfs.Delalloc.Files;
using Btrfs.Inode.Changes;

namespace Btrfs.Delalloc.Writing;

/// <summary>
/// The size of a file in its tree follows its data: a commit may come between any two parts, and must not show zeros where data is still in memory. So it
/// grows up to the first data that is not there yet, and what it grows over and has no extent is a hole (with an item, where the file system wants them).
/// </summary>
internal static class SizeRule
{
    public static void Apply(Change change, BufferedInode node, ref Format.InodeItem item)
    {
        ulong old = item.FileSize;
        ulong size;
        lock (node.State)
            size = Math.Max(old, Math.Min(node.Size, node.FirstPendingByte));
        if (size > old)
            FileExtents.FillHoles(change, node.Inode, change.AlignUp(old), change.AlignUp(size));
        item.FileSize = size;
        lock (node.State)
            node.DiskSize = size;
    }
}
