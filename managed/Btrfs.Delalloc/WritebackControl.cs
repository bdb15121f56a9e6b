namespace Btrfs.Delalloc;

/// <summary>
/// Lets a test, or a tool, hold the writeback that starts by itself (by size, by age), and see when any begins and ends. What is asked for (a flush, an
/// fsync, a commit, a writer over the limit of memory) is written also while it is held. The calls come on the thread that writes back, with subvolume and inode.
/// </summary>
public sealed class WritebackControl
{
    private int _holds;

    /// <summary>Whether no writeback starts by itself.</summary>
    public bool IsHeld => Volatile.Read(ref _holds) > 0;

    /// <summary>Before dirty data of a file is taken up. No locks are held: it may block, and the data stays dirty meanwhile.</summary>
    public Action<ulong, ulong>? Begins { get; set; }

    /// <summary>Dirty data was taken up, and nothing of it is written yet. It may block: other writebacks of the file then wait, as for any ordered extent.</summary>
    public Action<ulong, ulong>? UnderWay { get; set; }

    /// <summary>What was taken up is in the trees, or lost.</summary>
    public Action<ulong, ulong>? Ended { get; set; }

    /// <summary>From here on no writeback starts by itself, until <see cref="Release"/> was called as often.</summary>
    public void Hold() => Interlocked.Increment(ref _holds);

    /// <summary>Takes one <see cref="Hold"/> back.</summary>
    public void Release() => Interlocked.Decrement(ref _holds);
}
