using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Replay;

/// <summary>
/// Brings the names of a subvolume to what the log says of them. It says so from two sides: of an inode, which names it has; of a directory, which names
/// it has in some ranges. Neither need be complete, so each is followed as far as it goes.
/// </summary>
internal sealed class NameReplay(Change change, LogTree log, LinkCounts links)
{
    /// <summary>Takes the entries away that lie in the logged ranges of a directory and are not in the log.</summary>
    public void RemoveAbsentEntries(ulong directory)
    {
        foreach ((ulong first, ulong last) in log.LoggedRanges(directory))
        {
            foreach ((ulong index, byte[] name, EntryTarget target) in EntriesIn(directory, first, last))
            {
                if (!log.HasEntry(directory, index, name))
                    Unlink(directory, name, target.Location.ObjectId);
            }
        }
    }

    /// <summary>Empties a directory that has lost its last name.</summary>
    public void RemoveAllEntries(ulong directory)
    {
        foreach ((_, byte[] name, EntryTarget target) in EntriesIn(directory, 0, ulong.MaxValue))
            Unlink(directory, name, target.Location.ObjectId);
    }

    /// <summary>Replays an entry of a directory. Where the log has the inode's own word for the name, that is followed instead, later.</summary>
    public void ReplayEntry(ulong directory, ulong index, in DirEntry entry)
    {
        ulong inode = entry.Location.ObjectId;
        if (entry.IsSubvolume || !change.TryGetInode(inode, out InodeItem item))
            return;
        if (NameEditor.TryLookup(change, directory, entry.Name, out EntryTarget held))
        {
            if (held.Location == entry.Location)
                return;
            Replace(directory, entry.Name, held);
        }

        if (log.HasName(inode, directory, entry.Name))
            return;
        Add(directory, entry.Name, index, inode, item);
        if (!InodeMode.IsDirectory(item.Mode))
            links.Note(inode);
    }

    /// <summary>Replays the names of an inode that one item of the log has: those, and no others, are the ones that the same item of the subvolume should have.</summary>
    public void ReplayNames(Key key, ReadOnlySpan<byte> item)
    {
        ulong inode = key.ObjectId;
        if (key.Type == ItemType.InodeRef && key.Offset == inode)
            return;

        InodeItem named = change.TryGetInode(inode, out InodeItem found) ? found : throw Corrupt(inode, "has names and is missing");
        foreach ((ulong parent, byte[] name) in NamesIn(key))
        {
            if (!log.HasName(inode, parent, name))
                Unlink(parent, name, inode);
        }

        foreach (NameRef name in new NameRefEnumerator(key, item))
        {
            // A directory need not be logged with what is in it; without it the name leads nowhere.
            if (change.TryGetInode(name.Parent, out _))
                EnsureName(name, inode, named);
        }
    }

    private void EnsureName(in NameRef name, ulong inode, in InodeItem item)
    {
        if (NameEditor.TryLookup(change, name.Parent, name.Name, out EntryTarget held))
        {
            bool isSame = held.Location == new Key(inode, ItemType.InodeItem, 0);
            if (isSame && NameEditor.IndexOf(change, inode, name.Parent, name.Name) == name.Index)
                return;
            Replace(name.Parent, name.Name, held);
        }

        Add(name.Parent, name.Name, name.Index, inode, item);
    }

    private void Replace(ulong directory, ReadOnlySpan<byte> name, in EntryTarget held)
    {
        if (held.IsSubvolume)
            throw Corrupt(directory, $"has an entry in the log where subvolume {held.Location.ObjectId} is");
        Unlink(directory, name, held.Location.ObjectId);
    }

    private void Add(ulong directory, ReadOnlySpan<byte> name, ulong index, ulong inode, in InodeItem item)
    {
        InodeItem parent = RequireDirectory(directory);

        // Places only order the listing. One that another name has by now is left to it.
        while (change.Tree.TryGet(new Key(directory, ItemType.DirIndex, index), out _))
            index = change.NextIndex(directory);
        NameEditor.InsertEntry(change, directory, name, index, EntryTarget.OfInode(inode, item.Mode));
        NameEditor.InsertRef(change, inode, directory, name, index);
        parent.FileSize = parent.FileSize + NameEditor.SizeOf(name);
        change.PutInode(directory, ref parent);
    }

    private void Unlink(ulong directory, ReadOnlySpan<byte> name, ulong inode)
    {
        InodeItem parent = RequireDirectory(directory);
        ulong index = NameEditor.RemoveRef(change, inode, directory, name);
        NameEditor.RemoveEntry(change, directory, name, index);
        parent.FileSize = parent.FileSize - NameEditor.SizeOf(name);

        // The directory's times are those of the changes that are replayed, the log's where it has them.
        change.PutInode(directory, ref parent);
        links.Note(inode);
        if (change.TryGetInode(inode, out InodeItem item))
        {
            item.CTime = change.Now;
            change.PutInode(inode, ref item);
        }
    }

    private InodeItem RequireDirectory(ulong directory) =>
        change.TryGetInode(directory, out InodeItem item) && InodeMode.IsDirectory(item.Mode)
            ? item
            : throw Corrupt(directory, "is no directory, and has entries");

    /// <summary>Entries of a directory by their places, subvolumes left out: what becomes of those, no log tells.</summary>
    private List<(ulong Index, byte[] Name, EntryTarget Target)> EntriesIn(ulong directory, ulong first, ulong last)
    {
        List<(ulong, byte[], EntryTarget)> entries = [];
        TreeCursor cursor = change.Tree.OpenCursor();
        cursor.Seek(new Key(directory, ItemType.DirIndex, first));
        for (; cursor.IsValid && cursor.Key.ObjectId == directory && cursor.Key.Type == ItemType.DirIndex && cursor.Key.Offset <= last; cursor.MoveNext())
        {
            foreach (DirEntry entry in new DirEntryEnumerator(cursor.Data))
            {
                if (!entry.IsSubvolume)
                    entries.Add((cursor.Key.Offset, entry.Name.ToArray(), new EntryTarget(entry.Location, entry.Type)));
            }
        }

        return entries;
    }

    private List<(ulong Parent, byte[] Name)> NamesIn(Key key)
    {
        List<(ulong, byte[])> names = [];
        if (change.Tree.TryGet(key, out ReadOnlySpan<byte> item))
        {
            foreach (NameRef name in new NameRefEnumerator(key, item))
                names.Add((name.Parent, name.Name.ToArray()));
        }

        return names;
    }

    private CorruptMetadataException Corrupt(ulong inode, string what) =>
        new($"corrupt metadata: root={change.RootId} inode={inode} {what}");
}
