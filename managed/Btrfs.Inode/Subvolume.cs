using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Inode;

/// <summary>
/// The tree of files of one subvolume or snapshot, as of the last commit. Holds cursors, so it is not thread-safe;
/// make one for each thread.
/// </summary>
public sealed class Subvolume
{
    private const ulong FirstDirIndex = 2;

    // Inodes, names and entries are looked up in turns: each kind keeps its place in the tree.
    private readonly TreeCursor _inodes;
    private readonly TreeCursor _names;
    private readonly TreeCursor _entries;

    public Subvolume(FsInfo fs, RootRecord root)
    {
        Fs = fs;
        Root = root;
        _inodes = fs.OpenCursor(root.Tree);
        _names = fs.OpenCursor(root.Tree);
        _entries = fs.OpenCursor(root.Tree);
    }

    public FsInfo Fs { get; }

    public RootRecord Root { get; }

    public ulong Id => Root.Id;

    public TreeCursor OpenCursor() => Fs.OpenCursor(Root.Tree);

    public bool TryGetInode(ulong inode, out InodeItem item)
    {
        bool found = _inodes.TryFind(new Key(inode, ItemType.InodeItem, 0));
        item = found ? _inodes.Record<InodeItem>() : default;
        return found;
    }

    /// <summary>The generation that tells inodes apart which had the same number one after the other.</summary>
    public bool TryGetGeneration(ulong inode, out ulong generation)
    {
        bool found = _inodes.TryFind(new Key(inode, ItemType.InodeItem, 0));
        generation = found ? _inodes.Record<InodeItem>().Generation : 0;
        return found;
    }

    /// <summary>The name that lies first in the tree; an inode without any has lost its last link.</summary>
    public bool TryGetFirstName(ulong inode, out NameRef name)
    {
        _names.Seek(new Key(inode, ItemType.InodeRef, 0));
        if (_names.IsValid && _names.Key.ObjectId == inode && NameRefEnumerator.IsNameItem(_names.Key.Type))
        {
            NameRefEnumerator names = new(_names.Key, _names.Data);
            if (names.MoveNext())
            {
                name = names.Current;
                return true;
            }
        }

        name = default;
        return false;
    }

    /// <summary>Looks a name up in a directory.</summary>
    public bool TryLookup(ulong directory, ReadOnlySpan<byte> name, out DirEntry entry)
    {
        if (_entries.TryFind(new Key(directory, ItemType.DirItem, NameHash.OfName(name))))
            return DirEntryEnumerator.TryFind(_entries.Data, name, out entry);

        entry = default;
        return false;
    }

    /// <summary>Reads a directory entry by entry, in the order in which they were made, as the kernel lists them.</summary>
    /// <param name="directory">The directory's inode.</param>
    /// <param name="position">0 at first; then the index of the entry. It may be kept, and reading go on from it later.</param>
    /// <param name="entry">The next entry.</param>
    /// <returns>False at the end.</returns>
    public bool TryReadEntry(ulong directory, ref ulong position, out DirEntry entry)
    {
        entry = default;
        if (position == ulong.MaxValue)
            return false;

        // Indexes below the first belong to "." and "..", which have no items.
        ulong next = Math.Max(position + 1, FirstDirIndex);
        _entries.Seek(new Key(directory, ItemType.DirIndex, next));
        if (!_entries.IsValid || _entries.Key.ObjectId != directory || _entries.Key.Type != ItemType.DirIndex || _entries.Key.Offset < next)
            return false;

        DirEntryEnumerator entries = new(_entries.Data);
        position = _entries.Key.Offset;
        if (!entries.MoveNext())
            return false;
        entry = entries.Current;
        return true;
    }

    /// <summary>The extended attributes of an inode, by the hashes of their names.</summary>
    public IEnumerable<Xattr> EnumerateXattrs(ulong inode)
    {
        TreeCursor cursor = OpenCursor();
        cursor.Seek(new Key(inode, ItemType.XattrItem, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && cursor.Key.Type == ItemType.XattrItem; cursor.MoveNext())
        {
            foreach (Xattr xattr in XattrsOf(cursor.Data))
                yield return xattr;
        }
    }

    /// <summary>What is known of an inode.</summary>
    /// <exception cref="CorruptMetadataException">There is no such inode, though something leads to it.</exception>
    public FileStatus GetStatus(ulong inode) =>
        TryGetInode(inode, out InodeItem item) ? FileStatus.Of(Id, inode, item) : throw Corrupt(inode, "there is no such inode");

    /// <summary>Looks up an extended attribute.</summary>
    public bool TryGetXattr(ulong inode, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        if (_entries.TryFind(new Key(inode, ItemType.XattrItem, NameHash.OfName(name)))
            && DirEntryEnumerator.TryFind(_entries.Data, name, out DirEntry entry))
        {
            value = entry.Data;
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>The target of a symbolic link.</summary>
    /// <exception cref="CorruptMetadataException">It is not one plain inline extent, which every link is.</exception>
    public ReadOnlySpan<byte> ReadLink(ulong inode)
    {
        if (!_entries.TryFind(new Key(inode, ItemType.ExtentData, 0)))
            throw Corrupt(inode, "a symbolic link has no target");

        FileExtent extent = FileExtent.At(_entries);
        if (extent.Type != FileExtentType.Inline)
            throw Corrupt(inode, "the target of a symbolic link is not inline");
        if (extent.Compression != CompressionType.None)
            throw Corrupt(inode, "the target of a symbolic link is compressed");
        return extent.InlinePayload;
    }

    private static List<Xattr> XattrsOf(ReadOnlySpan<byte> item)
    {
        List<Xattr> xattrs = [];
        foreach (DirEntry entry in new DirEntryEnumerator(item))
            xattrs.Add(new Xattr(entry));
        return xattrs;
    }

    private CorruptMetadataException Corrupt(ulong inode, string what) =>
        new($"corrupt metadata: root={Id} inode={inode}, {what}");
}
