using System.Buffers.Binary;

namespace Btrfs.Sequences.Actors;

/// <summary>What statx tells of an inode.</summary>
internal readonly struct InodeStat(ReadOnlySpan<byte> statx)
{
    /// <summary>Bytes of struct statx.</summary>
    public const int StatxSize = 256;

    public uint LinkCount { get; } = BinaryPrimitives.ReadUInt32LittleEndian(statx[16..]);

    public uint Uid { get; } = BinaryPrimitives.ReadUInt32LittleEndian(statx[20..]);

    public uint Gid { get; } = BinaryPrimitives.ReadUInt32LittleEndian(statx[24..]);

    public uint Mode { get; } = BinaryPrimitives.ReadUInt16LittleEndian(statx[28..]);

    public ulong Inode { get; } = BinaryPrimitives.ReadUInt64LittleEndian(statx[32..]);

    public ulong Size { get; } = BinaryPrimitives.ReadUInt64LittleEndian(statx[40..]);

    public long AccessSeconds { get; } = BinaryPrimitives.ReadInt64LittleEndian(statx[64..]);

    public uint AccessNanoseconds { get; } = BinaryPrimitives.ReadUInt32LittleEndian(statx[72..]);

    public long ChangeSeconds { get; } = BinaryPrimitives.ReadInt64LittleEndian(statx[112..]);

    public uint ChangeNanoseconds { get; } = BinaryPrimitives.ReadUInt32LittleEndian(statx[120..]);

    public uint RealMajor { get; } = BinaryPrimitives.ReadUInt32LittleEndian(statx[128..]);

    public uint RealMinor { get; } = BinaryPrimitives.ReadUInt32LittleEndian(statx[132..]);

    /// <summary>The anonymous device of the subvolume: tells subvolumes apart.</summary>
    public ulong Device { get; } = BinaryPrimitives.ReadUInt64LittleEndian(statx[136..]);
}
