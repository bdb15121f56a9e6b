using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>What is to change of an inode; null leaves a thing as it is.</summary>
public sealed record AttributeChange
{
    /// <summary>Permission bits, set-id and sticky bits included. An access control list follows them.</summary>
    public uint? Permissions { get; init; }

    public uint? Uid { get; init; }

    public uint? Gid { get; init; }

    public DiskTime? ATime { get; init; }

    public DiskTime? MTime { get; init; }

    /// <summary>Now where it is null.</summary>
    public DiskTime? CTime { get; init; }

    /// <summary>When the inode was made: nothing but a restore changes it.</summary>
    public DiskTime? OTime { get; init; }
}

/// <summary>What an xattr that is set must find.</summary>
public enum XattrMode
{
    /// <summary>Made or replaced.</summary>
    Set,

    /// <summary>It must not be there.</summary>
    Create,

    /// <summary>It must be there.</summary>
    Replace,
}
