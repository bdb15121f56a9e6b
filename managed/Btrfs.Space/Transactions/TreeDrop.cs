using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Refs;
using Btrfs.Storage;

namespace Btrfs.Space.Transactions;

/// <summary>
/// Drops a dead tree, piece by piece. Blocks that nobody else holds are freed from the bottom up; where a subtree is shared, only the reference to its top
/// goes. But what this tree has made and others share by now says of its children that this tree's root holds them: before that root is no more, those
/// blocks are made to hold their children themselves.
/// </summary>
internal sealed class TreeDrop(SpaceState state, RootState root)
{
    private readonly ExtentBuffer?[] _path = new ExtentBuffer?[FormatLimits.MaxTreeLevel];
    private readonly int[] _slots = new int[FormatLimits.MaxTreeLevel];
    private readonly bool[] _isFull = new bool[FormatLimits.MaxTreeLevel];
    private int _done;

    /// <summary>True when the whole tree is gone.</summary>
    public bool Run(int maxBlocks)
    {
        int top = root.Tree.Root.Level;
        int level = Resume(top);
        while (true)
        {
            ExtentBuffer block = _path[level]!;
            bool isLeaf = level == 0;
            if (!isLeaf && _slots[level] < block.Count)
            {
                if (_done >= maxBlocks)
                {
                    root.Item.DropProgress = new DiskKey(block.Node.Key(_slots[level]));
                    root.Item.DropLevel = (byte)level;
                    state.Roots.Note(root);
                    return false;
                }

                if (TryDescend(level))
                    level--;
                else
                    _slots[level]++;
                continue;
            }

            if (isLeaf)
                state.TreeBlocks.ChangeChildren(block, -1, _isFull[0]);
            state.TreeBlocks.DropBlock(HolderOf(level, top), block);
            _done++;
            if (level == top)
                return true;

            _slots[++level]++;
        }
    }

    // Down to where the last run stopped. All blocks on that way are the tree's alone: else they would have been dropped whole.
    private int Resume(int top)
    {
        TreeRoot tree = root.Tree.Root;
        Push(tree.Pointer);
        Key progress = root.Item.DropProgress;
        int level = top;
        if (progress == default)
            return level;

        for (; level > root.Item.DropLevel; level--)
        {
            _slots[level] = _path[level]!.Node.ChildSlot(progress);
            Push(PointerAt(level));
        }

        _slots[level] = _path[level]!.Node.ChildSlot(progress);
        return level;
    }

    private void Push(BlockPointer pointer)
    {
        _path[pointer.Level] = state.Blocks.Read(pointer, root.Id);
        _slots[pointer.Level] = 0;
        _isFull[pointer.Level] = Lookup(pointer).IsFullBackref;
    }

    private BlockPointer PointerAt(int level)
    {
        ref readonly KeyPointer pointer = ref _path[level]!.Node.Pointer(_slots[level]);
        return new BlockPointer(new LogicalAddress(pointer.Bytenr), pointer.Generation, level - 1, pointer.Key);
    }

    private ExtentInfo Lookup(in BlockPointer pointer)
    {
        ExtentInfo info = state.Extents.Lookup(pointer.Bytenr.Value, (ulong)state.Committed.NodeSize, pointer.Level);
        return info.References != 0
            ? info
            : throw new CorruptMetadataException(root.Id, pointer.Bytenr, -1, "the extent tree says that nothing references the block");
    }

    private ReferenceKey HolderOf(int level, int top) =>
        level < top && _isFull[level + 1] ? ReferenceKey.OfParentBlock(_path[level + 1]!.Bytenr.Value) : ReferenceKey.OfTree(root.Id);

    // False where the child is shared, and the reference to it was all there was to drop.
    private bool TryDescend(int level)
    {
        BlockPointer child = PointerAt(level);
        ExtentInfo info = Lookup(child);
        if (info.References == 1)
        {
            Push(child);
            return true;
        }

        // What is older than this tree, as of its being a snapshot, can't be of its own making.
        if (child.Generation > root.Key.Offset)
            HandOver(child);
        state.TreeBlocks.DropBlock(HolderOf(level - 1, root.Tree.Root.Level), child.Bytenr.Value, child.Level, owner: 0);
        _done++;
        return false;
    }

    private void HandOver(in BlockPointer pointer)
    {
        ExtentBuffer block = state.Blocks.Read(pointer, root.Id);
        if (block.Owner != root.Id)
            return;

        _done++;
        if (!Lookup(pointer).IsFullBackref)
        {
            state.TreeBlocks.MakeFullBackref(block);
            state.TreeBlocks.ChangeChildren(block, -1, byBlock: false);
        }

        if (block.Level == 0)
            return;

        NodeView node = block.Node;
        for (int slot = 0; slot < node.Count; slot++)
        {
            ref readonly KeyPointer child = ref node.Pointer(slot);
            if (child.Generation > root.Key.Offset)
                HandOver(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, block.Level - 1, child.Key));
        }
    }
}
