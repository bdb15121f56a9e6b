using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Replay;

/// <summary>
/// The log of one subvolume: copies of items that were fsynced since the last commit, under the keys that they have in the subvolume, with the checksums of
/// the data that they name, and the ranges of directories that were logged as a whole. It never changes, so cursors over it last.
/// </summary>
internal sealed class LogTree(FsInfo committed, ulong subvolumeId, TreeRoot root)
{
    private readonly TreeCursor _lookup = committed.OpenCursor(root);

    public ulong SubvolumeId { get; } = subvolumeId;

    public TreeRoot Root { get; } = root;

    public TreeCursor OpenCursor() => committed.OpenCursor(Root);

    /// <summary>The tree that lists the logs. What fsync writes is one generation ahead of the last commit.</summary>
    public static TreeRoot ListOf(in Superblock superblock) =>
        new(ObjectIds.TreeLog, new LogicalAddress(superblock.LogRoot), superblock.Generation + 1, superblock.LogRootLevel);

    /// <summary>The logs of all subvolumes that have one.</summary>
    public static List<LogTree> ReadAll(FsInfo committed)
    {
        List<LogTree> logs = [];
        TreeCursor cursor = committed.OpenCursor(ListOf(committed.Superblock));
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
        {
            if (cursor.Key is not { ObjectId: ObjectIds.TreeLog, Type: ItemType.RootItem })
                throw new CorruptMetadataException(ObjectIds.TreeLog, cursor.Leaf.Bytenr, cursor.Slot, $"unexpected item {cursor.Key} in the list of logs");
            RootRecord record = RootRecord.Read(cursor.Key, cursor.Data);
            logs.Add(new LogTree(committed, cursor.Key.Offset, record.Tree));
        }

        return logs;
    }

    /// <summary>
    /// The items one by one, as a cursor that stands on each. Inodes that had no name left when they were fsynced are passed over: nobody could find them.
    /// </summary>
    public IEnumerable<TreeCursor> Items()
    {
        TreeCursor cursor = OpenCursor();
        ulong nameless = 0;
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
        {
            if (cursor.Key.Type == ItemType.InodeItem && cursor.Record<InodeItem>().NLink.Value == 0)
                nameless = cursor.Key.ObjectId;
            if (cursor.Key.ObjectId != nameless)
                yield return cursor;
        }
    }

    /// <summary>Whether an inode was logged with a name.</summary>
    public bool HasName(ulong inode, ulong directory, ReadOnlySpan<byte> name) =>
        HasName(new Key(inode, ItemType.InodeRef, directory), directory, name)
        || HasName(new Key(inode, ItemType.InodeExtref, NameHash.OfExtref(directory, name)), directory, name);

    /// <summary>Whether a directory was logged with a name at a place.</summary>
    public bool HasEntry(ulong directory, ulong index, ReadOnlySpan<byte> name) =>
        TryGet(new Key(directory, ItemType.DirIndex, index), out ReadOnlySpan<byte> item) && DirEntryEnumerator.TryFind(item, name, out _);

    public bool HasXattr(Key key, ReadOnlySpan<byte> name) =>
        TryGet(key, out ReadOnlySpan<byte> item) && DirEntryEnumerator.TryFind(item, name, out _);

    /// <summary>The ranges of places of a directory that the log tells all of: what it doesn't list there is gone.</summary>
    public List<(ulong First, ulong Last)> LoggedRanges(ulong directory)
    {
        List<(ulong, ulong)> ranges = [];
        TreeCursor cursor = OpenCursor();
        cursor.Seek(new Key(directory, ItemType.DirLogIndex, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == directory && cursor.Key.Type == ItemType.DirLogIndex; cursor.MoveNext())
        {
            if (cursor.Data.Length != sizeof(ulong))
                throw new CorruptMetadataException(ObjectIds.TreeLog, cursor.Leaf.Bytenr, cursor.Slot, $"invalid item size, have {cursor.Data.Length} expect {sizeof(ulong)}");
            ranges.Add((cursor.Key.Offset, MemoryMarshal.Read<Le64>(cursor.Data)));
        }

        return ranges;
    }

    private bool HasName(Key key, ulong directory, ReadOnlySpan<byte> name)
    {
        if (!TryGet(key, out ReadOnlySpan<byte> item))
            return false;
        foreach (NameRef entry in new NameRefEnumerator(key, item))
        {
            if (entry.Parent == directory && entry.Name.SequenceEqual(name))
                return true;
        }

        return false;
    }

    private bool TryGet(Key key, out ReadOnlySpan<byte> data)
    {
        bool found = _lookup.TryFind(key);
        data = found ? _lookup.Data : default;
        return found;
    }
}
