using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>What a comparison found of one key.</summary>
public enum ItemChange
{
    /// <summary>Only the left tree has it.</summary>
    New,

    /// <summary>Only the right tree has it.</summary>
    Deleted,

    /// <summary>Both have it, with other bytes.</summary>
    Changed,

    /// <summary>Both have it with the same bytes, in leaves that they don't share.</summary>
    Same,
}

/// <summary>
/// Walks two committed trees side by side in key order and yields every item of the leaves that they do not share.
/// A subtree that hangs in both under the same block and generation is skipped unread, so the cost grows with the difference.
/// <para>
/// Which equal items are seen as <see cref="ItemChange.Same"/> depends on how the two trees are cut into blocks. The kernel's send
/// reacts to some of them, so the stepping here is part of the stream's fidelity: both sides move down together where
/// they differ, and the side that stands higher moves first.
/// </para>
/// </summary>
public sealed class TreeComparison
{
    private readonly Side _left;
    private readonly Side _right;

    // One for each level; null where nothing is read ahead.
    private readonly DifferingChildren[]? _ahead;
    private bool _started;
    private bool _moveLeft;
    private bool _moveRight;
    private bool _mayDescend;

    /// <param name="blocks">Where both trees lie.</param>
    /// <param name="left">The one.</param>
    /// <param name="right">The other.</param>
    /// <param name="readsAhead">Whether blocks that differ are asked for before they are reached: not worth it where somebody else goes in front.</param>
    public TreeComparison(IBlockSource blocks, TreeRoot left, TreeRoot right, bool readsAhead = false)
    {
        _left = new Side(blocks, left);
        _right = new Side(blocks, right);
        if (!readsAhead)
            return;

        _ahead = new DifferingChildren[FormatLimits.MaxTreeLevel];
        for (int level = 0; level < _ahead.Length; level++)
            _ahead[level] = new DifferingChildren(blocks);
    }

    public ItemChange Change { get; private set; }

    public Key Key { get; private set; }

    /// <summary>The leaf and slot of the left item; valid unless the item is <see cref="ItemChange.Deleted"/>.</summary>
    public ExtentBuffer LeftLeaf => _left.Block;

    public int LeftSlot => _left.Slot;

    /// <summary>The leaf and slot of the right item; valid unless the item is <see cref="ItemChange.New"/>.</summary>
    public ExtentBuffer RightLeaf => _right.Block;

    public int RightSlot => _right.Slot;

    /// <summary>Moves to the next item that differs or may differ; false at the end of both trees.</summary>
    public bool MoveNext()
    {
        if (!_started)
        {
            _started = true;
            _left.Start();
            _right.Start();
        }

        while (true)
        {
            if (_moveLeft)
                _left.Advance(_mayDescend);
            if (_moveRight)
                _right.Advance(_mayDescend);
            _moveLeft = _moveRight = false;
            _mayDescend = true;

            if (_left.AtEnd && _right.AtEnd)
                return false;

            if (_left.AtEnd || _right.AtEnd)
            {
                bool onLeft = _right.AtEnd;
                Side side = onLeft ? _left : _right;
                _moveLeft = onLeft;
                _moveRight = !onLeft;
                if (side.Level == 0)
                    return Yield(onLeft ? ItemChange.New : ItemChange.Deleted, side.Key);
                continue;
            }

            if (_left.Level != _right.Level)
            {
                _moveLeft = _left.Level > _right.Level;
                _moveRight = !_moveLeft;
                continue;
            }

            int order = _left.Key.CompareTo(_right.Key);
            _moveLeft = order <= 0;
            _moveRight = order >= 0;
            if (_left.Level == 0)
            {
                ItemChange change = order < 0 ? ItemChange.New
                    : order > 0 ? ItemChange.Deleted
                    : SameBytes() ? ItemChange.Same : ItemChange.Changed;
                return Yield(change, order > 0 ? _right.Key : _left.Key);
            }

            _ahead?[_left.Level].Pass(_left.Block, _right.Block, order > 0 ? _right.Key : _left.Key);
            if (order == 0)
                _mayDescend = !SharedChild();
        }
    }

    private bool Yield(ItemChange change, Key key)
    {
        Change = change;
        Key = key;
        return true;
    }

    private bool SameBytes() => _left.Block.Leaf.Data(_left.Slot).SequenceEqual(_right.Block.Leaf.Data(_right.Slot));

    private bool SharedChild()
    {
        ref readonly KeyPointer left = ref _left.Block.Node.Pointer(_left.Slot);
        ref readonly KeyPointer right = ref _right.Block.Node.Pointer(_right.Slot);
        return left.Bytenr.Value == right.Bytenr.Value && left.Generation.Value == right.Generation.Value;
    }

    /// <summary>One tree's position: unlike a cursor it may rest on an inner block.</summary>
    private sealed class Side(IBlockSource blocks, TreeRoot root)
    {
        private readonly ExtentBuffer?[] _path = new ExtentBuffer?[FormatLimits.MaxTreeLevel];
        private readonly int[] _slots = new int[FormatLimits.MaxTreeLevel];

        public int Level { get; private set; }

        public bool AtEnd { get; private set; }

        public ExtentBuffer Block => _path[Level]!;

        public int Slot => _slots[Level];

        public Key Key => Level == 0 ? Block.Leaf.Key(Slot) : Block.Node.Key(Slot);

        public void Start()
        {
            Level = root.Level;
            _path[Level] = blocks.Read(root.Pointer, root.RootId);
            AtEnd = _path[Level]!.Count == 0;
        }

        public void Advance(bool mayDescend)
        {
            if (Level > 0 && mayDescend)
                MoveDown();
            else
                MoveOn();
        }

        private void MoveDown()
        {
            ref readonly KeyPointer pointer = ref Block.Node.Pointer(Slot);
            ExtentBuffer child = blocks.Read(
                new BlockPointer(new LogicalAddress(pointer.Bytenr), pointer.Generation, Level - 1, pointer.Key),
                root.RootId);
            Level--;
            _path[Level] = child;
            _slots[Level] = 0;
        }

        private void MoveOn()
        {
            Key before = Key;
            int level = Level;
            while (++_slots[Level] >= _path[Level]!.Count)
            {
                if (Level == root.Level)
                {
                    AtEnd = true;
                    return;
                }

                Level++;
            }

            // Within a block the gate has seen to the order. Between blocks it keeps the walk finite, as in a cursor.
            if (Level != level && Key <= before)
                throw new CorruptMetadataException(root.RootId, Block.Bytenr, Slot, $"bad key order between blocks, previous {before} current {Key}");
        }
    }
}
