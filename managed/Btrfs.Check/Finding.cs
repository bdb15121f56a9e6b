using Btrfs.Format;

namespace Btrfs.Check;

/// <summary>What kind of damage a finding tells of.</summary>
public enum FindingKind
{
    /// <summary>A tree block that no mirror has readable, or that contradicts the format by itself.</summary>
    CorruptBlock,

    /// <summary>Blocks that are in order by themselves and not among each other.</summary>
    KeyOrder,
    Superblock,
    SuperblockBytesUsed,
    SystemChunkArray,
    Chunk,
    Device,
    DeviceBytesUsed,
    MissingDevExtent,
    ExtraDevExtent,
    DevExtentOverlap,
    MissingBlockGroup,
    ExtraBlockGroup,
    BlockGroupUsed,

    /// <summary>Something is in use that the extent tree doesn't know as allocated.</summary>
    MissingExtent,

    /// <summary>An extent's count of references is not the sum of them.</summary>
    ExtentRefs,
    MissingBackref,
    ExtraBackref,
    ExtentOverlap,
    ExtentOutsideBlockGroup,

    /// <summary>An extent is not what the one who refers to it takes it for: kind, level, generation or length.</summary>
    ExtentMismatch,
    FreeSpace,
    MissingChecksum,
    UnexpectedChecksum,

    /// <summary>Checksums of what no data extent holds.</summary>
    OrphanChecksum,
    ChecksumOverlap,
    DataChecksum,
    MissingInode,
    LinkCount,
    DirectorySize,
    FileBytes,
    FileExtentOverlap,
    FileExtentGap,

    /// <summary>Items that an inode of this type can't have, or lacks.</summary>
    InodeType,
    MissingDirItem,
    MissingDirIndex,
    MissingInodeRef,
    DanglingEntry,
    EntryType,
    MissingOrphanItem,
    StaleOrphanItem,
    RootItem,
    RootRef,
    UuidTree,
    DefaultSubvolume,
    Qgroup,
}

/// <summary>One thing that is wrong.</summary>
/// <param name="Kind">What kind of damage it is.</param>
/// <param name="Tree">The tree that it was found in; 0 where it is in none.</param>
/// <param name="Key">The item that it is about: of an inode its inode item's key, of an extent its extent item's. Null for none.</param>
/// <param name="Message">One line, lower case, with the values.</param>
public sealed record Finding(FindingKind Kind, ulong Tree, Key? Key, string Message)
{
    public override string ToString() => Tree == 0 ? $"{Kind}: {Message}" : $"{Kind}: root {(long)Tree}: {Message}";
}
