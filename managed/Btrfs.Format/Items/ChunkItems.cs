using System.Numerics;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>What a block group or chunk holds, and how it is spread over devices. No profile bit means single.</summary>
[Flags]
public enum BlockGroupFlags : ulong
{
    None = 0,
    Data = 1 << 0,
    System = 1 << 1,
    Metadata = 1 << 2,
    Raid0 = 1 << 3,
    Raid1 = 1 << 4,
    Dup = 1 << 5,
    Raid10 = 1 << 6,
    Raid5 = 1 << 7,
    Raid6 = 1 << 8,
    Raid1C3 = 1 << 9,
    Raid1C4 = 1 << 10,

    TypeMask = Data | System | Metadata,
    Raid56Mask = Raid5 | Raid6,
    Raid1Mask = Raid1 | Raid1C3 | Raid1C4,
    ProfileMask = Raid0 | Raid1Mask | Dup | Raid10 | Raid56Mask,
}

/// <summary>The head of a chunk; its stripes follow. Key: (FirstChunkTree, ChunkItem, logical start). 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct ChunkItem
{
    public readonly Le64 Length;
    public readonly Le64 Owner;
    public readonly Le64 StripeLength;
    private readonly Le64 _type;
    public readonly Le32 IoAlign;
    public readonly Le32 IoWidth;
    public readonly Le32 SectorSize;
    public readonly Le16 StripeCount;
    public readonly Le16 SubStripes;

    public const int Size = 48;

    public BlockGroupFlags Type => (BlockGroupFlags)_type.Value;

    /// <summary>The type of the chunk's profile: at most one bit may be set, which the checks see to.</summary>
    public static bool IsSingleProfile(BlockGroupFlags type) => BitOperations.PopCount((ulong)(type & BlockGroupFlags.ProfileMask)) <= 1;
}

/// <summary>One device's share of a chunk. 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct StripeItem
{
    public readonly Le64 DeviceId;
    public readonly Le64 Offset;
    public readonly Uuid DeviceUuid;

    public const int Size = 32;
}

/// <summary>Key in the chunk tree: (DevItems, DevItem, device id). Also embedded in the superblock. 98 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct DevItem
{
    public readonly Le64 DeviceId;
    public readonly Le64 TotalBytes;
    public readonly Le64 BytesUsed;
    public readonly Le32 IoAlign;
    public readonly Le32 IoWidth;
    public readonly Le32 SectorSize;
    public readonly Le64 Type;
    public readonly Le64 Generation;
    public readonly Le64 StartOffset;
    public readonly Le32 DevGroup;
    public readonly byte SeekSpeed;
    public readonly byte Bandwidth;
    public readonly Uuid Uuid;

    /// <summary>The file system's metadata UUID.</summary>
    public readonly Uuid Fsid;

    public const int Size = 98;
}

/// <summary>Key in the device tree: (device id, DevExtent, physical offset). 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct DevExtent
{
    public readonly Le64 ChunkTree;
    public readonly Le64 ChunkObjectId;
    public readonly Le64 ChunkOffset;
    public readonly Le64 Length;
    public readonly Uuid ChunkTreeUuid;

    public const int Size = 48;
}
