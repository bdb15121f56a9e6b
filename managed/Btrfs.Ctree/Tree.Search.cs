using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// The path from the root to a leaf, which every method starts from and leaves behind for the next. Blocks that it holds are the tree's current
/// ones, since nobody else changes the tree; one that is copied or freed is replaced or dropped here at once.
/// </summary>
public sealed partial class Tree
{
    private readonly ExtentBuffer?[] _path = new ExtentBuffer?[FormatLimits.MaxTreeLevel];
    private readonly int[] _slots = new int[FormatLimits.MaxTreeLevel];

    // Keys from _low up to, but not including, _high belong into the leaf of the path. Only while _isRangeKnown.
    private bool _isRangeKnown;
    private Key _low;
    private Key _high;
    private bool _hasHigh;

    private ExtentBuffer Leaf => _path[0]!;

    /// <summary>Brings the path to the leaf where a key belongs, and to its slot: the first whose key is not below. True if it is that very key.</summary>
    private bool Search(Key key)
    {
        RequireWhole();
        if (!_isRangeKnown || key < _low || (_hasHigh && key >= _high))
            Descend(key);

        // Most keys come in ascending order, so the end of the leaf is looked at first.
        LeafView leaf = Leaf.Leaf;
        int count = leaf.Count;
        if (count == 0 || leaf.Key(count - 1) < key)
        {
            _slots[0] = count;
            return false;
        }

        (_slots[0], bool found) = leaf.Search(key);
        return found;
    }

    /// <summary>As <see cref="Search"/>, for an item that must be there.</summary>
    private void Find(Key key)
    {
        if (!Search(key))
            throw new InvariantException($"no item {key} in tree {RootId}");
    }

    // A search near the last one finds its blocks in hand and pays for the comparisons only.
    private void Descend(Key key)
    {
        _isRangeKnown = false;
        _hasHigh = false;
        _low = Key.Min;
        bool isLeftmost = true;
        _path[Root.Level] ??= _blocks.Read(Root.Pointer, RootId);
        for (int level = Root.Level; level > 0; level--)
        {
            NodeView node = _path[level]!.Node;
            int slot = node.ChildSlot(key);
            _slots[level] = slot;
            isLeftmost &= slot == 0;
            ref readonly KeyPointer pointer = ref node.Pointer(slot);
            if (!isLeftmost)
                _low = pointer.Key;
            if (slot + 1 < node.Count)
            {
                _high = node.Key(slot + 1);
                _hasHigh = true;
            }

            if (_path[level - 1] is not { } held || held.Bytenr.Value != pointer.Bytenr.Value || held.Generation != pointer.Generation.Value)
                _path[level - 1] = ReadChild(level, slot);
        }

        _isRangeKnown = true;
    }

    private ExtentBuffer ReadChild(int level, int slot) => ReadChild(_path[level]!, slot);

    private ExtentBuffer ReadChild(ExtentBuffer node, int slot)
    {
        ref readonly KeyPointer pointer = ref node.Node.Pointer(slot);
        return _blocks.Read(new BlockPointer(new LogicalAddress(pointer.Bytenr), pointer.Generation, node.Level - 1, pointer.Key), RootId);
    }

    /// <summary>The key behind the slot of the path, which a search has just found; null at the end of the tree.</summary>
    private Key? NextKey()
    {
        int next = _slots[0] + 1;
        return next < Leaf.Count ? Leaf.Leaf.Key(next) : _hasHigh ? _high : null;
    }

    /// <summary>The key before the slot of the path; null at the begin of the tree.</summary>
    private Key? PreviousKey()
    {
        if (_slots[0] > 0)
            return Leaf.Leaf.Key(_slots[0] - 1);

        for (int level = 1; level <= Root.Level; level++)
        {
            if (_slots[level] == 0)
                continue;

            ExtentBuffer block = ReadChild(level, _slots[level] - 1);
            while (block.Level > 0)
                block = ReadChild(block, block.Count - 1);
            return block.Leaf.Key(block.Count - 1);
        }

        return null;
    }
}
