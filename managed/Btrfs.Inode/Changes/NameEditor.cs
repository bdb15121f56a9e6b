using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Changes;

/// <summary>What an entry of a directory says, copied out of the tree.</summary>
internal readonly record struct EntryTarget(Key Location, DirEntryType Type)
{
    public bool IsSubvolume => Location.Type == ItemType.RootItem;

    public static EntryTarget OfInode(ulong inode, uint mode) => new(new Key(inode, ItemType.InodeItem, 0), TypeOf(mode));

    private static DirEntryType TypeOf(uint mode) => (mode & InodeMode.TypeMask) switch
    {
        InodeMode.Regular => DirEntryType.RegularFile,
        InodeMode.Directory => DirEntryType.Directory,
        InodeMode.CharacterDevice => DirEntryType.CharacterDevice,
        InodeMode.BlockDevice => DirEntryType.BlockDevice,
        InodeMode.Fifo => DirEntryType.Fifo,
        InodeMode.Socket => DirEntryType.Socket,
        _ => DirEntryType.SymbolicLink,
    };
}

/// <summary>
/// The items behind names: an entry stands twice in its directory, by the hash of its name and by its place, and a third time at the inode that it leads to.
/// </summary>
internal static class NameEditor
{
    public const uint MaxLinks = 65535;

    /// <exception cref="FileOperationException">No entry may have this name.</exception>
    public static void RequireValid(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        RequireShort(change, directory, name);
        if (name.IsEmpty || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) || name.ContainsAny((byte)'/', (byte)0))
            throw change.Refuse(FileError.Invalid, directory, name, "invalid name");
    }

    private static void RequireShort(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        if (name.Length > FormatLimits.MaxNameLength)
            throw change.Refuse(FileError.NameTooLong, directory, $"name of {name.Length} bytes is too long, at most {FormatLimits.MaxNameLength}");
    }

    public static bool TryLookup(Change change, ulong directory, ReadOnlySpan<byte> name, out EntryTarget target)
    {
        if (change.Tree.TryGet(EntryKey(directory, name), out ReadOnlySpan<byte> item) && DirEntryEnumerator.TryFind(item, name, out DirEntry entry))
        {
            target = new EntryTarget(entry.Location, entry.Type);
            return true;
        }

        target = default;
        return false;
    }

    /// <exception cref="FileOperationException">There is no such entry.</exception>
    public static EntryTarget Lookup(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        RequireShort(change, directory, name);
        return TryLookup(change, directory, name, out EntryTarget target)
            ? target
            : throw change.Refuse(FileError.NotFound, directory, name, "no such file or directory");
    }

    /// <exception cref="FileOperationException">The name is taken, or too many names share its hash.</exception>
    public static void RequireFree(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        RequireValid(change, directory, name);
        if (!change.Tree.TryGet(EntryKey(directory, name), out ReadOnlySpan<byte> item))
            return;
        if (DirEntryEnumerator.TryFind(item, name, out _))
            throw change.Refuse(FileError.Exists, directory, name, "exists");
        if (!ItemList.CanGrow(change.Tree, item.Length, DirItem.Size + name.Length))
            throw change.Refuse(FileError.TooLarge, directory, name, "too many names with one hash");
    }

    /// <summary>Adds both entries; the directory's inode is the caller's to update (<see cref="SizeOf"/>).</summary>
    public static void InsertEntry(Change change, ulong directory, ReadOnlySpan<byte> name, ulong index, in EntryTarget target)
    {
        Span<byte> entry = stackalloc byte[DirItem.Size + FormatLimits.MaxNameLength];
        entry = entry[..(DirItem.Size + name.Length)];
        DirItem head = new()
        {
            Location = new DiskKey(target.Location),
            TransId = change.Generation,
            NameLength = (ushort)name.Length,
            Type = target.Type,
        };
        MemoryMarshal.Write(entry, head);
        name.CopyTo(entry[DirItem.Size..]);
        ItemList.Append(change.Tree, EntryKey(directory, name), entry);
        change.Tree.Insert(new Key(directory, ItemType.DirIndex, index), entry);
        change.Notes.Of(directory).AddEntry(name);
    }

    /// <summary>Takes both entries away.</summary>
    public static void RemoveEntry(Change change, ulong directory, ReadOnlySpan<byte> name, ulong index)
    {
        Key key = EntryKey(directory, name);
        if (change.Tree.TryGet(key, out ReadOnlySpan<byte> item) && ItemList.TryFindEntry(item, name, out Range range))
            ItemList.Remove(change.Tree, key, range);
        else
            throw Corrupt(change, directory, "has no entry for a name that it lists");
        if (!change.Tree.TryDelete(new Key(directory, ItemType.DirIndex, index)))
            throw Corrupt(change, directory, $"has no entry at index {index}");
        change.Notes.Of(directory).AddEntry(name);
    }

    /// <summary>The place of an entry, found by a walk over the directory: for the entries that no back reference leads to.</summary>
    public static ulong FindIndex(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        Subvolume reader = change.OpenReader();
        ulong position = 0;
        while (reader.TryReadEntry(directory, ref position, out DirEntry entry))
        {
            if (entry.Name.SequenceEqual(name))
                return position;
        }

        throw Corrupt(change, directory, "does not list a name that it has");
    }

    public static bool IsEmpty(Change change, ulong directory)
    {
        ulong position = 0;
        return !change.OpenReader().TryReadEntry(directory, ref position, out _);
    }

    /// <summary>What an entry adds to the size of its directory.</summary>
    public static ulong SizeOf(ReadOnlySpan<byte> name) => 2 * (ulong)name.Length;

    /// <summary>Whether a further name fits in the items that lead back to the inode's names.</summary>
    /// <exception cref="FileOperationException">It does not.</exception>
    public static void RequireRoomForRef(Change change, ulong inode, ulong directory, ReadOnlySpan<byte> name)
    {
        if (!change.Tree.TryGet(RefKey(inode, directory), out ReadOnlySpan<byte> item)
            || ItemList.CanGrow(change.Tree, item.Length, InodeRef.Size + name.Length))
        {
            return;
        }

        bool fits = change.HasFeature(IncompatFlags.ExtendedIref)
            && (!change.Tree.TryGet(ExtrefKey(inode, directory, name), out ReadOnlySpan<byte> extrefs)
                || ItemList.CanGrow(change.Tree, extrefs.Length, InodeExtref.Size + name.Length));
        if (!fits)
            throw change.Refuse(FileError.TooManyLinks, inode, $"too many links from directory {directory}");
    }

    /// <summary>Leads back from an inode to a name: in the item of its directory while that has room, then in an extended one.</summary>
    public static void InsertRef(Change change, ulong inode, ulong directory, ReadOnlySpan<byte> name, ulong index)
    {
        Span<byte> bytes = stackalloc byte[InodeExtref.Size + FormatLimits.MaxNameLength];
        bool full = change.Tree.TryGet(RefKey(inode, directory), out ReadOnlySpan<byte> item)
            && !ItemList.CanGrow(change.Tree, item.Length, InodeRef.Size + name.Length);
        if (full)
        {
            InodeExtref head = new() { Parent = directory, Index = index, NameLength = (ushort)name.Length };
            MemoryMarshal.Write(bytes, head);
            name.CopyTo(bytes[InodeExtref.Size..]);
            ItemList.Append(change.Tree, ExtrefKey(inode, directory, name), bytes[..(InodeExtref.Size + name.Length)]);
        }
        else
        {
            InodeRef head = new() { Index = index, NameLength = (ushort)name.Length };
            MemoryMarshal.Write(bytes, head);
            name.CopyTo(bytes[InodeRef.Size..]);
            ItemList.Append(change.Tree, RefKey(inode, directory), bytes[..(InodeRef.Size + name.Length)]);
        }

        change.Notes.NoteNames(inode);
    }

    /// <summary>Takes the way back away, and tells the place of the entry.</summary>
    public static ulong RemoveRef(Change change, ulong inode, ulong directory, ReadOnlySpan<byte> name)
    {
        (Key key, Range range, ulong index) = FindRef(change, inode, directory, name);
        ItemList.Remove(change.Tree, key, range);
        change.Notes.NoteNames(inode);
        return index;
    }

    /// <summary>The place of an inode's entry.</summary>
    public static ulong IndexOf(Change change, ulong inode, ulong directory, ReadOnlySpan<byte> name) => FindRef(change, inode, directory, name).Index;

    private static (Key Key, Range Range, ulong Index) FindRef(Change change, ulong inode, ulong directory, ReadOnlySpan<byte> name)
    {
        foreach (Key key in (ReadOnlySpan<Key>)[RefKey(inode, directory), ExtrefKey(inode, directory, name)])
        {
            if (!change.Tree.TryGet(key, out ReadOnlySpan<byte> item))
                continue;

            int headSize = key.Type == ItemType.InodeExtref ? InodeExtref.Size : InodeRef.Size;
            int start = 0;
            foreach (NameRef entry in new NameRefEnumerator(key, item))
            {
                int end = start + headSize + entry.Name.Length;
                if (entry.Parent == directory && entry.Name.SequenceEqual(name))
                    return (key, start..end, entry.Index);
                start = end;
            }
        }

        throw Corrupt(change, inode, $"has no name of its entry in directory {directory}");
    }

    private static Key EntryKey(ulong directory, ReadOnlySpan<byte> name) => new(directory, ItemType.DirItem, NameHash.OfName(name));

    private static Key RefKey(ulong inode, ulong directory) => new(inode, ItemType.InodeRef, directory);

    private static Key ExtrefKey(ulong inode, ulong directory, ReadOnlySpan<byte> name) =>
        new(inode, ItemType.InodeExtref, NameHash.OfExtref(directory, name));

    private static CorruptMetadataException Corrupt(Change change, ulong inode, string what) =>
        new($"corrupt metadata: root={change.RootId} inode={inode} {what}");
}
