using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>Key in the quota tree: (0, QgroupStatus, 0). 32 bytes, and 8 more where simple quotas are on.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct QgroupStatusItem
{
    public Le64 Version;
    public Le64 Generation;
    public Le64 Flags;
    public Le64 Rescan;

    public const int Size = 32;
}

/// <summary>Key in the quota tree: (0, QgroupInfo, qgroup id). 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct QgroupInfoItem
{
    public Le64 Generation;
    public Le64 Referenced;
    public Le64 ReferencedCompressed;
    public Le64 Exclusive;
    public Le64 ExclusiveCompressed;

    public const int Size = 40;
}

/// <summary>Key in the quota tree: (0, QgroupLimit, qgroup id). 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct QgroupLimitItem
{
    public Le64 Flags;
    public Le64 MaxReferenced;
    public Le64 MaxExclusive;
    public Le64 ReservedReferenced;
    public Le64 ReservedExclusive;

    public const int Size = 40;
}
