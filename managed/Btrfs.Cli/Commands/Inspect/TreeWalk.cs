using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Inspect;

internal enum WalkOrder
{
    /// <summary>The root, then every block of the level below it, and so on down to the leaves.</summary>
    BreadthFirst,

    /// <summary>Each node before the blocks below it.</summary>
    DepthFirst,

    /// <summary>Leaves only.</summary>
    Leaves,
}

/// <summary>
/// Visits the blocks of a tree with no more than one path of it in memory. A block that can't be read, or that holds keys of its next
/// sibling, is reported and passed over with all that is below it.
/// </summary>
internal sealed class TreeWalk(ExtentBufferReader blocks, Action<string> report)
{
    /// <param name="root">Where the walk begins.</param>
    /// <param name="tree">The tree on whose behalf blocks are read.</param>
    /// <param name="order">Which blocks, and when.</param>
    /// <param name="visit">Is given each block once.</param>
    public void Visit(ExtentBuffer root, ulong tree, WalkOrder order, Action<ExtentBuffer> visit)
    {
        switch (order)
        {
            case WalkOrder.BreadthFirst:
                // The nodes above a level are read again for it: that keeps memory small, and they are few and in the cache.
                for (int level = root.Level; level >= 0; level--)
                    Descend(root, null, new Pass(tree, level, level, visit) { PassesOthersInSilence = true });
                break;
            case WalkOrder.DepthFirst:
                Descend(root, null, new Pass(tree, root.Level, 0, visit));
                break;
            case WalkOrder.Leaves:
                Descend(root, null, new Pass(tree, 0, 0, visit));
                break;
        }
    }

    // The reader sees to it that levels fall by one and that a block begins with the key that its parent gives; keys end before the
    // next sibling's begin. So no two blocks of a level share a key, none is met twice in a pass, and a tree of loops ends.
    private void Descend(ExtentBuffer block, Key? end, Pass pass)
    {
        if (block.Level <= pass.Highest)
            pass.Visit(block);
        if (block.Level <= pass.Lowest)
            return;

        for (int slot = 0; slot < block.Count; slot++)
        {
            Key? childEnd = slot + 1 < block.Count ? block.Node.Key(slot + 1) : end;
            if (TryReadChild(block, slot, childEnd, pass) is { } child)
                Descend(child, childEnd, pass);
        }
    }

    private ExtentBuffer? TryReadChild(ExtentBuffer parent, int slot, Key? end, Pass pass)
    {
        string? fault;
        try
        {
            KeyPointer pointer = parent.Node.Pointer(slot);
            ExtentBuffer child = blocks.Read(
                new BlockPointer(new LogicalAddress(pointer.Bytenr), pointer.Generation, parent.Level - 1, pointer.Key), pass.Tree);
            fault = FaultOf(child, end, pass.Tree);
            if (fault is null)
                return child;
        }
        catch (CorruptMetadataException error)
        {
            fault = error.Message;
        }

        if (!pass.PassesOthersInSilence || parent.Level - 1 == pass.Lowest)
            report(fault);
        return null;
    }

    private static string? FaultOf(ExtentBuffer block, Key? end, ulong tree)
    {
        if (end is null || block.Count == 0)
            return null;

        int last = block.Count - 1;
        Key key = block.Level == 0 ? block.Leaf.Key(last) : block.Node.Key(last);
        return key < end ? null : new CorruptMetadataException(tree, block.Bytenr, last, $"key {key} is not below {end}, where the next block begins").Message;
    }

    /// <param name="Tree">The tree that blocks are read for.</param>
    /// <param name="Highest">Blocks above this level are only passed through.</param>
    /// <param name="Lowest">Nothing below this level is read.</param>
    /// <param name="Visit">Is given the blocks of these levels.</param>
    private sealed record Pass(ulong Tree, int Highest, int Lowest, Action<ExtentBuffer> Visit)
    {
        /// <summary>What is broken above the levels of this pass was reported by an earlier one.</summary>
        public bool PassesOthersInSilence { get; init; }
    }
}
