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
public struct ExtentItem
{
    public Le64 Refs;
    public Le64 Generation;
    private Le64 _flags;

    public const int Size = 24;

    public ExtentFlags Flags
    {
        readonly get => (ExtentFlags)_flags.Value;
        set => _flags = (ulong)value;
    }
}

/// <summary>Stands between the extent item and its references for a tree block under an ExtentItem key. 18 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct TreeBlockInfo
{
    public DiskKey Key;
    public byte Level;

    public const int Size = 18;
}

/// <summary>
/// The head of an inline reference. For TreeBlockRef the offset is the root, for shared ones the parent block;
/// for ExtentDataRef the offset's place is taken by an <see cref="ExtentDataRef"/>. 9 bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct ExtentInlineRef
{
    public ItemType Type;
    public Le64 Offset;

    public const int Size = 9;
}

/// <summary>A file's use of an extent: root, inode, and file offset less the offset into the extent. 28 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct ExtentDataRef
{
    public Le64 Root;
    public Le64 ObjectId;
    public Le64 Offset;
    public Le32 Count;

    public const int Size = 28;
}

/// <summary>Uses of an extent through one leaf, which the key's (or the inline reference's) offset names. 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct SharedDataRef
{
    public Le32 Count;

    public const int Size = 4;
}

/// <summary>Key: (start, BlockGroupItem, length in bytes). 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct BlockGroupItem
{
    public Le64 Used;
    public Le64 ChunkObjectId;
    private Le64 _flags;

    public const int Size = 24;

    public BlockGroupFlags Flags
    {
        readonly get => (BlockGroupFlags)_flags.Value;
        set => _flags = (ulong)value;
    }
}

/// <summary>Key: (block group start, FreeSpaceInfo, length). 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FreeSpaceInfo
{
    public Le32 ExtentCount;
    public Le32 Flags;

    public const int Size = 8;
    public const uint UsingBitmaps = 1;
}
