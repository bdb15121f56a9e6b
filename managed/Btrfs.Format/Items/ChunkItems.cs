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
public struct ChunkItem
{
    public Le64 Length;
    public Le64 Owner;
    public Le64 StripeLength;
    private Le64 _type;
    public Le32 IoAlign;
    public Le32 IoWidth;
    public Le32 SectorSize;
    public Le16 StripeCount;
    public Le16 SubStripes;

    public const int Size = 48;

    public BlockGroupFlags Type
    {
        readonly get => (BlockGroupFlags)_type.Value;
        set => _type = (ulong)value;
    }

    /// <summary>The type of the chunk's profile: at most one bit may be set, which the checks see to.</summary>
    public static bool IsSingleProfile(BlockGroupFlags type) => BitOperations.PopCount((ulong)(type & BlockGroupFlags.ProfileMask)) <= 1;
}

/// <summary>One device's share of a chunk. 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct StripeItem
{
    public Le64 DeviceId;
    public Le64 Offset;
    public Uuid DeviceUuid;

    public const int Size = 32;
}

/// <summary>Key in the chunk tree: (DevItems, DevItem, device id). Also embedded in the superblock. 98 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct DevItem
{
    public Le64 DeviceId;
    public Le64 TotalBytes;
    public Le64 BytesUsed;
    public Le32 IoAlign;
    public Le32 IoWidth;
    public Le32 SectorSize;
    public Le64 Type;
    public Le64 Generation;
    public Le64 StartOffset;
    public Le32 DevGroup;
    public byte SeekSpeed;
    public byte Bandwidth;
    public Uuid Uuid;

    /// <summary>The file system's metadata UUID.</summary>
    public Uuid Fsid;

    public const int Size = 98;
}

/// <summary>Key in the device tree: (device id, DevExtent, physical offset). 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct DevExtent
{
    public Le64 ChunkTree;
    public Le64 ChunkObjectId;
    public Le64 ChunkOffset;
    public Le64 Length;
    public Uuid ChunkTreeUuid;

    public const int Size = 48;
}
