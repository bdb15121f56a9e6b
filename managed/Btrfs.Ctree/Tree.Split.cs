using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// Making room. A full block first shares with a sibling under the same parent, and is split only if they are full as well. All here works on
/// a writable path, and leaves it at the place where the new item or pointer goes.
/// </summary>
public sealed partial class Tree
{
    /// <summary>
    /// Brings the path's slot into a leaf with room. The slot may come to be the first of a leaf, whose parents get its key when it is inserted.
    /// </summary>
    /// <param name="key">Of the item to come, which belongs before the path's slot.</param>
    /// <param name="bytes">Its size, header included.</param>
    private void MakeRoom(Key key, int bytes)
    {
        _isRangeKnown = false;
        ExtentBuffer leaf = Leaf;
        if (_slots[0] == leaf.Count)
        {
            // Items in ascending order leave full leaves behind: what comes next begins a leaf of its own.
            if (!TryStepRight(bytes))
                SplitLeaf(key, leaf.Count, goesLeft: false);
            return;
        }

        if (TryPushRight(bytes) || TryPushLeft(bytes))
            return;

        if (TryChooseBoundary(leaf.Leaf, bytes, LeafCapacity, LeafCapacity, out int boundary, out bool goesLeft))
        {
            SplitLeaf(key, boundary, goesLeft);
            return;
        }

        // Nearly a leaf's size amid others: what is behind goes to one new leaf, the item to another.
        SplitLeaf(key, _slots[0], goesLeft: true);
        if (Leaf.EditLeaf().FreeBytes < bytes)
            SplitLeaf(key, Leaf.Count, goesLeft: false);
    }

    /// <summary>Goes from behind a leaf's last item to before the first of the leaf behind, if that has room.</summary>
    private bool TryStepRight(int bytes)
    {
        if (RightSibling(0) is not { } right || FreeBytes(right) < bytes)
            return false;

        _slots[1]++;
        _path[0] = MakeWritable(right, _slots[1]);
        _slots[0] = 0;
        return true;
    }

    private bool TryPushRight(int bytes)
    {
        if (RightSibling(0) is not { } right || !IsWorthSharing(right, bytes)
            || !TryChooseBoundary(Leaf.Leaf, bytes, LeafCapacity, FreeBytes(right), out int boundary, out bool goesLeft))
            return false;

        right = MakeWritable(right, _slots[1] + 1);
        Leaf.EditLeaf().MoveTailTo(right.EditLeaf(), boundary);
        SetChildKey(0, _slots[1] + 1, right);
        if (!goesLeft)
            StepInto(0, right, boundary);
        return true;
    }

    private bool TryPushLeft(int bytes)
    {
        if (LeftSibling(0) is not { } left || !IsWorthSharing(left, bytes)
            || !TryChooseBoundary(Leaf.Leaf, bytes, FreeBytes(left), LeafCapacity, out int boundary, out bool goesLeft))
            return false;

        left = MakeWritable(left, _slots[1] - 1);
        int before = left.Count;
        Leaf.EditLeaf().MoveHeadTo(left.EditLeaf(), boundary);
        SetChildKey(0, _slots[1], Leaf);
        _slots[0] -= boundary;
        if (goesLeft)
        {
            _path[0] = left;
            _slots[0] += before + boundary;
            _slots[1]--;
        }

        return true;
    }

    // A sibling that is all but full would take a few items now and be full again at once.
    private bool IsWorthSharing(ExtentBuffer sibling, int bytes) => FreeBytes(sibling) >= bytes + LeafCapacity / 8;

    /// <summary>
    /// Where to cut a leaf, an item of so many bytes at the path's slot included, so that what lies before the cut fits one room, what lies behind
    /// fits another, neither is nothing, and as much stays free in one as in the other.
    /// </summary>
    private bool TryChooseBoundary(LeafView leaf, int bytes, int leftRoom, int rightRoom, out int boundary, out bool goesLeft)
    {
        boundary = -1;
        goesLeft = false;
        int slot = _slots[0];
        int count = leaf.Count;
        int used = UsedBytes(leaf, count);
        int smallest = int.MaxValue;
        for (int cut = 0; cut <= count; cut++)
        {
            int left = leftRoom - UsedBytes(leaf, cut);
            int right = rightRoom - (used - UsedBytes(leaf, cut));
            bool isLeft = slot < cut || (slot == cut && left >= right);
            if (isLeft)
                left -= bytes;
            else
                right -= bytes;
            if (left < 0 || right < 0 || (cut == 0 && !isLeft) || (cut == count && isLeft))
                continue;

            int difference = Math.Abs(left - right);
            if (difference >= smallest)
                continue;
            smallest = difference;
            boundary = cut;
            goesLeft = isLeft;
        }

        return boundary >= 0;
    }

    /// <summary>What the first <paramref name="howMany"/> items take, headers and data.</summary>
    private int UsedBytes(LeafView leaf, int howMany) =>
        howMany == 0 ? 0 : LeafCapacity - (int)leaf.Item(howMany - 1).DataOffset.Value + howMany * ItemHeader.Size;

    private int UsedBytes(ExtentBuffer leaf) => UsedBytes(leaf.Leaf, leaf.Count);

    private int FreeBytes(ExtentBuffer leaf) => LeafCapacity - UsedBytes(leaf);

    private void SplitLeaf(Key key, int boundary, bool goesLeft)
    {
        MakeRoomAbove(0);
        ExtentBuffer right = Allocate(0, Leaf.Bytenr);
        Leaf.EditLeaf().MoveTailTo(right.EditLeaf(), boundary);
        InsertPointer(1, right, right.FirstKey ?? key);
        if (!goesLeft)
            StepInto(0, right, boundary);
    }

    /// <summary>Sees to it that the parent of the path's block at <paramref name="level"/> can take one more pointer behind it.</summary>
    private void MakeRoomAbove(int level)
    {
        if (level == Root.Level)
            GrowRoot();
        else if (_path[level + 1]!.Count == NodeCapacity)
            MakeNodeRoom(level + 1);
    }

    private void GrowRoot()
    {
        int level = Root.Level + 1;
        if (level >= FormatLimits.MaxTreeLevel)
            throw new InvariantException($"tree {RootId} can't grow above level {FormatLimits.MaxTreeLevel - 1}");

        ExtentBuffer child = _path[Root.Level]!;
        ExtentBuffer root = Allocate(level, child.Bytenr);
        _path[level] = root;
        _slots[level] = -1;
        InsertPointer(level, child, child.FirstKey ?? throw new InvariantException($"tree {RootId} grows above an empty block"));
        _slots[level] = 0;
        SetRoot(root);
    }

    private void MakeNodeRoom(int level)
    {
        if (TryPushNodeRight(level) || TryPushNodeLeft(level))
            return;

        MakeRoomAbove(level);
        ExtentBuffer node = _path[level]!;
        int boundary = _slots[level] == node.Count - 1 ? node.Count - 1 : node.Count / 2;
        ExtentBuffer right = Allocate(level, node.Bytenr);
        node.EditNode().MoveTailTo(right.EditNode(), boundary);
        InsertPointer(level + 1, right, right.Node.Key(0));
        if (_slots[level] >= boundary)
            StepInto(level, right, boundary);
    }

    private bool TryPushNodeRight(int level)
    {
        if (RightSibling(level) is not { } right || !IsWorthSharing(right))
            return false;

        ExtentBuffer node = _path[level]!;
        right = MakeWritable(right, _slots[level + 1] + 1);
        int boundary = (node.Count + right.Count) / 2;
        node.EditNode().MoveTailTo(right.EditNode(), boundary);
        SetChildKey(level, _slots[level + 1] + 1, right);
        if (_slots[level] >= boundary)
            StepInto(level, right, boundary);
        return true;
    }

    private bool TryPushNodeLeft(int level)
    {
        if (LeftSibling(level) is not { } left || !IsWorthSharing(left))
            return false;

        ExtentBuffer node = _path[level]!;
        left = MakeWritable(left, _slots[level + 1] - 1);
        int before = left.Count;
        int howMany = (node.Count - before) / 2;
        node.EditNode().MoveHeadTo(left.EditNode(), howMany);
        SetChildKey(level, _slots[level + 1], node);
        _slots[level] -= howMany;
        if (_slots[level] < 0)
        {
            _path[level] = left;
            _slots[level] += before + howMany;
            _slots[level + 1]--;
        }

        return true;
    }

    private bool IsWorthSharing(ExtentBuffer sibling) => sibling.Count <= NodeCapacity - NodeCapacity / 8;

    /// <summary>Puts a block into the path's node at <paramref name="level"/>, behind the path's slot there.</summary>
    private void InsertPointer(int level, ExtentBuffer child, Key firstKey) => _path[level]!.EditNode().Insert(
        _slots[level] + 1,
        new KeyPointer { Key = new DiskKey(firstKey), Bytenr = child.Bytenr.Value, Generation = child.Generation });

    /// <summary>Moves the path over to the right sibling, which has got what lay from <paramref name="boundary"/> on.</summary>
    private void StepInto(int level, ExtentBuffer right, int boundary)
    {
        _path[level] = right;
        _slots[level] -= boundary;
        _slots[level + 1]++;
    }

    // Only for a child that is not its parent's first, so nothing changes further up. A leaf that is empty now gets its key with its item.
    private void SetChildKey(int level, int slotInParent, ExtentBuffer child)
    {
        Invariant.That(slotInParent > 0);
        if (child.FirstKey is { } key)
            _path[level + 1]!.EditNode().Pointer(slotInParent).Key = new DiskKey(key);
    }

    private ExtentBuffer? RightSibling(int level)
    {
        if (level == Root.Level || _slots[level + 1] + 1 >= _path[level + 1]!.Count)
            return null;
        return ReadChild(level + 1, _slots[level + 1] + 1);
    }

    private ExtentBuffer? LeftSibling(int level)
    {
        if (level == Root.Level || _slots[level + 1] == 0)
            return null;
        return ReadChild(level + 1, _slots[level + 1] - 1);
    }
}
