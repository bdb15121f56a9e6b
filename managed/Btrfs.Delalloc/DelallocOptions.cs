namespace Btrfs.Delalloc;

/// <summary>How much stays in memory, and for how long.</summary>
public sealed record DelallocOptions
{
    /// <summary>At most so many bytes of file data are in memory and not in the trees. Who would write more waits for writeback.</summary>
    public long MaxDirtyBytes { get; init; } = 256L << 20;

    /// <summary>From so many bytes on, writeback goes on beside the writers.</summary>
    public long BackgroundBytes { get; init; } = 64L << 20;

    /// <summary>Data that is older is written back without anybody's asking.</summary>
    public TimeSpan Expiry { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Threads that write back.</summary>
    public int Threads { get; init; } = 2;
}
