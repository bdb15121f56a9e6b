using Btrfs.Format;

namespace Btrfs.Check.Files;

/// <summary>What a subtree of a tree of files adds up to, kept for blocks that hang in several trees.</summary>
/// <param name="First">The run that the subtree begins with, which may have begun before it.</param>
/// <param name="Last">The run that it ends with, which may go on behind it; meaningless where <paramref name="Runs"/> is below 2.</param>
/// <param name="Runs">How many runs there are, the two at the ends included: 0, 1, or 2 for more.</param>
/// <param name="Sums">All names.</param>
/// <param name="IsBroken">Whether a block of it could not be read.</param>
/// <param name="LastKey">The highest key.</param>
internal sealed record FileTreeSummary(InodeRun First, InodeRun Last, int Runs, NameSums Sums, bool IsBroken, Key? LastKey);

/// <summary>
/// Adds up a tree of files, or a subtree of one, from its items in order and from summaries of subtrees. Runs that lie wholly inside are judged at once; those at
/// the ends of a subtree are left to whoever adds the subtree to a tree.
/// </summary>
internal sealed class FileTreePart(InodeJudge judge, bool isSubtree, bool isMute)
{
    /// <summary>The number of a run that stands for what could not be read: no inode has it.</summary>
    private const ulong Nothing = 0;

    private InodeRun _first;
    private InodeRun _current;
    private int _runs;
    private NameSums _sums;

    public bool IsBroken { get; private set; }

    public ref NameSums Sums => ref _sums;

    /// <summary>The run that an item of an inode adds to.</summary>
    public ref InodeRun RunOf(ulong inode)
    {
        if (_runs == 0 || _current.Inode != inode)
            Begin(InodeRun.Of(inode));
        return ref _current;
    }

    /// <summary>A block in between could not be read.</summary>
    public void Break()
    {
        IsBroken = true;
        if (_runs > 0)
            _current.IsBroken = true;
        Begin(InodeRun.Of(Nothing));
    }

    public void Add(FileTreeSummary part)
    {
        IsBroken |= part.IsBroken;
        _sums.Add(part.Sums);
        if (part.Runs == 0)
            return;

        if (_runs > 0 && part.First.Inode == Nothing)
            _current.IsBroken = true;
        if (_runs > 0 && _current.Inode == part.First.Inode)
            _current.Append(part.First);
        else
            Begin(part.First);
        if (part.Runs > 1)
            Begin(part.Last);
    }

    public FileTreeSummary Summarize(Key? lastKey) => _runs switch
    {
        0 => new FileTreeSummary(default, default, 0, _sums, IsBroken, lastKey),
        1 => new FileTreeSummary(_current, default, 1, _sums, IsBroken, lastKey),
        _ => new FileTreeSummary(_first, _current, 2, _sums, IsBroken, lastKey),
    };

    /// <summary>Ends a whole tree.</summary>
    public void Finish()
    {
        if (_runs > 0)
            Close();
        _runs = 0;
    }

    private void Begin(in InodeRun run)
    {
        bool followsBreak = _runs > 0 && _current.Inode == Nothing;
        if (_runs > 0)
            Close();
        _runs = Math.Min(_runs + 1, 2);
        _current = run;
        _current.IsBroken |= followsBreak;
    }

    private void Close()
    {
        if (isSubtree && _runs == 1)
            _first = _current;
        else
            judge.Judge(_current, ref _sums, isMute);
    }
}
