using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// Copy on write. Blocks are copied from the root down, so a parent is writable before a pointer in it has to change. Each copy
/// is whole, with its parent and the references put right, before the next begins.
/// </summary>
public sealed partial class Tree
{
    // Set while the allocator is at work, which must not come back to this tree, as the path would not hold; and it stays set where
    // the allocator fails: the tree is half changed then, and only the abort of the transaction is left to it.
    private bool _isMidChange;

    /// <summary>Copies the root block, even if it is the transaction's own, so that what hangs below may be shared. For taking a snapshot.</summary>
    /// <returns>The root block as it is now.</returns>
    public ExtentBuffer CopyRoot()
    {
        RequireWhole();
        BeginChange();
        _path[Root.Level] = CopyBlock(_path[Root.Level] ?? _blocks.Read(Root.Pointer, RootId), slotInParent: 0);
        return _path[Root.Level]!;
    }

    private void RequireWhole()
    {
        if (_isMidChange)
            throw new InvariantException($"tree {RootId} is used in the midst of a change of it, or after one that failed");
    }

    private void BeginChange()
    {
        _allocator.NoteChange(this);
        Version++;
    }

    /// <summary>Begins a change of the leaf that a search has just found, with the whole path writable.</summary>
    private LeafEditor BeginEdit()
    {
        BeginChange();
        for (int level = Root.Level; level >= 0; level--)
        {
            ExtentBuffer block = _path[level]!;
            if (!block.IsWritable)
                _path[level] = CopyBlock(block, level < Root.Level ? _slots[level + 1] : 0);
        }

        return Leaf.EditLeaf();
    }

    /// <summary>The block itself if it is writable, else its copy. The path must hold its parent, writable.</summary>
    private ExtentBuffer MakeWritable(ExtentBuffer block, int slotInParent) => block.IsWritable ? block : CopyBlock(block, slotInParent);

    private ExtentBuffer CopyBlock(ExtentBuffer old, int slotInParent)
    {
        ExtentBuffer copy = Allocate(old.Level, old.Bytenr);
        Span<byte> bytes = copy.WritableBytes;
        old.Bytes[BlockHeader.Size..].CopyTo(bytes[BlockHeader.Size..]);
        if (old.Level == 0)
            copy.EditLeaf().Header.ItemCount = old.Header.ItemCount;
        else
            copy.EditNode().Header.ItemCount = old.Header.ItemCount;

        if (old.Level == Root.Level)
        {
            SetRoot(copy);
        }
        else
        {
            ref KeyPointer pointer = ref _path[old.Level + 1]!.EditNode().Pointer(slotInParent);
            pointer.Bytenr = copy.Bytenr.Value;
            pointer.Generation = copy.Generation;
        }

        _isMidChange = true;
        _allocator.Replace(this, old, copy);
        _isMidChange = false;
        return copy;
    }

    private ExtentBuffer Allocate(int level, LogicalAddress near)
    {
        _isMidChange = true;
        ExtentBuffer block = _allocator.Allocate(this, level, near);
        _isMidChange = false;
        Invariant.That(block.IsWritable && block.Level == level && block.Count == 0 && block.Bytes.Length == NodeSize);
        return block;
    }

    private void Free(ExtentBuffer block)
    {
        Invariant.That(block.IsWritable && block.Count == 0);

        // Its address may come back as another block's, so it must not be taken for that one.
        if (_path[block.Level] == block)
            _path[block.Level] = null;
        _isMidChange = true;
        _allocator.Free(this, block);
        _isMidChange = false;
    }

    private void SetRoot(ExtentBuffer block) => Root = new TreeRoot(RootId, block.Bytenr, block.Generation, block.Level);

    /// <summary>Repeats the new first key of the path's block at <paramref name="level"/> in its parent, and above as far as it is the first there, too.</summary>
    private void FixFirstKeys(int level, Key key)
    {
        _isRangeKnown = false;
        DiskKey diskKey = new(key);
        for (int above = level + 1; above <= Root.Level; above++)
        {
            _path[above]!.EditNode().Pointer(_slots[above]).Key = diskKey;
            if (_slots[above] > 0)
                return;
        }
    }
}
