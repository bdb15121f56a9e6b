using System.Diagnostics.CodeAnalysis;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Transactions;

/// <summary>
/// The blocks of the running transaction over those of the last commit. A block that the commit holds keeps its address until the next commit, so an
/// address means the same block to both.
/// </summary>
internal sealed class TransactionBlocks(ExtentBufferReader committed) : IBlockSource
{
    private readonly Dictionary<ulong, ExtentBuffer> _dirty = [];

    public int DirtyCount => _dirty.Count;

    public ExtentBuffer Read(in BlockPointer pointer, ulong root)
    {
        if (!_dirty.TryGetValue(pointer.Bytenr.Value, out ExtentBuffer? block))
            return committed.Read(pointer, root);

        Invariant.That(block.Level == pointer.Level && (pointer.Generation == 0 || block.Generation == pointer.Generation));
        return block;
    }

    public void Prefetch(ReadOnlySpan<BlockPointer> pointers) => committed.Prefetch(pointers);

    public void Add(ExtentBuffer block) => _dirty.Add(block.Bytenr.Value, block);

    /// <summary>A block of this transaction that is not needed any more, and never will be written.</summary>
    public void Drop(ExtentBuffer block)
    {
        if (_dirty.Remove(block.Bytenr.Value))
            block.Freeze();
    }

    public bool TryGetDirty(ulong bytenr, [NotNullWhen(true)] out ExtentBuffer? block) => _dirty.TryGetValue(bytenr, out block);

    /// <summary>Ends changes in place of a tree's blocks. They stay, and are written with the commit.</summary>
    public void FreezeOwnedBy(ulong rootId)
    {
        foreach (ExtentBuffer block in _dirty.Values)
        {
            if (block.Owner == rootId)
                block.Freeze();
        }
    }

    /// <summary>All that a commit has to write, by address.</summary>
    public ExtentBuffer[] SortedDirty()
    {
        ExtentBuffer[] blocks = [.. _dirty.Values];
        Array.Sort(blocks, (left, right) => left.Bytenr.CompareTo(right.Bytenr));
        return blocks;
    }

    /// <summary>The commit is durable: its blocks are the committed ones now.</summary>
    public void MoveToCommitted()
    {
        foreach (ExtentBuffer block in _dirty.Values)
            committed.Keep(block);
        _dirty.Clear();
    }
}
