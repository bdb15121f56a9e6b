using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>Asks for the children of two nodes that are compared: those that the nodes do not share, in key order, some way in front of the comparison.</summary>
internal sealed class DifferingChildren(IBlockSource blocks)
{
    // Enough to keep a disk busy. Asked for by halves: neighbours then go to the device together.
    private const int Ahead = 128;

    private readonly List<BlockPointer> _pointers = [];
    private ExtentBuffer? _left;
    private ExtentBuffer? _right;
    private int _passed;
    private int _asked;

    /// <summary>The comparison stands on two nodes of the same level, and will go down at this key next, if it goes down.</summary>
    public void Pass(ExtentBuffer left, ExtentBuffer right, Key key)
    {
        if (left != _left || right != _right)
            Begin(left, right);

        while (_passed < _pointers.Count && _pointers[_passed].FirstKey < key)
            _passed++;
        int wanted = Math.Min(_passed + Ahead, _pointers.Count);
        if (wanted - _asked < Ahead / 2 && wanted < _pointers.Count)
            return;

        _asked = Math.Max(_asked, _passed);
        if (_asked < wanted)
            blocks.Prefetch(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pointers)[_asked..wanted]);
        _asked = wanted;
    }

    private void Begin(ExtentBuffer left, ExtentBuffer right)
    {
        (_left, _right) = (left, right);
        _pointers.Clear();
        _passed = _asked = 0;
        NodeView leftNode = left.Node;
        NodeView rightNode = right.Node;
        int leftSlot = 0;
        int rightSlot = 0;
        while (leftSlot < leftNode.Count || rightSlot < rightNode.Count)
        {
            int order = leftSlot == leftNode.Count ? 1 : rightSlot == rightNode.Count ? -1 : leftNode.Key(leftSlot).CompareTo(rightNode.Key(rightSlot));
            bool isShared = order == 0 && leftNode.Pointer(leftSlot).Bytenr.Value == rightNode.Pointer(rightSlot).Bytenr.Value;
            if (order <= 0)
                Add(leftNode, leftSlot++, left.Level, isShared);
            if (order >= 0)
                Add(rightNode, rightSlot++, right.Level, isShared);
        }
    }

    private void Add(NodeView node, int slot, int level, bool isShared)
    {
        ref readonly KeyPointer child = ref node.Pointer(slot);
        if (!isShared)
            _pointers.Add(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, level - 1, child.Key));
    }
}
