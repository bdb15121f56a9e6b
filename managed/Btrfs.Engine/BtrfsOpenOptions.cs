using Btrfs.Delalloc;
using Btrfs.Inode.Changes;
using Microsoft.Extensions.Logging;

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

    /// <summary>
    /// Show what was fsynced after the last commit, before a power cut: the log tree is replayed, for reading in memory only. Where it can't be, a notice says why.
    /// A file system that the kernel has mounted is read as of its last commit in any case. For writing the log is always replayed.
    /// </summary>
    public bool ReplayLog { get; set; } = true;

    /// <summary>When all changes take place, for images that are to come out the same each time; null for the host's clock.</summary>
    public DateTimeOffset? Time { get; set; }

    /// <summary>How file data is stored where neither its writer nor the inode says: what a mount has as <c>compress</c>.</summary>
    public WriteOptions Writing { get; set; } = WriteOptions.Default;

    /// <summary>How much of what is written to files stays in memory, and for how long.</summary>
    public DelallocOptions Delalloc { get; set; } = new();

    /// <summary>Told of commits and sends (debug), of failures (error) and of what a person should know of the opening (warning).</summary>
    public ILogger? Logger { get; set; }

    /// <summary>Read past the host's page cache. A mounted block device is always read so.</summary>
    public bool Direct { get; set; }
}
