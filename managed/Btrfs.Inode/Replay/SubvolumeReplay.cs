using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Replay;

/// <summary>
/// Replays the log of one subvolume. First all inodes, so that whatever names one later finds it; then entries of directories, then all that
/// belongs to single inodes; at last links are counted.
/// </summary>
internal sealed class SubvolumeReplay
{
    private readonly Change _change;
    private readonly LogTree _log;
    private readonly LinkCounts _links;
    private readonly NameReplay _names;
    private readonly ExtentReplay _extents;

    public SubvolumeReplay(Change change, LogTree log, LogSpace space)
    {
        _change = change;
        _log = log;
        _links = new LinkCounts(change);
        _names = new NameReplay(change, log, _links);
        _extents = new ExtentReplay(change, log, space);
    }

    public void Run()
    {
        foreach (TreeCursor item in _log.Items())
        {
            if (item.Key.Type == ItemType.InodeItem)
                ReplayInode(item.Key.ObjectId, item.Record<InodeItem>());
        }

        foreach (TreeCursor item in _log.Items())
        {
            if (item.Key.Type == ItemType.DirIndex)
                ReplayEntries(item);
        }

        foreach (TreeCursor item in _log.Items())
        {
            switch (item.Key.Type)
            {
                case ItemType.InodeRef:
                case ItemType.InodeExtref:
                    _names.ReplayNames(item.Key, item.Data);
                    break;
                case ItemType.XattrItem:
                    _change.Tree.Set(item.Key, item.Data);
                    break;
                case ItemType.ExtentData:
                    _extents.Replay(item);
                    break;
            }
        }

        _links.Settle(_names);
        _change.Finish();
    }

    private void ReplayEntries(TreeCursor item)
    {
        foreach (DirEntry entry in new DirEntryEnumerator(item.Data))
            _names.ReplayEntry(item.Key.ObjectId, item.Key.Offset, entry);
    }

    private void ReplayInode(ulong inode, in InodeItem logged)
    {
        RemoveAbsentXattrs(inode);
        if (InodeMode.IsDirectory(logged.Mode))
            _names.RemoveAbsentEntries(inode);

        InodeItem item = _change.TryGetInode(inode, out InodeItem held) ? Merge(inode, held, logged) : New(logged);

        // Now, and not when all is done: extents behind the end of the file, allocated ahead of data, are in the log and must stay.
        if (InodeMode.IsRegular(item.Mode))
            FileExtents.CutTail(_change, inode, _change.AlignUp(item.FileSize), ref item, int.MaxValue);
        _change.Tree.Set(new Key(inode, ItemType.InodeItem, 0), MemoryMarshal.AsBytes([item]));
        _links.Note(inode);
    }

    /// <summary>What an inode becomes that the last commit has. Its bytes are counted as extents come and go, and a directory's size as entries do.</summary>
    private InodeItem Merge(ulong inode, in InodeItem held, in InodeItem logged)
    {
        if ((held.Mode & InodeMode.TypeMask) != (logged.Mode & InodeMode.TypeMask))
        {
            throw new CorruptMetadataException(
                $"corrupt metadata: root={_change.RootId} inode={inode} has mode 0{Convert.ToString(held.Mode, 8)}, and 0{Convert.ToString(logged.Mode, 8)} in the log");
        }

        InodeItem item;
        if (logged.Generation.Value == 0)
        {
            // Logged only so that it exists, as the entry of a directory that was fsynced: nothing of it is known to be newer but, perhaps, its size.
            item = held;
            if (InodeMode.IsRegular(held.Mode) && logged.FileSize.Value != 0)
                item.FileSize = logged.FileSize;
            return item;
        }

        item = logged;
        item.NBytes = held.NBytes;
        if (InodeMode.IsDirectory(held.Mode))
            item.FileSize = held.FileSize;
        return item;
    }

    private InodeItem New(in InodeItem logged)
    {
        InodeItem item = logged;
        item.NBytes = 0;
        if (InodeMode.IsDirectory(item.Mode))
            item.FileSize = 0;
        if (item.Generation.Value == 0)
            item.Generation = _change.Generation;
        return item;
    }

    // An inode is logged with all of its attributes, however few have changed.
    private void RemoveAbsentXattrs(ulong inode)
    {
        List<byte[]> absent = [];
        TreeCursor cursor = _change.Tree.OpenCursor();
        cursor.Seek(new Key(inode, ItemType.XattrItem, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && cursor.Key.Type == ItemType.XattrItem; cursor.MoveNext())
        {
            foreach (DirEntry xattr in new DirEntryEnumerator(cursor.Data))
            {
                if (!_log.HasXattr(cursor.Key, xattr.Name))
                    absent.Add(xattr.Name.ToArray());
            }
        }

        foreach (byte[] name in absent)
            XattrItems.Remove(_change, inode, name);
    }
}
