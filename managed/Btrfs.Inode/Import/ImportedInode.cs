using Btrfs.Format;

namespace Btrfs.Inode.Import;

/// <summary>An inode as it was elsewhere. Everything is taken over as it stands: nothing is masked, and no time becomes now.</summary>
public sealed record ImportedInode
{
    /// <summary>File type and permissions, as <see cref="InodeMode"/> numbers them.</summary>
    public required uint Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>Of a device node.</summary>
    public uint DeviceMajor { get; init; }

    /// <summary>Of a device node.</summary>
    public uint DeviceMinor { get; init; }

    /// <summary>Of a symbolic link: bytes without a null.</summary>
    public ReadOnlyMemory<byte> Target { get; init; }

    public DiskTime ATime { get; init; }

    public DiskTime MTime { get; init; }

    public DiskTime CTime { get; init; }

    /// <summary>When it was made.</summary>
    public DiskTime OTime { get; init; }

    /// <summary>Names with their class, and values: access control lists, capabilities and the compression property among them.</summary>
    public IReadOnlyList<(byte[] Name, byte[] Value)> Xattrs { get; init; } = [];
}
