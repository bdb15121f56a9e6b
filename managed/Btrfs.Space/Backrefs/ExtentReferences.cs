namespace Btrfs.Space.Backrefs;

/// <summary>
/// The back references of one data extent in the order in which they are followed, and where each of them leads, found out when it is first asked for.
/// Nothing here depends on which byte of the extent is asked for, or by whom.
/// </summary>
internal sealed class ExtentReferences
{
    private readonly List<Reference> _references = [];
    private readonly List<ExtentUse[]?> _uses = [];
    private readonly HashSet<ulong> _sharedLeaves = [];

    public int Count => _references.Count;

    public Reference this[int index] => _references[index];

    /// <summary>Reads the references anew; false when the extent has none to follow, or too many.</summary>
    public bool Read(ReferenceReader reader, ulong bytenr, bool onlyIfShared)
    {
        _references.Clear();
        _uses.Clear();
        _sharedLeaves.Clear();
        if (!reader.Read(bytenr, onlyIfShared, _references))
            return false;

        Reference.MergeDescending(_references);
        foreach (Reference reference in _references)
        {
            _uses.Add(null);
            if (reference.Parent != 0)
                _sharedLeaves.Add(reference.Parent);
        }

        return true;
    }

    /// <summary>All items that a reference leads to, in the order of their keys.</summary>
    public ExtentUse[] UsesOf(int index, ulong bytenr, ReferenceResolver resolver)
    {
        if (_uses[index] is { } known)
            return known;

        Reference reference = _references[index];
        ExtentUse[] found = reference.Parent == 0 ? resolver.FindUses(reference, bytenr, _sharedLeaves) : resolver.FindUsesInLeaf(reference.Parent, bytenr);
        _uses[index] = found;
        return found;
    }
}
