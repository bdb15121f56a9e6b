using System.Runtime.InteropServices;
using System.Text;
using Btrfs.Check.Walking;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Check.Files;

/// <summary>The second look at a tree of files whose names don't add up: which of them lack what.</summary>
internal sealed class NameAudit
{
    private readonly CheckState _state;
    private readonly RootRecord _root;
    private readonly TreeCursor _lookup;

    // Items less indexes of each entry, indexes less inodes' names of each name; what cancels out is taken out again.
    private readonly Dictionary<ulong, int> _entries = [];
    private readonly Dictionary<ulong, int> _names = [];
    private readonly HashSet<ulong> _orphans = [];

    public NameAudit(CheckState state, RootRecord root)
    {
        _state = state;
        _root = root;
        _lookup = state.Fs.OpenCursor(root.Tree);
    }

    /// <exception cref="CorruptMetadataException">A block can't be read.</exception>
    public void Report(in NameSums sums)
    {
        ForEachItem(Count);
        ForEachItem(ReportItem);
        if (!sums.TypesAgree)
            ForEachItem(ReportType);
        foreach (ulong inode in _orphans)
            ReportOrphan(inode);
    }

    private void ForEachItem(Action<Key, TreeCursor> visit)
    {
        TreeCursor cursor = _state.Fs.OpenCursor(_root.Tree);
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
        {
            _state.Cancellation.ThrowIfCancellationRequested();
            visit(cursor.Key, cursor);
        }
    }

    private void Count(Key key, TreeCursor cursor)
    {
        switch (key.Type)
        {
            case ItemType.OrphanItem when key.ObjectId == ObjectIds.Orphan:
                Toggle(key.Offset);
                break;
            case ItemType.InodeItem when cursor.Record<InodeItem>().NLink == 0 && key.ObjectId >= ObjectIds.FirstFree:
                Toggle(key.ObjectId);
                break;
            case ItemType.DirItem:
                foreach (DirEntry entry in new DirEntryEnumerator(cursor.Data))
                    Add(_entries, HashOf(key.ObjectId, entry), 1);
                break;
            case ItemType.DirIndex:
                foreach (DirEntry entry in new DirEntryEnumerator(cursor.Data))
                {
                    Add(_entries, HashOf(key.ObjectId, entry), -1);
                    if (!entry.IsSubvolume)
                        Add(_names, HashOf(key.ObjectId, key.Offset, entry.Name, entry.Location.ObjectId), 1);
                }

                break;
            case ItemType.InodeRef:
            case ItemType.InodeExtref:
                foreach (NameRef name in new NameRefEnumerator(key, cursor.Data))
                {
                    if (name.Parent != key.ObjectId)
                        Add(_names, HashOf(name.Parent, name.Index, name.Name, key.ObjectId), -1);
                }

                break;
        }
    }

    private void ReportItem(Key key, TreeCursor cursor)
    {
        switch (key.Type)
        {
            case ItemType.DirItem:
                foreach (DirEntry entry in new DirEntryEnumerator(cursor.Data))
                {
                    if (_entries.GetValueOrDefault(HashOf(key.ObjectId, entry)) > 0)
                        Tell(FindingKind.MissingDirIndex, key, $"entry '{Text(entry.Name)}' of directory {key.ObjectId} has no index that agrees");
                }

                break;
            case ItemType.DirIndex:
                foreach (DirEntry entry in new DirEntryEnumerator(cursor.Data))
                    ReportIndex(key, entry);
                break;
            case ItemType.InodeRef:
            case ItemType.InodeExtref:
                foreach (NameRef name in new NameRefEnumerator(key, cursor.Data))
                    ReportName(key, name);
                break;
        }
    }

    private void ReportIndex(Key key, DirEntry entry)
    {
        if (_entries.GetValueOrDefault(HashOf(key.ObjectId, entry)) < 0)
            Tell(FindingKind.MissingDirItem, key, $"index {key.Offset} '{Text(entry.Name)}' of directory {key.ObjectId} has no entry that agrees");
        if (entry.IsSubvolume || _names.GetValueOrDefault(HashOf(key.ObjectId, key.Offset, entry.Name, entry.Location.ObjectId)) <= 0)
            return;

        bool exists = _lookup.TryFind(new Key(entry.Location.ObjectId, ItemType.InodeItem, 0));
        Tell(
            exists ? FindingKind.MissingInodeRef : FindingKind.DanglingEntry,
            key,
            $"index {key.Offset} '{Text(entry.Name)}' of directory {key.ObjectId} leads to inode {entry.Location.ObjectId}, which {(exists ? "does not name it" : "does not exist")}");
    }

    private void ReportName(Key key, NameRef name)
    {
        if (name.Parent == key.ObjectId || _names.GetValueOrDefault(HashOf(name.Parent, name.Index, name.Name, key.ObjectId)) >= 0)
            return;

        Tell(FindingKind.MissingDirIndex, key, $"inode {key.ObjectId} is named '{Text(name.Name)}' at index {name.Index} of directory {name.Parent}, which does not have it");
        if (!_lookup.TryFind(new Key(name.Parent, ItemType.DirItem, NameHash.OfName(name.Name))) || !DirEntryEnumerator.TryFind(_lookup.Data, name.Name, out _))
            Tell(FindingKind.MissingDirItem, key, $"inode {key.ObjectId} is named '{Text(name.Name)}' in directory {name.Parent}, which has no such entry");
    }

    private void ReportType(Key key, TreeCursor cursor)
    {
        if (key.Type != ItemType.DirIndex)
            return;

        foreach (DirEntry entry in new DirEntryEnumerator(cursor.Data))
        {
            if (entry.IsSubvolume || !_lookup.TryFind(new Key(entry.Location.ObjectId, ItemType.InodeItem, 0)))
                continue;

            DirEntryType type = NameSums.TypeOf(_lookup.Record<InodeItem>().Mode);
            if (entry.Type != type)
                Tell(FindingKind.EntryType, key, $"index {key.Offset} '{Text(entry.Name)}' of directory {key.ObjectId} has type {(byte)entry.Type}, inode {entry.Location.ObjectId} is of type {(byte)type}");
        }
    }

    private void ReportOrphan(ulong inode)
    {
        bool exists = _lookup.TryFind(new Key(inode, ItemType.InodeItem, 0));
        Key key = new(inode, ItemType.InodeItem, 0);
        if (exists && _lookup.Record<InodeItem>().NLink == 0)
            Tell(FindingKind.MissingOrphanItem, key, $"inode {inode} has no link and no orphan item");
        else
            Tell(FindingKind.StaleOrphanItem, key, $"there is an orphan item for inode {inode}, which {(exists ? "has links" : "does not exist")}");
    }

    private void Toggle(ulong inode)
    {
        if (!_orphans.Add(inode))
            _orphans.Remove(inode);
    }

    private static void Add(Dictionary<ulong, int> counts, ulong hash, int change)
    {
        ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, hash, out _);
        count += change;
        if (count == 0)
            counts.Remove(hash);
    }

    private static ulong HashOf(ulong directory, DirEntry entry) =>
        NameSums.HashOfEntry(directory, NameHash.OfName(entry.Name), entry.Name.Length, entry.Location, entry.Type);

    private static ulong HashOf(ulong directory, ulong index, ReadOnlySpan<byte> name, ulong inode) =>
        NameSums.HashOfName(directory, index, NameHash.OfName(name), name.Length, inode);

    /// <summary>A name as one line of text, whatever its bytes.</summary>
    private static string Text(ReadOnlySpan<byte> name) => string.Concat(Encoding.UTF8.GetString(name).Select(letter => char.IsControl(letter) ? '?' : letter));

    private void Tell(FindingKind kind, Key key, string message) => _state.Log.Add(kind, _root.Id, key, message);
}
