namespace Btrfs.Stream.Replay;

/// <summary>
/// A file, directory, link or node as the streams make it. It belongs to one subvolume and may be shown by snapshots of it: a snapshot that changes it takes a copy.
/// </summary>
public sealed class ReplayedInode
{
    internal const uint TypeMask = 0xF000;
    internal const uint Directory = 0x4000;
    internal const uint Regular = 0x8000;
    internal const uint SymbolicLink = 0xA000;

    internal ReplayedInode(ReplayedSubvolume owner, uint mode)
    {
        Owner = owner;
        Mode = mode;
        if (IsDirectory)
            Entries = new Dictionary<byte[], int>(NameComparer.Instance);
    }

    /// <summary>Kind of file and permissions, as stat() has them.</summary>
    public uint Mode { get; internal set; }

    /// <summary>The owner.</summary>
    public uint Uid { get; internal set; }

    /// <summary>The group.</summary>
    public uint Gid { get; internal set; }

    /// <summary>Device number of a node, as stat() has it.</summary>
    public ulong Rdev { get; internal init; }

    /// <summary>How many names it has; of a directory always 1.</summary>
    public int LinkCount { get; internal set; }

    /// <summary>Bytes of a regular file.</summary>
    public long Size { get; internal set; }

    /// <summary>Last access.</summary>
    public StreamTime Atime { get; internal set; }

    /// <summary>Last change of the content.</summary>
    public StreamTime Mtime { get; internal set; }

    /// <summary>Last change at the sender, which a receiver can't set.</summary>
    public StreamTime Ctime { get; internal set; }

    /// <summary>Whether fs-verity was enabled.</summary>
    public bool HasVerity { get; internal set; }

    /// <summary>Target of a symbolic link.</summary>
    public ReadOnlyMemory<byte> LinkTarget { get; internal init; }

    /// <summary>Extended attributes: names and values.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Xattrs => XattrTable ?? [];

    /// <summary>How many extended attributes there are.</summary>
    public int XattrCount => XattrTable?.Count ?? 0;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => (Mode & TypeMask) == Directory;

    /// <summary>Whether it is a regular file.</summary>
    public bool IsRegular => (Mode & TypeMask) == Regular;

    /// <summary>Whether it is a symbolic link.</summary>
    public bool IsSymbolicLink => (Mode & TypeMask) == SymbolicLink;

    /// <summary>Looks up an extended attribute.</summary>
    public bool TryGetXattr(ReadOnlySpan<byte> name, out ReadOnlyMemory<byte> value)
    {
        byte[]? found = null;
        bool has = XattrTable is not null && XattrTable.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out found);
        value = found;
        return has;
    }

    internal ReplayedSubvolume Owner { get; private init; }

    /// <summary>Names to numbers of inodes; null but of a directory.</summary>
    internal Dictionary<byte[], int>? Entries { get; private init; }

    internal Dictionary<byte[], byte[]>? XattrTable { get; set; }

    internal ExtentList? Extents { get; set; }

    internal ReplayedInode CopyFor(ReplayedSubvolume owner) => new(owner, Mode & ~TypeMask)
    {
        Mode = Mode,
        Uid = Uid,
        Gid = Gid,
        Rdev = Rdev,
        LinkCount = LinkCount,
        Size = Size,
        Atime = Atime,
        Mtime = Mtime,
        Ctime = Ctime,
        HasVerity = HasVerity,
        LinkTarget = LinkTarget,
        Entries = Entries is null ? null : new Dictionary<byte[], int>(Entries, NameComparer.Instance),
        XattrTable = XattrTable is null ? null : new Dictionary<byte[], byte[]>(XattrTable, NameComparer.Instance),
        Extents = Extents?.Clone(),
    };

    /// <summary>About how much memory a copy takes.</summary>
    internal long CopyBytes => 200 + (40L * (Entries?.Count ?? 0)) + (48L * XattrCount) + (32L * (Extents?.Count ?? 0));
}
