using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>Key in the quota tree: (0, QgroupStatus, 0). 32 bytes, and 8 more where simple quotas are on.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct QgroupStatusItem
{
    public readonly Le64 Version;
    public readonly Le64 Generation;
    public readonly Le64 Flags;
    public readonly Le64 Rescan;

    public const int Size = 32;
}

/// <summary>Key in the quota tree: (0, QgroupInfo, qgroup id). 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct QgroupInfoItem
{
    public readonly Le64 Generation;
    public readonly Le64 Referenced;
    public readonly Le64 ReferencedCompressed;
    public readonly Le64 Exclusive;
    public readonly Le64 ExclusiveCompressed;

    public const int Size = 40;
}

/// <summary>Key in the quota tree: (0, QgroupLimit, qgroup id). 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct QgroupLimitItem
{
    public readonly Le64 Flags;
    public readonly Le64 MaxReferenced;
    public readonly Le64 MaxExclusive;
    public readonly Le64 ReservedReferenced;
    public readonly Le64 ReservedExclusive;

    public const int Size = 40;
}
