using System.Diagnostics.CodeAnalysis;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// A position in a tree: the blocks from the root down to a leaf, and a slot in each. It stands on an item, or behind the last one.
/// Not thread-safe; cursors are cheap to keep and meant to be reused, since a search starts from the blocks it already holds.
/// </summary>
/// <exception cref="CorruptMetadataException">Any move may find a broken block.</exception>
public sealed class TreeCursor
{
    private readonly IBlockSource _blocks;
    private readonly ExtentBuffer?[] _path = new ExtentBuffer?[FormatLimits.MaxTreeLevel];
    private readonly int[] _slots = new int[FormatLimits.MaxTreeLevel];

    public TreeCursor(IBlockSource blocks, TreeRoot root)
    {
        _blocks = blocks;
        Root = root;
    }

    public TreeRoot Root { get; }

    /// <summary>Whether the cursor stands on an item.</summary>
    [MemberNotNullWhen(true, nameof(Leaf))]
    public bool IsValid { get; private set; }

    /// <summary>The leaf under the cursor; null before the first search.</summary>
    public ExtentBuffer? Leaf => _path[0];

    public int Slot => _slots[0];

    public Key Key => View.Key(_slots[0]);

    /// <summary>The bytes of the item under the cursor. They stay valid when the cursor moves on.</summary>
    public ReadOnlySpan<byte> Data => View.Data(_slots[0]);

    private LeafView View
    {
        get
        {
            Invariant.That(IsValid);
            return _path[0]!.Leaf;
        }
    }

    public ref readonly T Record<T>()
        where T : unmanaged => ref View.Record<T>(_slots[0]);

    /// <summary>Moves to the first item whose key is not below <paramref name="key"/>. True when it is that very key.</summary>
    public bool Seek(Key key)
    {
        DescendTo(key);
        (int slot, bool found) = _path[0]!.Leaf.Search(key);
        _slots[0] = slot;
        IsValid = true;
        if (slot >= _path[0]!.Count)
            MoveToNextLeaf();
        return found;
    }

    /// <summary>Moves to the last item whose key is not above <paramref name="key"/>. False when there is none.</summary>
    public bool SeekFloor(Key key)
    {
        DescendTo(key);
        (int slot, bool found) = _path[0]!.Leaf.Search(key);
        _slots[0] = slot;
        IsValid = true;
        return found || MovePrevious();
    }

    /// <summary>
    /// Moves to <paramref name="key"/>, else to the item before it if that lies in the same leaf, else to the first item behind it.
    /// The kernel's loops over extents start like this, and what they miss in the leaf before can be seen in a stream.
    /// </summary>
    public void SeekNear(Key key)
    {
        DescendTo(key);
        (int slot, bool found) = _path[0]!.Leaf.Search(key);
        _slots[0] = found || slot == 0 ? slot : slot - 1;
        IsValid = _path[0]!.Count > 0;
    }

    /// <summary>Moves to exactly <paramref name="key"/>. False, and nowhere in particular, when the tree has no such item.</summary>
    public bool TryFind(Key key) => Seek(key);

    /// <summary>Asks for the leaf in which <paramref name="key"/> lies, if it is in the tree, and does not wait for it. From here on the cursor stands nowhere.</summary>
    public void Prefetch(Key key)
    {
        IsValid = false;
        if (Root.Level == 0)
            return;

        DescendTo(key, lowest: 1);
        BlockPointer leaf = ChildPointer(1);
        _blocks.Prefetch(new ReadOnlySpan<BlockPointer>(in leaf));
    }

    /// <summary>Moves one item on; false behind the last.</summary>
    public bool MoveNext()
    {
        Invariant.That(IsValid);
        if (++_slots[0] < _path[0]!.Count)
            return true;
        return MoveToNextLeaf();
    }

    /// <summary>Moves one item back, also from behind the last item of a leaf; false before the first.</summary>
    public bool MovePrevious()
    {
        if (_slots[0] > 0)
        {
            _slots[0]--;
            return IsValid = true;
        }

        for (int level = 1; level <= Root.Level; level++)
        {
            if (_slots[level] == 0)
                continue;

            _slots[level]--;
            for (int below = level - 1; below >= 0; below--)
            {
                _path[below] = ReadChild(below + 1);
                _slots[below] = _path[below]!.Count - 1;
            }

            RequireOrder(level, LastKeyOfLeaf(), _path[level]!.Node.Key(_slots[level] + 1));
            return IsValid = _path[0]!.Count > 0;
        }

        return IsValid = false;
    }

    /// <summary>Moves to the first item of the next leaf; false, and not valid any more, behind the last.</summary>
    public bool MoveToNextLeaf()
    {
        for (int level = 1; level <= Root.Level; level++)
        {
            if (_slots[level] + 1 >= _path[level]!.Count)
                continue;

            _slots[level]++;
            RequireOrder(level, LastKeyOfLeaf(), _path[level]!.Node.Key(_slots[level]));
            for (int below = level - 1; below >= 0; below--)
            {
                _path[below] = ReadChild(below + 1);
                _slots[below] = 0;
            }

            return IsValid = _path[0]!.Count > 0;
        }

        return IsValid = false;
    }

    /// <summary>The block of this path at <paramref name="level"/> after a search; null above the root.</summary>
    public ExtentBuffer? BlockAt(int level) => level <= Root.Level ? _path[level] : null;

    // Each block is in order by itself. That whole blocks are, too, keeps a walk finite: it never comes back to where it was, even if
    // a broken tree hangs the same blocks under many nodes.
    private void RequireOrder(int level, Key? before, Key after)
    {
        if (before >= after)
            throw new CorruptMetadataException(Root.RootId, _path[level]!.Bytenr, _slots[level], $"bad key order between blocks, previous {before} current {after}");
    }

    private Key? LastKeyOfLeaf() => _path[0] is { Count: > 0 and int count } leaf ? leaf.Leaf.Key(count - 1) : null;

    // The path is kept consistent from the root down, so that a search near the last one finds its blocks in hand
    // and pays for the comparisons only.
    private void DescendTo(Key key, int lowest = 0)
    {
        int level = Root.Level;
        _path[level] ??= _blocks.Read(Root.Pointer, Root.RootId);
        for (; level > 0; level--)
        {
            NodeView node = _path[level]!.Node;
            int slot = node.ChildSlot(key);
            _slots[level] = slot;
            if (level == lowest)
                return;

            ref readonly KeyPointer pointer = ref node.Pointer(slot);
            ExtentBuffer? held = _path[level - 1];
            if (held is null || held.Bytenr.Value != pointer.Bytenr.Value || held.Generation != pointer.Generation.Value || held.Level != level - 1)
                _path[level - 1] = ReadChild(level);
        }
    }

    private ExtentBuffer ReadChild(int level) => _blocks.Read(ChildPointer(level), Root.RootId);

    private BlockPointer ChildPointer(int level)
    {
        ref readonly KeyPointer pointer = ref _path[level]!.Node.Pointer(_slots[level]);
        return new BlockPointer(new LogicalAddress(pointer.Bytenr), pointer.Generation, level - 1, pointer.Key);
    }
}
