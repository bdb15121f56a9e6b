using Btrfs.Format;

namespace Btrfs.Inode;

/// <summary>What stat tells of an inode, and what btrfs keeps besides.</summary>
public sealed record FileStatus
{
    private const uint ReadableDirectory = InodeMode.Directory | 0x1ED;
    private const int MinorBits = 20;

    /// <summary>The subvolume that the inode belongs to: its device number, as it were.</summary>
    public required ulong SubvolumeId { get; init; }

    /// <summary>The number of the inode, unique in its subvolume.</summary>
    public required ulong Inode { get; init; }

    /// <summary>The transaction that made the inode; tells apart two that had the same number.</summary>
    public ulong Generation { get; init; }

    /// <summary>The transaction that last changed it.</summary>
    public ulong TransId { get; init; }

    /// <summary>File type and permissions, as <see cref="InodeMode"/> numbers them.</summary>
    public uint Mode { get; init; }

    public uint LinkCount { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>Bytes of a file's content or a link's target; for a directory twice the sum of its name lengths.</summary>
    public ulong Size { get; init; }

    /// <summary>Bytes that the content takes up, before any sharing: holes don't count, preallocated space does.</summary>
    public ulong AllocatedBytes { get; init; }

    /// <summary>Of a device node.</summary>
    public uint DeviceMajor { get; init; }

    /// <summary>Of a device node.</summary>
    public uint DeviceMinor { get; init; }

    public InodeFlags Flags { get; init; }

    public DiskTime ATime { get; init; }

    public DiskTime MTime { get; init; }

    public DiskTime CTime { get; init; }

    /// <summary>When it was made.</summary>
    public DiskTime OTime { get; init; }

    public bool IsDirectory => InodeMode.IsDirectory(Mode);

    public bool IsRegular => InodeMode.IsRegular(Mode);

    public bool IsSymbolicLink => InodeMode.IsSymbolicLink(Mode);

    public bool IsDeviceNode => (Mode & InodeMode.TypeMask) is InodeMode.CharacterDevice or InodeMode.BlockDevice;

    internal static FileStatus Of(ulong subvolumeId, ulong inode, in InodeItem item) => new()
    {
        SubvolumeId = subvolumeId,
        Inode = inode,
        Generation = item.Generation,
        TransId = item.TransId,
        Mode = item.Mode,
        LinkCount = item.NLink,
        Uid = item.Uid,
        Gid = item.Gid,
        Size = item.FileSize,
        AllocatedBytes = item.NBytes,
        DeviceMajor = (uint)(item.RDev.Value >> MinorBits),
        DeviceMinor = (uint)item.RDev.Value & ((1u << MinorBits) - 1),
        Flags = (InodeFlags)item.Flags.Value,
        ATime = item.ATime,
        MTime = item.MTime,
        CTime = item.CTime,
        OTime = item.OTime,
    };

    /// <summary>
    /// The directory that stands for a subvolume that is not there. It has no inode of its own: the kernel makes one up that belongs to the owner
    /// of the directory above, with the present time; here it has that directory's times, so that two looks agree.
    /// </summary>
    internal static FileStatus OfEmptySubvolumeDirectory(FileStatus above) => new()
    {
        SubvolumeId = above.SubvolumeId,
        Inode = ObjectIds.EmptySubvolDir,
        Mode = ReadableDirectory,
        LinkCount = 1,
        Uid = above.Uid,
        Gid = above.Gid,
        ATime = above.ATime,
        MTime = above.MTime,
        CTime = above.CTime,
        OTime = above.OTime,
    };
}
