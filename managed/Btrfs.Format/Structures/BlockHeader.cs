using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>The first 101 bytes of every tree block. The checksum covers everything behind itself.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct BlockHeader
{
    private ChecksumField _csum;
    public Uuid Fsid;
    public Le64 Bytenr;
    public Le64 Flags;
    public Uuid ChunkTreeUuid;
    public Le64 Generation;
    public Le64 Owner;
    public Le32 ItemCount;
    public byte Level;

    public const int Size = 101;

    /// <summary>The header flag of a block that was written out: its number lives in the low bits.</summary>
    public const ulong FlagWritten = 1UL << 0;
    public const ulong FlagReloc = 1UL << 1;

    /// <summary>The revision of back references, in the top byte of the flags; 1 since 2009.</summary>
    public readonly int BackrefRevision => (int)(Flags.Value >> 56);
}

/// <summary>Room for the longest checksum; shorter ones leave zeros behind.</summary>
[System.Runtime.CompilerServices.InlineArray(FormatLimits.ChecksumFieldSize)]
public struct ChecksumField
{
    private byte _first;
}

/// <summary>Where a node points: 33 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct KeyPointer
{
    public DiskKey Key;
    public Le64 Bytenr;
    public Le64 Generation;

    public const int Size = 33;
}

/// <summary>The head of an item in a leaf: 25 bytes. The offset counts from the end of the block header.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct ItemHeader
{
    public DiskKey Key;
    public Le32 DataOffset;
    public Le32 DataSize;

    public const int Size = 25;
}
