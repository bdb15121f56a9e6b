using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Replay;

/// <summary>
/// The inodes whose names a replay may have changed. How many links they have is counted when all names are in place: what the log says was true for the names
/// of its time, not all of which come back.
/// </summary>
internal sealed class LinkCounts(Change change)
{
    private readonly SortedSet<ulong> _inodes = [];

    public void Note(ulong inode) => _inodes.Add(inode);

    /// <summary>Counts. An inode without any name becomes an orphan, and a directory gives up what is in it before, which may leave more without a name.</summary>
    public void Settle(NameReplay names)
    {
        while (_inodes.Count > 0)
        {
            ulong inode = _inodes.Max;
            _inodes.Remove(inode);
            if (!change.TryGetInode(inode, out InodeItem item))
                continue;

            uint links = CountNames(inode);
            if (item.NLink.Value != links)
            {
                item.NLink = links;
                change.PutInode(inode, ref item);
            }

            if (links > 0)
            {
                OrphanItems.Remove(change.Tree, inode);
                continue;
            }

            if (InodeMode.IsDirectory(item.Mode))
                names.RemoveAllEntries(inode);
            OrphanItems.Add(change.Tree, inode);
        }
    }

    private uint CountNames(ulong inode)
    {
        uint count = 0;
        TreeCursor cursor = change.Tree.OpenCursor();
        cursor.Seek(new Key(inode, ItemType.InodeRef, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && NameRefEnumerator.IsNameItem(cursor.Key.Type); cursor.MoveNext())
        {
            foreach (NameRef _ in new NameRefEnumerator(cursor.Key, cursor.Data))
                count++;
        }

        return count;
    }
}
