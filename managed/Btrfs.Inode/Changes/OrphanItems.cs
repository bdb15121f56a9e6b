using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>Marks of what is half deleted: inodes in their subvolume's tree, subvolumes in the root tree. The kernel cleans up behind them too.</summary>
internal static class OrphanItems
{
    public static void Add(Tree tree, ulong id)
    {
        Key key = KeyOf(id);
        if (!tree.TryGet(key, out _))
            tree.Insert(key, 0);
    }

    public static void Remove(Tree tree, ulong id) => tree.TryDelete(KeyOf(id));

    /// <summary>The next one behind <paramref name="after"/>; null if there is none.</summary>
    public static ulong? Next(TreeCursor cursor, ulong after)
    {
        cursor.Seek(KeyOf(after).Next());
        return cursor.IsValid && cursor.Key.ObjectId == ObjectIds.Orphan && cursor.Key.Type == ItemType.OrphanItem ? cursor.Key.Offset : null;
    }

    private static Key KeyOf(ulong id) => new(ObjectIds.Orphan, ItemType.OrphanItem, id);
}
