namespace Btrfs.Stream.Replay;

/// <summary>A subvolume as a chain of streams makes it, without its data. Inodes have numbers of their own here, which snapshots share with what they were made from.</summary>
public sealed class ReplayedSubvolume
{
    /// <summary>The number of the top directory.</summary>
    public const int Top = 0;

    private readonly byte[] _name;
    private readonly List<ReplayedInode?> _inodes;

    internal ReplayedSubvolume(ReadOnlySpan<byte> name, Guid uuid, ulong ctransid, ReplayedSubvolume? parent)
    {
        _name = name.ToArray();
        Uuid = uuid;
        Ctransid = ctransid;
        Parent = parent;
        _inodes = parent is null ? [new ReplayedInode(this, ReplayedInode.Directory | 0x1ED) { LinkCount = 1 }] : [.. parent._inodes];
    }

    /// <summary>Its name: raw bytes.</summary>
    public ReadOnlySpan<byte> Name => _name;

    /// <summary>Its UUID, as its stream names it.</summary>
    public Guid Uuid { get; }

    /// <summary>Its ctransid, as its stream names it.</summary>
    public ulong Ctransid { get; }

    /// <summary>What it was made from; null where its stream is a full one.</summary>
    public ReplayedSubvolume? Parent { get; }

    /// <summary>One past the largest number of an inode.</summary>
    public int InodeLimit => _inodes.Count;

    /// <summary>An inode by number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public ReplayedInode GetInode(int number) =>
        (uint)number < (uint)_inodes.Count && _inodes[number] is { } inode ? inode : throw new ArgumentOutOfRangeException(nameof(number), number, "there is no such inode");

    /// <summary>The entries of a directory, in no particular order: names and numbers of inodes.</summary>
    public IEnumerable<KeyValuePair<byte[], int>> EnumerateEntries(int directory) => GetInode(directory).Entries ?? [];

    /// <summary>How many entries a directory has.</summary>
    public int CountEntries(int directory) => GetInode(directory).Entries?.Count ?? 0;

    /// <summary>Looks a name up in a directory.</summary>
    public bool TryLookup(int directory, ReadOnlySpan<byte> name, out int number)
    {
        number = Top;
        return GetInode(directory).Entries is { } entries && entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out number);
    }

    /// <summary>Follows a path from the top. Slashes in front, behind or doubled make no difference; symbolic links are not followed, and nothing leads up.</summary>
    public bool TryFind(ReadOnlySpan<byte> path, out int number)
    {
        number = Top;
        foreach (Range range in path.Split((byte)'/'))
        {
            if (!path[range].IsEmpty && !TryLookup(number, path[range], out number))
                return false;
        }

        return true;
    }

    /// <summary>About how much memory another snapshot of it takes at once.</summary>
    internal long SnapshotBytes => 8L * _inodes.Count;

    /// <summary>An inode to be changed: a copy, where it is shared.</summary>
    internal ReplayedInode Change(int number, ref long memory)
    {
        ReplayedInode inode = _inodes[number]!;
        if (inode.Owner == this)
            return inode;

        memory += inode.CopyBytes;
        inode = inode.CopyFor(this);
        _inodes[number] = inode;
        return inode;
    }

    internal int Add(ReplayedInode inode)
    {
        _inodes.Add(inode);
        return _inodes.Count - 1;
    }

    internal void Remove(int number) => _inodes[number] = null;

    /// <summary>Whether this is the subvolume that a stream means.</summary>
    internal bool Is(Guid uuid, ulong ctransid) => Uuid == uuid && Ctransid == ctransid;
}
