namespace Btrfs.Space.Backrefs;

/// <summary>
/// The uses that a walk has found so far, leaf by leaf in the order in which the leaves were met. A chain for each leaf through one list:
/// nothing is allocated from walk to walk.
/// </summary>
internal sealed class LeafUses
{
    private const int End = -1;

    private readonly List<(ulong Leaf, int First, int Last)> _leaves = [];
    private readonly Dictionary<ulong, int> _places = [];
    private readonly List<(LeafReference Use, int Next)> _uses = [];

    /// <summary>How many leaves there are.</summary>
    public int Count => _leaves.Count;

    /// <summary>Logical address of a leaf.</summary>
    public ulong LeafAt(int index) => _leaves[index].Leaf;

    public void Clear()
    {
        _leaves.Clear();
        _places.Clear();
        _uses.Clear();
    }

    /// <summary>Makes a leaf known, though it may have no use to tell of, and gives its place.</summary>
    public int AddLeaf(ulong leaf)
    {
        if (_places.TryGetValue(leaf, out int place))
            return place;

        place = _leaves.Count;
        _places.Add(leaf, place);
        _leaves.Add((leaf, End, End));
        return place;
    }

    /// <summary>Puts a use behind those that its leaf has.</summary>
    public void Add(ulong leaf, LeafReference use)
    {
        int place = AddLeaf(leaf);
        int at = _uses.Count;
        _uses.Add((use, End));
        (_, int first, int last) = _leaves[place];
        if (last != End)
            _uses[last] = (_uses[last].Use, at);
        _leaves[place] = (leaf, first == End ? at : first, at);
    }

    /// <summary>Tells of each use of a leaf once for each of <paramref name="roots"/>; false when the visitor ended the walk.</summary>
    public bool Tell(int index, ulong[] roots, FileReferenceVisitor visit)
    {
        foreach (ulong root in roots)
        {
            for (int at = _leaves[index].First; at != End; at = _uses[at].Next)
            {
                if (!visit(_uses[at].Use.In(root)))
                    return false;
            }
        }

        return true;
    }
}
