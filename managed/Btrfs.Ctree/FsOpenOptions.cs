namespace Btrfs.Ctree;

/// <summary>How a file system is opened.</summary>
public sealed record FsOpenOptions
{
    /// <summary>Upper limit of the tree blocks kept in memory, in bytes.</summary>
    public long BlockCacheBytes { get; init; } = 64L << 20;
}
