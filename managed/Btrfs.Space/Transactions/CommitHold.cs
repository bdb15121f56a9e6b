using Btrfs.Ctree;

namespace Btrfs.Space.Transactions;

/// <summary>
/// Keeps a commit readable beside writers, for as long as it is not disposed of: what later commits free stays unallocatable in memory while this one still
/// reaches it. On the disk it is free from the first commit on that freed it, so a crash, or closing, needs no clean-up.
/// <para>
/// What it costs: at most the tree blocks that the commit has (about as much as all metadata of that moment), and only those of them that writers have copied since; with data,
/// besides, the files that were deleted or overwritten since. What was made after the commit is not kept, however long it is held.
/// </para>
/// <para>
/// A full file system tells its writers earlier that it is full, and nobody waits for a reader. But what must go on there (deletions, and writing back what was promised
/// room) goes before readers: where it finds no room otherwise, all holds are revoked (<see cref="IsRevoked"/>).
/// </para>
/// <para>Not held: files without copy on write, which are overwritten in place. Taken from and disposed of on any thread, without waiting for writers.</para>
/// </summary>
public sealed class CommitHold : IDisposable
{
    private readonly CommitHolds _holds;
    private bool _isRevoked;
    private int _isDisposed;

    internal CommitHold(CommitHolds holds, FsInfo commit, bool includesData)
    {
        _holds = holds;
        Commit = commit;
        IncludesData = includesData;
    }

    /// <summary>The commit. It is to be read through this, and not after the hold has ended.</summary>
    public FsInfo Commit { get; }

    /// <summary>Whether file data is kept too: without that only the data of subvolumes that nobody changes or deletes meanwhile can be read.</summary>
    public bool IncludesData { get; }

    /// <summary>
    /// Whether the hold was taken back for want of room. What was read before this was last found false is good; what is read later may be an error, or something else.
    /// </summary>
    public bool IsRevoked => Volatile.Read(ref _isRevoked);

    internal ulong Generation => Commit.Superblock.Generation;

    internal void Revoke() => Volatile.Write(ref _isRevoked, true);

    /// <summary>Ends the hold. What it kept is free again when the next change begins.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            _holds.End(this);
    }
}
