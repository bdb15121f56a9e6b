namespace Btrfs.Delalloc;

/// <summary>
/// Lets a test, or a tool, hold the writeback that starts by itself (by size, by age), and see when any begins and ends. What is asked for (a flush, an
/// fsync, a commit, a writer over the limit of memory) is written also while it is held.
/// </summary>
public sealed class WritebackControl
{
    private int _holds;

    /// <summary>Whether no writeback starts by itself.</summary>
    public bool IsHeld => Volatile.Read(ref _holds) > 0;

    /// <summary>Called with subvolume and inode before dirty data of a file is taken up, on the thread that writes it back, without locks: it may block.</summary>
    public Action<ulong, ulong>? Begins { get; set; }

    /// <summary>The same once what was taken up is in the trees, or has failed.</summary>
    public Action<ulong, ulong>? Ended { get; set; }

    /// <summary>From here on no writeback starts by itself, until <see cref="Release"/> was called as often.</summary>
    public void Hold() => Interlocked.Increment(ref _holds);

    /// <summary>Takes one <see cref="Hold"/> back.</summary>
    public void Release() => Interlocked.Decrement(ref _holds);
}
