using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Refs;
using Btrfs.Space.Transactions;

namespace Btrfs.Space.FreeSpace;

/// <summary>The caches of free space of version 1: a file in the root tree for each block group, found through a header.</summary>
internal static class SpaceCaches
{
    /// <summary>
    /// Makes the headers deny their files, before a commit by which those may stop being true. That the superblock's generation goes past that of the caches is not enough: the next
    /// commit of Linux sets it right again for the block groups that Linux has changed, and from then on those of all the others would be believed too. A file whose generation is not that of
    /// its header is written anew when its time comes.
    /// </summary>
    public static void Invalidate(SpaceState state)
    {
        if ((state.Superblock.CompatRo & CompatRoFlags.FreeSpaceTree) != 0)
            return;

        Tree tree = state.Roots.Get(ObjectIds.RootTree).Tree;
        List<Key> valid = [];
        TreeCursor cursor = tree.OpenCursor();
        for (cursor.Seek(new Key(ObjectIds.FreeSpace, 0, 0)); cursor.IsValid && cursor.Key.ObjectId == ObjectIds.FreeSpace; cursor.MoveNext())
        {
            if (cursor.Data.Length == FreeSpaceHeader.Size && MemoryMarshal.Read<FreeSpaceHeader>(cursor.Data).Generation != 0)
                valid.Add(cursor.Key);
        }

        foreach (Key key in valid)
            MemoryMarshal.AsRef<FreeSpaceHeader>(tree.Edit(key)).Generation = 0;
    }

    /// <summary>Removes the cache of a block group that goes, header and file: nobody would find it again.</summary>
    public static void Remove(SpaceState state, ulong groupStart)
    {
        Tree tree = state.Roots.Get(ObjectIds.RootTree).Tree;
        Key header = new(ObjectIds.FreeSpace, 0, groupStart);
        if (!tree.TryGet(header, out ReadOnlySpan<byte> data))
            return;

        // Only what looks like a cache is taken for one: the root tree has other things, too.
        Key location = data.Length == FreeSpaceHeader.Size ? MemoryMarshal.Read<FreeSpaceHeader>(data).Location.ToKey() : default;
        tree.Delete(header);
        if (location.Type != ItemType.InodeItem || location.ObjectId < ObjectIds.FirstFree || !tree.TryDelete(location))
            return;

        Key first = new(location.ObjectId, ItemType.ExtentData, 0);
        Key last = first with { Offset = ulong.MaxValue };
        TreeCursor cursor = tree.OpenCursor();
        for (cursor.Seek(first); cursor.IsValid && cursor.Key.CompareTo(last) <= 0; cursor.MoveNext())
        {
            if (cursor.Data.Length < FileExtentItem.Size)
                continue;

            ref readonly FileExtentItem extent = ref cursor.Record<FileExtentItem>();
            DataReference use = new(ObjectIds.RootTree, location.ObjectId, cursor.Key.Offset - extent.Offset);
            if (extent.DiskBytenr != 0)
                state.Delayed.Change(extent.DiskBytenr, extent.DiskNumBytes, level: -1, ReferenceKey.OfFile(use), -1);
        }

        tree.DeleteRange(first, last);
    }
}
