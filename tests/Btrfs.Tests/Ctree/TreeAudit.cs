using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Ctree;

/// <summary>A walk over all of a tree that holds its structure against the rules, and what it found.</summary>
internal sealed class TreeAudit
{
    private readonly IBlockSource _blocks;
    private readonly ulong _rootId;
    private readonly BlockContext _context;

    private TreeAudit(Tree tree, IBlockSource blocks)
    {
        _blocks = blocks;
        _rootId = tree.RootId;
        _context = new()
        {
            NodeSize = tree.NodeSize,
            SectorSize = 4096,
            Incompat = IncompatFlags.SkinnyMetadata | IncompatFlags.NoHoles,
            Csum = ChecksumType.Crc32C,
            Generation = ulong.MaxValue - 1,
        };
    }

    public HashSet<ulong> Reached { get; } = [];

    public int Leaves { get; private set; }

    public long UsedBytes { get; private set; }

    public List<KeyValuePair<Key, byte[]>> Items { get; } = [];

    /// <summary>How full the leaves are, from 0 to 1.</summary>
    public double Fill => (double)UsedBytes / Leaves / (_context.NodeSize - BlockHeader.Size);

    public static TreeAudit Of(Tree tree, MemoryBlocks blocks)
    {
        TreeAudit audit = new(tree, blocks);
        audit.Visit(blocks.Read(tree.Root.Pointer, tree.RootId), null, null, isRoot: true);
        Assert.That(audit.Reached, Is.EquivalentTo(blocks.Held), "the tree holds what it reaches, and nothing else");
        return audit;
    }

    private void Visit(ExtentBuffer block, Key? first, Key? end, bool isRoot)
    {
        BlockCheck.Verify(block.Bytes, in _context);
        Assert.That(Reached.Add(block.Bytenr.Value), "a block hangs in the tree once");
        Assert.That(block.Owner, Is.EqualTo(_rootId));
        Assert.That(isRoot || block.FirstKey == first, $"the parent of block {block.Bytenr} repeats its first key");
        if (block.Level == 0)
            VisitLeaf(block, end, isRoot);
        else
            VisitNode(block, end, isRoot);
    }

    private void VisitNode(ExtentBuffer block, Key? end, bool isRoot)
    {
        NodeView node = block.Node;
        Assert.That(!isRoot || node.Count > 1, "a root with one child collapses");
        for (int slot = 0; slot < block.Count; slot++)
        {
            node = block.Node;
            KeyPointer pointer = node.Pointer(slot);
            Key? next = slot + 1 < node.Count ? node.Key(slot + 1) : end;
            Assert.That(next is null || pointer.Key < next);
            Assert.That(pointer.Generation.Value, Is.LessThanOrEqualTo(block.Generation));
            Visit(_blocks.Read(new BlockPointer(new LogicalAddress(pointer.Bytenr), pointer.Generation, block.Level - 1, pointer.Key), _rootId), pointer.Key, next, isRoot: false);
        }
    }

    private void VisitLeaf(ExtentBuffer block, Key? end, bool isRoot)
    {
        LeafView leaf = block.Leaf;
        Assert.That(isRoot || leaf.Count > 0, "only a lone root may be an empty leaf");
        Leaves++;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            Assert.That(end is null || leaf.Key(slot) < end);
            UsedBytes += ItemHeader.Size + leaf.Data(slot).Length;
            Items.Add(new(leaf.Key(slot), leaf.Data(slot).ToArray()));
        }
    }
}
