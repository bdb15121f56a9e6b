using Btrfs.Ctree;

namespace Btrfs.Space.Backrefs;

/// <summary>
/// Finds who uses a data extent: from the extent tree to leaves, from leaves up to the roots that they hang in.
/// <para>
/// The order of what it finds, and that a cached leaf is told of before leaves that are still to be walked, is the kernel's: a caller that
/// stops at the first good answer must get the same one. Bounded by <see cref="ReferenceReader"/>'s limit of references an extent.
/// </para>
/// Not thread-safe.
/// </summary>
public sealed class BackrefWalker
{
    /// <summary>Leaves whose roots are remembered, and how many roots such an entry may hold: both as in the kernel.</summary>
    private const int CachedLeaves = 128;
    private const int CachedRootsPerLeaf = 17;

    private readonly HashSet<ulong> _roots;
    private readonly ReferenceReader _reader;
    private readonly ReferenceResolver _resolver;
    private readonly LruCache<ulong, ulong[]> _leafRoots = new(CachedLeaves);

    // Reused from walk to walk.
    private readonly List<Reference> _found = [];
    private readonly List<Reference> _direct = [];
    private readonly HashSet<ulong> _sharedLeaves = [];
    private readonly List<(ulong Leaf, List<LeafReference> Uses)> _leaves = [];
    private readonly List<ulong> _blockQueue = [];
    private readonly List<ulong> _blockRoots = [];

    /// <param name="fs">The file system.</param>
    /// <param name="roots">The roots whose uses matter: others are not told of.</param>
    public BackrefWalker(FsInfo fs, IEnumerable<ulong> roots)
    {
        _roots = [.. roots];
        _reader = new ReferenceReader(fs);
        _resolver = new ReferenceResolver(fs);
    }

    /// <summary>Tells <paramref name="visit"/> of the uses that <paramref name="query"/> asks for, until it returns false.</summary>
    public void Walk(in ExtentQuery query, FileReferenceVisitor visit)
    {
        if (!FindLeaves(query, visit))
            return;

        // The list is taken out of the field: walking up to the roots uses the other scratch lists, but not this one.
        foreach ((ulong leaf, List<LeafReference> uses) in _leaves)
        {
            if (TryGetLeafRoots(leaf, out ulong[] cached))
            {
                if (!Tell(uses, cached, visit))
                    return;
                continue;
            }

            FindRoots(leaf, query);
            ulong[] roots = [.. _blockRoots.Where(_roots.Contains)];
            if (roots.Length <= CachedRootsPerLeaf)
                _leafRoots.TryAdd(leaf, roots);
            if (!Tell(uses, roots, visit))
                return;
        }
    }

    private static bool Tell(List<LeafReference> uses, ulong[] roots, FileReferenceVisitor visit)
    {
        foreach (ulong root in roots)
        {
            foreach (LeafReference use in uses)
            {
                if (!visit(new FileReference(use.Inode, use.FileOffset, use.NumBytes, root)))
                    return false;
            }
        }

        return true;
    }

    private bool TryGetLeafRoots(ulong leaf, out ulong[] roots)
    {
        bool found = _leafRoots.TryGet(leaf, out ulong[]? cached);
        roots = cached ?? [];
        return found;
    }

    // Fills _leaves with every leaf that uses the extent. False when the visitor ended the walk on the way.
    private bool FindLeaves(ExtentQuery query, FileReferenceVisitor visit)
    {
        _leaves.Clear();
        _found.Clear();
        _direct.Clear();
        _sharedLeaves.Clear();
        if (!_reader.Read(query.Bytenr, query, _found))
            return true;

        MergeDescending(_found);
        foreach (Reference reference in _found)
        {
            if (reference.Parent != 0)
                _sharedLeaves.Add(reference.Parent);
        }

        // A use in a leaf whose roots are known can be told at once, before anything else is resolved.
        bool Use(ulong leaf, LeafReference use) =>
            !TryGetLeafRoots(leaf, out ulong[] roots) || Tell([use], roots, visit);

        foreach (Reference reference in _found)
        {
            if (reference.Parent != 0)
                _direct.Add(reference);
            else if (!_resolver.ResolveData(reference, query, _sharedLeaves, _direct, Use))
                return false;
        }

        MergeDescending(_direct);
        foreach (Reference reference in _direct)
        {
            if (reference.Parent == 0 || reference.Count == 0)
                continue;
            if (reference.Uses is null && !_resolver.ReadSharedLeaf(reference, query, Use))
                return false;
            AddLeaf(reference.Parent, reference.Uses!);
        }

        return true;
    }

    private void AddLeaf(ulong leaf, List<LeafReference> uses)
    {
        int known = _leaves.FindIndex(entry => entry.Leaf == leaf);
        if (known < 0)
            _leaves.Add((leaf, uses));
        else
            _leaves[known].Uses.AddRange(uses);
    }

    // Climbs from a block to all blocks above it and collects the roots at the top in _blockRoots, in the order of finding.
    private void FindRoots(ulong block, in ExtentQuery query)
    {
        _blockQueue.Clear();
        _blockRoots.Clear();
        for (int next = -1; next < _blockQueue.Count; next++)
        {
            ulong current = next < 0 ? block : _blockQueue[next];
            _found.Clear();
            _direct.Clear();
            if (!_reader.Read(current, query, _found))
                continue;

            // Keys come from the block itself, so that references through the same root fall together.
            _resolver.AddMissingKeys(current, _found);
            MergeDescending(_found);
            foreach (Reference reference in _found)
            {
                if (reference.Parent == 0)
                    _resolver.ResolveBlock(reference);
                _direct.Add(reference);
            }

            MergeDescending(_direct);
            foreach (Reference reference in _direct)
            {
                if (reference.Parent != 0)
                {
                    if (!_blockQueue.Contains(reference.Parent))
                        _blockQueue.Add(reference.Parent);
                }
                else if (!_blockRoots.Contains(reference.Root))
                {
                    _blockRoots.Add(reference.Root);
                }
            }
        }
    }

    // Sorts, and makes one of references that are equal in everything but their count.
    private static void MergeDescending(List<Reference> references)
    {
        references.Sort(Reference.CompareDescending);
        for (int i = references.Count - 1; i > 0; i--)
        {
            Reference upper = references[i - 1];
            Reference lower = references[i];
            if (Reference.CompareDescending(upper, lower) != 0)
                continue;

            upper.Count += lower.Count;
            if (upper.Uses is null)
                upper.Uses = lower.Uses;
            else if (lower.Uses is not null)
                upper.Uses.AddRange(lower.Uses);
            references.RemoveAt(i);
        }
    }
}
