using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>Keeping the tree filled: blocks that have become empty go, and those that are nearly so join a sibling under the same parent.</summary>
public sealed partial class Tree
{
    private void RemoveEmptyLeaf()
    {
        _isRangeKnown = false;
        int level = 1;
        while (level <= Root.Level && _path[level]!.Count == 1)
            level++;
        if (level > Root.Level)
        {
            // The only leaf of a tree stays, empty.
            CollapseRoot();
            return;
        }

        NodeEditor node = _path[level]!.EditNode();
        node.Delete(_slots[level]);
        for (int below = level - 1; below >= 0; below--)
        {
            ExtentBuffer block = _path[below]!;
            if (below > 0)
                block.EditNode().Delete(0);
            Free(block);
        }

        if (_slots[level] == 0)
            FixFirstKeys(level, node.View.Key(0));
        Balance(level);
    }

    /// <summary>Looks after the path's node at <paramref name="level"/>, which has lost a pointer and still has some.</summary>
    private void Balance(int level)
    {
        if (level == Root.Level)
            CollapseRoot();
        else if (_path[level]!.Count < NodeCapacity / 4)
            TryMerge(level);
    }

    /// <summary>Joins the path's block at <paramref name="level"/> with a sibling, if both fit in one.</summary>
    private void TryMerge(int level)
    {
        ExtentBuffer block = _path[level]!;
        int slot = _slots[level + 1];
        if (LeftSibling(level) is { } left && FitInOne(left, block))
            Merge(slot - 1, MakeWritable(left, slot - 1), block);
        else if (RightSibling(level) is { } right && FitInOne(block, right))
            Merge(slot, block, MakeWritable(right, slot + 1));
    }

    private bool FitInOne(ExtentBuffer left, ExtentBuffer right) =>
        left.Level == 0 ? UsedBytes(left) + UsedBytes(right) <= LeafCapacity : left.Count + right.Count <= NodeCapacity;

    // The left one stays whichever was the emptier: it keeps its first key, so no key above changes.
    private void Merge(int leftSlot, ExtentBuffer left, ExtentBuffer right)
    {
        _isRangeKnown = false;
        int level = left.Level;
        if (level == 0)
            right.EditLeaf().MoveHeadTo(left.EditLeaf(), right.Count);
        else
            right.EditNode().MoveHeadTo(left.EditNode(), right.Count);

        _path[level + 1]!.EditNode().Delete(leftSlot + 1);
        Free(right);
        _path[level] = left;
        _slots[level + 1] = leftSlot;
        Balance(level + 1);
    }

    /// <summary>Takes roots with but one child away. A root belongs to its tree alone, so a child that is shared is copied to become it.</summary>
    private void CollapseRoot()
    {
        _isRangeKnown = false;
        while (Root.Level > 0 && _path[Root.Level] is { Count: 1 } root)
        {
            // The path holds the child where that is what its last change has left, perhaps empty; else it holds none.
            ExtentBuffer child = MakeWritable(_path[root.Level - 1] ?? ReadChild(root, 0), slotInParent: 0);
            Invariant.That(root.Node.Pointer(0).Bytenr == child.Bytenr.Value);
            root.EditNode().Delete(0);
            SetRoot(child);
            _path[child.Level] = child;
            Free(root);
        }
    }
}
