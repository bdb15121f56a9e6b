using Btrfs.Ctree;

namespace Btrfs.Space.Backrefs;

/// <summary>
/// Finds who uses a data extent: from the extent tree to leaves, from leaves up to the roots that they hang in.
/// <para>
/// The order of what it finds, and that a cached leaf is told of before leaves that are still to be walked, is the kernel's: a caller that
/// stops at the first good answer must get the same one.
/// </para>
/// <para>
/// Committed trees don't change, so what a reference leads to and which roots a leaf hangs in is found out once and remembered. That is apart from the cache of
/// <see cref="CachedLeaves"/>, whose content shows in streams: it decides when a use is told of, never how it was found.
/// </para>
/// Not thread-safe.
/// </summary>
public sealed class BackrefWalker
{
    /// <summary>Extents and tree blocks with more references are not walked by the kernel, which finds it too expensive.</summary>
    public const ulong KernelMaxReferences = 1024;

    /// <summary>Leaves whose roots count as known, and how many roots such an entry may hold: both as in the kernel.</summary>
    private const int CachedLeaves = 128;
    private const int CachedRootsPerLeaf = 17;

    /// <summary>References of an extent from which on it is worth to remember them, and how many are remembered in all: about 150 bytes each.</summary>
    private const int ManyReferences = 4;
    private const int MaxRememberedReferences = 128 * 1024;

    /// <summary>Leaves whose roots are remembered: about 100 bytes each.</summary>
    private const int MaxRememberedLeaves = 64 * 1024;

    private readonly HashSet<ulong> _roots;
    private readonly ReferenceReader _reader;
    private readonly ReferenceResolver _resolver;
    private readonly LruCache<ulong, ulong[]> _leafRoots = new(CachedLeaves);
    private readonly Dictionary<ulong, ExtentReferences> _extents = [];
    private readonly Dictionary<ulong, ulong[]> _rootsOfLeaves = [];
    private int _rememberedReferences;

    // Reused from walk to walk.
    private ExtentReferences _spare = new();
    private readonly LeafUses _leaves = new();
    private List<(ulong Leaf, LeafReference Use)> _uses = [];
    private readonly List<Reference> _found = [];
    private readonly List<ulong> _blockQueue = [];
    private readonly List<ulong> _blockRoots = [];

    /// <param name="fs">The file system.</param>
    /// <param name="roots">The roots whose uses matter: others are not told of.</param>
    /// <param name="maxReferences">Extents and blocks with more references count as having none.</param>
    public BackrefWalker(FsInfo fs, IEnumerable<ulong> roots, ulong maxReferences = KernelMaxReferences)
    {
        _roots = [.. roots];
        _reader = new ReferenceReader(fs, maxReferences);
        _resolver = new ReferenceResolver(fs);
    }

    /// <summary>Tells <paramref name="visit"/> of the uses that <paramref name="query"/> asks for, until it returns false.</summary>
    public void Walk(in ExtentQuery query, FileReferenceVisitor visit)
    {
        _leaves.Clear();
        if (!FindLeaves(query, visit))
            return;

        for (int i = 0; i < _leaves.Count; i++)
        {
            ulong leaf = _leaves.LeafAt(i);
            if (!_leafRoots.TryGet(leaf, out ulong[]? roots))
            {
                roots = RootsOf(leaf);
                if (roots.Length <= CachedRootsPerLeaf)
                    _leafRoots.TryAdd(leaf, roots);
            }

            if (!_leaves.Tell(i, roots, visit))
                return;
        }
    }

    // Fills _leaves with every leaf that uses the extent. False when the visitor ended the walk on the way.
    private bool FindLeaves(in ExtentQuery query, FileReferenceVisitor visit)
    {
        if (ReferencesOf(query) is not { } references)
            return true;

        for (int i = 0; i < references.Count; i++)
        {
            Reference reference = references[i];
            if (reference.Count == 0 || query.Skips(reference))
                continue;

            _uses.Clear();
            foreach (ref readonly ExtentUse item in references.UsesOf(i, query.Bytenr, _resolver).AsSpan())
            {
                if (!item.TryCover(query.ExtentOffset, out LeafReference use))
                    continue;

                // A use in a leaf whose roots are known is told at once, before anything else is resolved.
                if (_leafRoots.TryGet(item.Leaf, out ulong[]? roots) && !Tell(use, roots, visit))
                    return false;
                _uses.Add((item.Leaf, use));
            }

            AddUses(reference);
        }

        return true;
    }

    private ExtentReferences? ReferencesOf(in ExtentQuery query)
    {
        if (_extents.TryGetValue(query.Bytenr, out ExtentReferences? known))
            return known;
        if (!_spare.Read(_reader, query.Bytenr, query.OnlyIfShared))
            return null;

        ExtentReferences read = _spare;
        if (read.Count < ManyReferences)
            return read;

        _rememberedReferences += read.Count;
        if (_rememberedReferences > MaxRememberedReferences)
        {
            _extents.Clear();
            _rememberedReferences = read.Count;
        }

        _extents.Add(query.Bytenr, read);
        _spare = new ExtentReferences();
        return read;
    }

    // Leaves that one reference leads to are followed from the highest address down, and in each the order of the keys stays, which the sort keeps;
    // the uses in a shared leaf are followed from the last one up.
    private void AddUses(Reference reference)
    {
        if (reference.Parent != 0)
        {
            // Its roots are looked up, and so become known, even if it uses other bytes of the extent only: that can be seen in a stream.
            _leaves.AddLeaf(reference.Parent);
            _uses.Reverse();
        }
        else if (!IsDescending())
        {
            _uses = [.. _uses.OrderByDescending(found => found.Leaf)];
        }

        foreach ((ulong leaf, LeafReference use) in _uses)
            _leaves.Add(leaf, use);
    }

    private bool IsDescending()
    {
        for (int i = 1; i < _uses.Count; i++)
        {
            if (_uses[i - 1].Leaf < _uses[i].Leaf)
                return false;
        }

        return true;
    }

    private static bool Tell(LeafReference use, ulong[] roots, FileReferenceVisitor visit)
    {
        foreach (ulong root in roots)
        {
            if (!visit(use.In(root)))
                return false;
        }

        return true;
    }

    private ulong[] RootsOf(ulong leaf)
    {
        if (_rootsOfLeaves.TryGetValue(leaf, out ulong[]? known))
            return known;

        FindRoots(leaf);
        ulong[] roots = [.. _blockRoots.Where(_roots.Contains)];
        if (_rootsOfLeaves.Count == MaxRememberedLeaves)
            _rootsOfLeaves.Clear();
        _rootsOfLeaves.Add(leaf, roots);
        return roots;
    }

    // Climbs from a block to all blocks above it and collects the roots at the top in _blockRoots, in the order of finding.
    private void FindRoots(ulong block)
    {
        _blockQueue.Clear();
        _blockRoots.Clear();
        for (int next = -1; next < _blockQueue.Count; next++)
        {
            ulong current = next < 0 ? block : _blockQueue[next];
            _found.Clear();
            if (!_reader.Read(current, onlyIfShared: false, _found))
                continue;

            // Keys come from the block itself, so that references through the same root fall together.
            _resolver.AddMissingKeys(current, _found);
            Reference.MergeDescending(_found);
            foreach (Reference reference in _found)
            {
                if (reference.Parent == 0)
                    _resolver.ResolveBlock(reference);
            }

            Reference.MergeDescending(_found);
            foreach (Reference reference in _found)
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
}
