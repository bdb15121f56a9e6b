using System.Runtime.InteropServices;

namespace Btrfs.Format;

[Flags]
public enum ExtentFlags : ulong
{
    Data = 1UL << 0,
    TreeBlock = 1UL << 1,
    FullBackref = 1UL << 8,
}

/// <summary>
/// The allocation of an extent and how often it is used; inline references follow. Keys: (bytenr, ExtentItem, length in bytes),
/// and for tree blocks of skinny-metadata file systems (bytenr, MetadataItem, level). 24 bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct ExtentItem
{
    public readonly Le64 Refs;
    public readonly Le64 Generation;
    private readonly Le64 _flags;

    public const int Size = 24;

    public ExtentFlags Flags => (ExtentFlags)_flags.Value;
}

/// <summary>Stands between the extent item and its references for a tree block under an ExtentItem key. 18 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct TreeBlockInfo
{
    public readonly DiskKey Key;
    public readonly byte Level;

    public const int Size = 18;
}

/// <summary>
/// The head of an inline reference. For TreeBlockRef the offset is the root, for shared ones the parent block;
/// for ExtentDataRef the offset's place is taken by an <see cref="ExtentDataRef"/>. 9 bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct ExtentInlineRef
{
    public readonly ItemType Type;
    public readonly Le64 Offset;

    public const int Size = 9;
}

/// <summary>A file's use of an extent: root, inode, and file offset less the offset into the extent. 28 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct ExtentDataRef
{
    public readonly Le64 Root;
    public readonly Le64 ObjectId;
    public readonly Le64 Offset;
    public readonly Le32 Count;

    public const int Size = 28;
}

/// <summary>Uses of an extent through one leaf, which the key's (or the inline reference's) offset names. 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct SharedDataRef
{
    public readonly Le32 Count;

    public const int Size = 4;
}

/// <summary>Key: (start, BlockGroupItem, length in bytes). 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct BlockGroupItem
{
    public readonly Le64 Used;
    public readonly Le64 ChunkObjectId;
    private readonly Le64 _flags;

    public const int Size = 24;

    public BlockGroupFlags Flags => (BlockGroupFlags)_flags.Value;
}

/// <summary>Key: (block group start, FreeSpaceInfo, length). 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct FreeSpaceInfo
{
    public readonly Le32 ExtentCount;
    public readonly Le32 Flags;

    public const int Size = 8;
    public const uint UsingBitmaps = 1;
}
