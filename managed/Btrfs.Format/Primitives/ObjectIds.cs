namespace Btrfs.Format;

/// <summary>Object ids with a fixed meaning. Ids that the kernel writes as negative numbers stand here as unsigned.</summary>
public static class ObjectIds
{
    public const ulong RootTree = 1;
    public const ulong ExtentTree = 2;
    public const ulong ChunkTree = 3;
    public const ulong DevTree = 4;
    public const ulong FsTree = 5;
    public const ulong RootTreeDir = 6;
    public const ulong CsumTree = 7;
    public const ulong QuotaTree = 8;
    public const ulong UuidTree = 9;
    public const ulong FreeSpaceTree = 10;
    public const ulong BlockGroupTree = 11;
    public const ulong RaidStripeTree = 12;

    public const ulong DevStats = 0;
    public const ulong DevItems = 1;
    public const ulong FirstChunkTree = 256;
    public const ulong FirstFree = 256;
    public const ulong LastFree = unchecked((ulong)-256L);

    public const ulong Balance = unchecked((ulong)-4L);
    public const ulong Orphan = unchecked((ulong)-5L);
    public const ulong TreeLog = unchecked((ulong)-6L);
    public const ulong TreeLogFixup = unchecked((ulong)-7L);
    public const ulong TreeReloc = unchecked((ulong)-8L);
    public const ulong DataRelocTree = unchecked((ulong)-9L);
    public const ulong ExtentCsum = unchecked((ulong)-10L);
    public const ulong FreeSpace = unchecked((ulong)-11L);
    public const ulong FreeIno = unchecked((ulong)-12L);
    public const ulong CsumChange = unchecked((ulong)-13L);
    public const ulong Multiple = unchecked((ulong)-255L);

    /// <summary>The inode of the directory that stands where a subvolume was, in a snapshot of its parent.</summary>
    public const ulong EmptySubvolDir = 2;

    /// <summary>Whether <paramref name="rootId"/> names a tree of files: the top level, or a subvolume.</summary>
    public static bool IsFileTree(ulong rootId) => rootId == FsTree || (long)rootId >= (long)FirstFree;
}
