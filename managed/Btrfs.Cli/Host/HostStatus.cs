using System.Buffers.Binary;
using Btrfs.Format;

namespace Btrfs.Cli.Host;

/// <summary>What the host tells of an inode, symbolic links not followed.</summary>
internal sealed record HostStatus
{
    /// <summary>All that stat() tells, and the time of birth.</summary>
    public const uint Mask = 0xFFF;

    private const ulong BlockSize = 512;

    // Members of struct statx.
    private const int LinksOffset = 16;
    private const int UidOffset = 20;
    private const int GidOffset = 24;
    private const int ModeOffset = 28;
    private const int InodeOffset = 32;
    private const int SizeOffset = 40;
    private const int BlocksOffset = 48;
    private const int ATimeOffset = 64;
    private const int BirthOffset = 80;
    private const int CTimeOffset = 96;
    private const int MTimeOffset = 112;
    private const int NodeOffset = 128;
    private const int DeviceOffset = 136;
    private const int NanosecondsOffset = 8;

    public uint Mode { get; private init; }

    public uint Links { get; private init; }

    public uint Uid { get; private init; }

    public uint Gid { get; private init; }

    public ulong Size { get; private init; }

    /// <summary>Whether the host stores less of it than its size: there may be holes.</summary>
    public bool MayHaveHoles { get; private init; }

    /// <summary>Tells inodes apart on this host.</summary>
    public (ulong Device, ulong Inode) Identity { get; private init; }

    /// <summary>Of a device node.</summary>
    public (uint Major, uint Minor) Node { get; private init; }

    public DiskTime ATime { get; private init; }

    public DiskTime MTime { get; private init; }

    public DiskTime CTime { get; private init; }

    /// <summary>When it was made; of change where the host doesn't know.</summary>
    public DiskTime OTime { get; private init; }

    public bool IsDirectory => InodeMode.IsDirectory(Mode);

    public static HostStatus Of(ReadOnlySpan<byte> statx)
    {
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(statx[SizeOffset..]);
        DiskTime birth = TimeAt(statx, BirthOffset);
        return new HostStatus
        {
            Mode = BinaryPrimitives.ReadUInt16LittleEndian(statx[ModeOffset..]),
            Links = BinaryPrimitives.ReadUInt32LittleEndian(statx[LinksOffset..]),
            Uid = BinaryPrimitives.ReadUInt32LittleEndian(statx[UidOffset..]),
            Gid = BinaryPrimitives.ReadUInt32LittleEndian(statx[GidOffset..]),
            Size = size,
            MayHaveHoles = BinaryPrimitives.ReadUInt64LittleEndian(statx[BlocksOffset..]) * BlockSize < size,
            Identity = (BinaryPrimitives.ReadUInt64LittleEndian(statx[DeviceOffset..]), BinaryPrimitives.ReadUInt64LittleEndian(statx[InodeOffset..])),
            Node = (BinaryPrimitives.ReadUInt32LittleEndian(statx[NodeOffset..]), BinaryPrimitives.ReadUInt32LittleEndian(statx[(NodeOffset + sizeof(uint))..])),
            ATime = TimeAt(statx, ATimeOffset),
            MTime = TimeAt(statx, MTimeOffset),
            CTime = TimeAt(statx, CTimeOffset),
            OTime = birth.Seconds == 0 ? TimeAt(statx, CTimeOffset) : birth,
        };
    }

    private static DiskTime TimeAt(ReadOnlySpan<byte> statx, int offset) => new(
        BinaryPrimitives.ReadInt64LittleEndian(statx[offset..]),
        BinaryPrimitives.ReadUInt32LittleEndian(statx[(offset + NanosecondsOffset)..]));
}
