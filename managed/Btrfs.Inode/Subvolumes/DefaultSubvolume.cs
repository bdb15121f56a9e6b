using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Subvolumes;

/// <summary>The entry "default" in the root tree's own directory.</summary>
internal static class DefaultSubvolume
{
    private static ReadOnlySpan<byte> Name => "default"u8;

    /// <exception cref="CorruptMetadataException">There is no such entry.</exception>
    public static void Set(Transaction part, RootState root)
    {
        Tree roots = part.GetTree(ObjectIds.RootTree);
        Key key = new(part.Writer.Committed.Superblock.RootDirObjectId, ItemType.DirItem, NameHash.OfName(Name));
        if (!roots.TryGet(key, out ReadOnlySpan<byte> item) || !DirEntryEnumerator.TryFind(item, Name, out _))
            throw new CorruptMetadataException("corrupt metadata: the root tree has no entry for the default subvolume");

        // No other name has the same hash in this directory: the entry is the whole item.
        MemoryMarshal.AsRef<DirItem>(roots.Edit(key)).Location = new DiskKey(root.Key);
        part.EnableFeature(IncompatFlags.DefaultSubvol);
    }
}
