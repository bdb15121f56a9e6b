using Btrfs.Check.Extents;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Walking;

/// <summary>Walks a tree that shares no blocks, leaf by leaf in order.</summary>
internal sealed class TreeWalker(CheckState state)
{
    private bool _isWhole;

    /// <returns>Whether every block could be read.</returns>
    public bool Walk(TreeRoot root, Action<ExtentBuffer> onLeaf)
    {
        _isWhole = true;
        Visit(root.Pointer, root.RootId, Referrer.OfRoot(root), bound: null, onLeaf);
        return _isWhole;
    }

    private void Visit(in BlockPointer pointer, ulong root, in Referrer from, Key? bound, Action<ExtentBuffer> onLeaf)
    {
        EnteredBlock entered = state.Blocks.Enter(pointer, root, from, bound);
        if (entered.Buffer is not { } buffer)
        {
            _isWhole = false;
            return;
        }

        if (buffer.Level == 0)
        {
            onLeaf(buffer);
            return;
        }

        Referrer self = state.References.ReferrerOf(buffer, entered.Extent);
        state.Blocks.Expect(buffer, root);
        NodeView node = buffer.Node;
        for (int slot = 0; slot < node.Count; slot++)
        {
            ref readonly KeyPointer child = ref node.Pointer(slot);
            Key? next = slot + 1 < node.Count ? node.Key(slot + 1) : bound;
            Visit(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, buffer.Level - 1, child.Key), root, self, next, onLeaf);
        }
    }
}
