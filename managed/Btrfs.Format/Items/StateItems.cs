using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>What a running balance was asked for. Key in the root tree: (Balance, TemporaryItem, 0). 448 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct BalanceItem
{
    public Le64 Flags;
    public BalanceArgs Data;
    public BalanceArgs Metadata;
    public BalanceArgs System;
    private Reserved32 _unused;

    public const int Size = 448;
}

/// <summary>Which chunks of one type a balance takes, and what it makes of them. 136 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct BalanceArgs
{
    public Le64 Profiles;

    /// <summary>Percent. Before ranges came, the two halves were one number, which was then the maximum.</summary>
    public Le32 UsageMin;
    public Le32 UsageMax;
    public Le64 DeviceId;
    public Le64 PhysicalStart;
    public Le64 PhysicalEnd;
    public Le64 LogicalStart;
    public Le64 LogicalEnd;
    public Le64 TargetProfile;
    public Le64 Flags;

    /// <summary>Chunks.</summary>
    public Le32 LimitMin;
    public Le32 LimitMax;
    public Le32 StripesMin;
    public Le32 StripesMax;
    private Reserved48 _unused;

    public const int Size = 136;
}

[System.Runtime.CompilerServices.InlineArray(48)]
public struct Reserved48
{
    private byte _first;
}

/// <summary>The free-space cache of a block group, version 1. Key in the root tree: (FreeSpace, 0, block group start). 41 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FreeSpaceHeader
{
    /// <summary>The inode that holds the cache.</summary>
    public DiskKey Location;
    public Le64 Generation;
    public Le64 EntryCount;
    public Le64 BitmapCount;

    public const int Size = 41;
}
