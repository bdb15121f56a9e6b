using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>How file data is stored.</summary>
public sealed record WriteOptions
{
    /// <summary>As the inode says: its property, else its flags.</summary>
    public static WriteOptions Default { get; } = new();

    /// <summary>For inodes that say nothing themselves; null for plain. What is marked not to be compressed, or not to be checksummed, is not.</summary>
    public CompressionType? Compression { get; init; }

    /// <summary>Of zlib and zstd; 0 for the kernel's default.</summary>
    public int Level { get; init; }

    /// <summary>Bytes that are still to come, as far as they are known: large extents are allocated in one piece.</summary>
    public ulong ExpectedBytes { get; init; }
}
