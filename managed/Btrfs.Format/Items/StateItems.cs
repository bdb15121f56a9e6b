using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>What a running balance was asked for. Key in the root tree: (Balance, TemporaryItem, 0). 448 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct BalanceItem
{
    public readonly Le64 Flags;
    public readonly BalanceArgs Data;
    public readonly BalanceArgs Metadata;
    public readonly BalanceArgs System;
    private readonly Reserved32 _unused;

    public const int Size = 448;
}

/// <summary>Which chunks of one type a balance takes, and what it makes of them. 136 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct BalanceArgs
{
    public readonly Le64 Profiles;

    /// <summary>Percent. Before ranges came, the two halves were one number, which was then the maximum.</summary>
    public readonly Le32 UsageMin;
    public readonly Le32 UsageMax;
    public readonly Le64 DeviceId;
    public readonly Le64 PhysicalStart;
    public readonly Le64 PhysicalEnd;
    public readonly Le64 LogicalStart;
    public readonly Le64 LogicalEnd;
    public readonly Le64 TargetProfile;
    public readonly Le64 Flags;

    /// <summary>Chunks.</summary>
    public readonly Le32 LimitMin;
    public readonly Le32 LimitMax;
    public readonly Le32 StripesMin;
    public readonly Le32 StripesMax;
    private readonly Reserved48 _unused;

    public const int Size = 136;
}

[System.Runtime.CompilerServices.InlineArray(48)]
public struct Reserved48
{
    private byte _first;
}

/// <summary>The free-space cache of a block group, version 1. Key in the root tree: (FreeSpace, 0, block group start). 41 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct FreeSpaceHeader
{
    /// <summary>The inode that holds the cache.</summary>
    public readonly DiskKey Location;
    public readonly Le64 Generation;
    public readonly Le64 EntryCount;
    public readonly Le64 BitmapCount;

    public const int Size = 41;
}
