using Btrfs.Check.Extents;
using Btrfs.Check.Walking;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Files;

/// <summary>Walks trees of files. Blocks that several of them share are gone through once, and what they add up to is kept for the others.</summary>
internal sealed class FileTreeWalker
{
    private readonly CheckState _state;
    private readonly InodeJudge _judge;
    private readonly FileLeafScan _leaves;
    private readonly Dictionary<ulong, FileTreeSummary> _shared = [];
    private ulong _root;

    /// <summary>Of a half-deleted tree what lies before this key, from this level down, is gone already.</summary>
    private Key _dropProgress;
    private int _dropLevel;

    public FileTreeWalker(CheckState state)
    {
        _state = state;
        _judge = new InodeJudge(state);
        _leaves = new FileLeafScan(state);
    }

    /// <param name="root">A tree of files, or a relocation tree of one.</param>
    /// <param name="isMute">Whether only its blocks and extents count, since its inodes are not whole.</param>
    /// <returns>All names; null where a block could not be read.</returns>
    public NameSums? Walk(RootRecord root, bool isMute)
    {
        _root = root.Id;
        _judge.Root = root.Id;
        _dropProgress = root.Item.DropProgress;
        _dropLevel = _dropProgress == default ? 0 : root.Item.DropLevel;
        FileTreePart part = new(_judge, isSubtree: false, isMute || _state.Blocks.IsSecondRound);
        Visit(root.Tree.Pointer, Referrer.OfRoot(root.Tree), bound: null, part);
        part.Finish();
        return part.IsBroken || isMute ? null : part.Sums;
    }

    public void ForgetShared() => _shared.Clear();

    private void Visit(in BlockPointer pointer, in Referrer from, Key? bound, FileTreePart part)
    {
        EnteredBlock entered = _state.Blocks.Enter(pointer, _root, from, bound);
        if (entered.WasVisited && _shared.TryGetValue(pointer.Bytenr.Value, out FileTreeSummary? known))
        {
            _state.Blocks.RequireBound(known.LastKey, bound, _root, pointer.Bytenr);
            part.Add(known);
            return;
        }

        if (entered.Buffer is not { } buffer)
        {
            part.Break();
            return;
        }

        bool isShared = entered.Extent >= 0 && _state.Extents.Refs(entered.Extent) > 1;
        if (!isShared)
        {
            Contents(buffer, entered.Extent, bound, part);
            return;
        }

        FileTreePart own = new(_judge, isSubtree: true, _state.Blocks.IsSecondRound);
        Contents(buffer, entered.Extent, bound, own);
        FileTreeSummary summary = own.Summarize(BlockGate.LastKey(buffer));
        _shared.Add(pointer.Bytenr.Value, summary);
        part.Add(summary);
    }

    private void Contents(ExtentBuffer buffer, int extent, Key? bound, FileTreePart part)
    {
        Referrer self = _state.References.ReferrerOf(buffer, extent);
        if (buffer.Level == 0)
        {
            _leaves.Leaf(buffer, self, _root, part);
            return;
        }

        _state.Blocks.Expect(buffer, _root);
        NodeView node = buffer.Node;
        for (int slot = 0; slot < node.Count; slot++)
        {
            Key? next = slot + 1 < node.Count ? node.Key(slot + 1) : bound;
            if (_dropLevel > 0 && buffer.Level >= _dropLevel && slot + 1 < node.Count && next <= _dropProgress)
                continue;

            ref readonly KeyPointer child = ref node.Pointer(slot);
            Visit(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, buffer.Level - 1, child.Key), self, next, part);
        }
    }
}
