using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>Deletes inodes that have no name left: a small one at once, others in steps, each of which a commit may follow.</summary>
internal static class InodeRemoval
{
    /// <summary>How many extents one part of a transaction drops.</summary>
    public const int ExtentsPerStep = 256;

    /// <summary>How many items an inode may have to go in one part.</summary>
    public const int ItemsAtOnce = 32;

    public static bool IsSmall(Change change, ulong inode)
    {
        TreeCursor cursor = change.Tree.OpenCursor();
        cursor.Seek(First(inode));
        for (int items = 0; cursor.IsValid && cursor.Key.ObjectId == inode; items++)
        {
            if (items == ItemsAtOnce)
                return false;
            if (!cursor.MoveNext())
                break;
        }

        return true;
    }

    /// <summary>Deletes an inode with all that it has.</summary>
    public static void RemoveWhole(Change change, ulong inode)
    {
        FileExtents.DropReferences(change, inode);
        change.Tree.DeleteRange(First(inode), Last(inode));
        change.Notes.NoteNames(inode);
    }

    /// <summary>Deletes a part of an orphaned inode; true when it is gone, and its mark with it.</summary>
    public static bool Step(Change change, ulong inode)
    {
        if (!change.TryGetInode(inode, out InodeItem item))
        {
            OrphanItems.Remove(change.Tree, inode);
            return true;
        }

        // Named again, or cut short while it was being truncated.
        ulong end = item.NLink.Value > 0 ? change.AlignUp(item.FileSize) : 0;
        bool cleansFile = item.NLink.Value == 0 || InodeMode.IsRegular(item.Mode);
        if (cleansFile && FileExtents.CutTail(change, inode, end, ref item, ExtentsPerStep) is not null)
        {
            change.PutInode(inode, ref item);
            return false;
        }

        if (item.NLink.Value > 0)
            change.PutInode(inode, ref item);
        else
            change.Tree.DeleteRange(First(inode), Last(inode));
        OrphanItems.Remove(change.Tree, inode);
        return true;
    }

    private static Key First(ulong inode) => new(inode, 0, 0);

    private static Key Last(ulong inode) => new(inode, (ItemType)byte.MaxValue, ulong.MaxValue);
}
