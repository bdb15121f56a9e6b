using Btrfs.Check.Extents;
using Btrfs.Format;

namespace Btrfs.Check.Files;

/// <summary>
/// The names of a tree as sums of hashes. A name stands in three places: by hash in its directory, by index there, and with its inode. Two sums that are equal
/// have the same names behind them, so that no name has to be kept or looked up; where they differ, <see cref="NameAudit"/> looks which.
/// </summary>
internal struct NameSums
{
    private ulong _dirItems;
    private ulong _dirIndexes;
    private ulong _indexedInodes;
    private ulong _inodeNames;
    private ulong _entryTypes;
    private ulong _inodeTypes;
    private ulong _orphanItems;
    private ulong _orphanInodes;

    /// <summary>Whether entries by hash and by index, and inodes' names, are the same.</summary>
    public readonly bool NamesAgree => _dirItems == _dirIndexes && _indexedInodes == _inodeNames;

    public readonly bool TypesAgree => _entryTypes == _inodeTypes;

    public readonly bool OrphansAgree => _orphanItems == _orphanInodes;

    public void AddDirItem(ulong entry) => _dirItems += entry;

    public void AddDirIndex(ulong entry) => _dirIndexes += entry;

    public void AddIndexedInode(ulong name, ulong inode, DirEntryType type)
    {
        _indexedInodes += name;
        _entryTypes += HashOfType(inode, type);
    }

    public void AddInodeName(ulong name) => _inodeNames += name;

    public void AddInode(ulong inode, DirEntryType type, uint names) => _inodeTypes += HashOfType(inode, type) * names;

    public void AddOrphanItem(ulong inode) => _orphanItems += ReferenceHash.Mix(inode);

    public void AddOrphanInode(ulong inode) => _orphanInodes += ReferenceHash.Mix(inode);

    public void Add(in NameSums other)
    {
        _dirItems += other._dirItems;
        _dirIndexes += other._dirIndexes;
        _indexedInodes += other._indexedInodes;
        _inodeNames += other._inodeNames;
        _entryTypes += other._entryTypes;
        _inodeTypes += other._inodeTypes;
        _orphanItems += other._orphanItems;
        _orphanInodes += other._orphanInodes;
    }

    /// <summary>An entry as both of its items in the directory have it.</summary>
    public static ulong HashOfEntry(ulong directory, uint nameHash, int nameLength, Key location, DirEntryType type)
    {
        ulong place = ReferenceHash.Mix(ReferenceHash.Mix(directory) ^ ((ulong)nameHash << 32 | (uint)nameLength << 16 | (uint)location.Type << 8 | (uint)type));
        return ReferenceHash.Mix(place ^ location.ObjectId);
    }

    /// <summary>A name as its index in the directory and its inode have it.</summary>
    public static ulong HashOfName(ulong directory, ulong index, uint nameHash, int nameLength, ulong inode)
    {
        ulong place = ReferenceHash.Mix(ReferenceHash.Mix(~directory) ^ ((ulong)nameHash << 32 | (uint)nameLength));
        return ReferenceHash.Mix(ReferenceHash.Mix(place ^ index) ^ inode);
    }

    /// <summary>The type that a directory entry of an inode must have.</summary>
    public static DirEntryType TypeOf(uint mode) => (mode & InodeMode.TypeMask) switch
    {
        InodeMode.Regular => DirEntryType.RegularFile,
        InodeMode.Directory => DirEntryType.Directory,
        InodeMode.CharacterDevice => DirEntryType.CharacterDevice,
        InodeMode.BlockDevice => DirEntryType.BlockDevice,
        InodeMode.Fifo => DirEntryType.Fifo,
        InodeMode.Socket => DirEntryType.Socket,
        InodeMode.SymbolicLink => DirEntryType.SymbolicLink,
        _ => DirEntryType.Unknown,
    };

    private static ulong HashOfType(ulong inode, DirEntryType type) => ReferenceHash.Mix(ReferenceHash.Mix(inode) + (ulong)type);
}
