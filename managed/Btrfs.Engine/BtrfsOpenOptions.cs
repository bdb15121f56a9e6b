namespace Btrfs.Engine;

/// <summary>How a file system is opened.</summary>
public sealed record BtrfsOpenOptions
{
    /// <summary>Upper limit of the tree blocks kept in memory, in bytes.</summary>
    public long BlockCacheBytes { get; set; } = 64L << 20;

    /// <summary>Open although devices are missing; what they alone held then fails where it is read.</summary>
    public bool AllowMissingDevices { get; set; } = true;

    /// <summary>
    /// Open for changes. The devices are locked against a second writer, and refused where the kernel has them mounted. What the last writer left half
    /// deleted is deleted.
    /// </summary>
    public bool Writable { get; set; }

    /// <summary>Read past the host's page cache. A mounted block device is always read so.</summary>
    public bool Direct { get; set; }
}
