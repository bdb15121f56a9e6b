using Btrfs.Ctree;
using Btrfs.Space.Groups;

namespace Btrfs.Space.Transactions;

/// <summary>
/// The last commit, and which earlier ones are held. Both stand behind one lock: a reader takes hold of the newest commit, and the next commit, before it frees anything,
/// knows of all who could have.
/// </summary>
internal sealed class CommitHolds(FsInfo opened)
{
    private readonly Lock _lock = new();
    private readonly List<CommitHold> _holds = [];
    private FsInfo _committed = opened;
    private bool _hasEnded;

    /// <summary>The last durable state.</summary>
    public FsInfo Committed => Volatile.Read(ref _committed);

    /// <summary>Takes hold of the last commit.</summary>
    public CommitHold Take(bool includesData)
    {
        lock (_lock)
        {
            CommitHold hold = new(this, _committed, includesData);
            _holds.Add(hold);
            return hold;
        }
    }

    public void End(CommitHold hold)
    {
        lock (_lock)
        {
            _holds.Remove(hold);
            _hasEnded = true;
        }
    }

    /// <summary>Takes all holds back. Their readers are told before anything is overwritten.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Revoke()
    {
        lock (_lock)
        {
            bool any = _holds.Count > 0;
            _holds.ForEach(static hold => hold.Revoke());
            _holds.Clear();
            _hasEnded |= any;
            return any;
        }
    }

    /// <summary>A commit is durable: from here on nobody takes hold of the one before.</summary>
    public void Advance(FsInfo committed)
    {
        lock (_lock)
            Volatile.Write(ref _committed, committed);
    }

    /// <summary>Which commits are held.</summary>
    public HeldGenerations Generations()
    {
        lock (_lock)
            return Collect();
    }

    /// <summary>Whether a hold has ended since this was last asked, and which commits are still held.</summary>
    public bool TryTakeEnded(out HeldGenerations generations)
    {
        generations = HeldGenerations.None;
        if (!Volatile.Read(ref _hasEnded))
            return false;

        lock (_lock)
        {
            _hasEnded = false;
            generations = Collect();
            return true;
        }
    }

    private HeldGenerations Collect() => _holds.Count == 0
        ? HeldGenerations.None
        : new HeldGenerations(Sorted(_holds), Sorted(_holds.Where(static hold => hold.IncludesData)));

    private static ulong[] Sorted(IEnumerable<CommitHold> holds) => [.. holds.Select(static hold => hold.Generation).Distinct().Order()];
}
