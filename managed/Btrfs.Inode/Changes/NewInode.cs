using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>What a new inode begins with.</summary>
public sealed record NewInode
{
    private const int MinorBits = 20;

    /// <summary>File type and permissions, as <see cref="InodeMode"/> numbers them. Permissions of a symbolic link are always 0777.</summary>
    public required uint Mode { get; init; }

    public uint Uid { get; init; }

    /// <summary>Overruled by a directory with the set-group-id bit.</summary>
    public uint Gid { get; init; }

    /// <summary>Of a device node.</summary>
    public uint DeviceMajor { get; init; }

    /// <summary>Of a device node.</summary>
    public uint DeviceMinor { get; init; }

    /// <summary>Of a symbolic link: bytes without a null.</summary>
    public ReadOnlyMemory<byte> Target { get; init; }

    /// <summary>For all four times; now where it is null.</summary>
    public DiskTime? Time { get; init; }

    internal ulong RDev => ((ulong)DeviceMajor << MinorBits) | DeviceMinor;

    internal bool IsDeviceNode => (Mode & InodeMode.TypeMask) is InodeMode.CharacterDevice or InodeMode.BlockDevice;

    internal static NewInode Directory(uint permissions) => new() { Mode = InodeMode.Directory | permissions };
}
