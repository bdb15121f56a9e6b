using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Ctree;

/// <summary>
/// The space below one tree, in memory. It keeps the books that a real one would: what the tree holds, that it gives nothing up twice or with
/// children left in it, and that no change begins untold. Committed blocks stay readable for ever; an address that was never committed is used again at once.
/// </summary>
internal sealed class MemoryBlocks(int nodeSize) : ITreeBlockAllocator, IBlockSource
{
    private readonly Dictionary<ulong, ExtentBuffer> _blocks = [];
    private readonly HashSet<ulong> _held = [];
    private readonly Stack<ulong> _reusable = [];
    private ulong _lastNoted = ulong.MaxValue;
    private ulong _next = 1;

    public ulong Generation { get; private set; } = 10;

    /// <summary>Addresses of the blocks that the tree holds now.</summary>
    public IReadOnlySet<ulong> Held => _held;

    public int Changes { get; private set; }

    /// <summary>How many more blocks there is room for.</summary>
    public int Room { get; set; } = int.MaxValue;

    public Tree CreateTree()
    {
        ExtentBuffer leaf = CreateBlock(ObjectIds.FirstFree, 0);
        return new Tree(new TreeRoot(ObjectIds.FirstFree, leaf.Bytenr, leaf.Generation, 0), this, this, nodeSize);
    }

    public ExtentBuffer CreateBlock(ulong owner, int level)
    {
        ulong bytenr = _reusable.TryPop(out ulong reused) ? reused : _next++ * (ulong)nodeSize;
        byte[] bytes = new byte[nodeSize];
        BlockHeader header = new()
        {
            Bytenr = bytenr,
            Flags = 1UL << 56,
            Generation = Generation,
            Owner = owner,
            Level = (byte)level,
        };
        System.Runtime.InteropServices.MemoryMarshal.Write(bytes, in header);
        ExtentBuffer block = ExtentBuffer.CreateWritable(bytes);
        _blocks[bytenr] = block;
        _held.Add(bytenr);
        return block;
    }

    public ExtentBuffer Allocate(Tree tree, int level, LogicalAddress near)
    {
        RequireNoted(tree);
        if (Room-- <= 0)
            throw new NoSpaceException("no room");
        return CreateBlock(tree.RootId, level);
    }

    public void Replace(Tree tree, ExtentBuffer old, ExtentBuffer copy)
    {
        RequireNoted(tree);
        Assert.That(copy.IsWritable && copy.Generation == Generation && copy.Level == old.Level && _held.Contains(copy.Bytenr.Value));
        Assert.That(copy.Bytes[BlockHeader.Size..].SequenceEqual(old.Bytes[BlockHeader.Size..]) && copy.Count == old.Count, "what is replaced is copied whole");
        GiveUp(old);
    }

    public void Free(Tree tree, ExtentBuffer block)
    {
        RequireNoted(tree);
        Assert.That(block.Count, Is.Zero, "a block that is freed has nothing left in it");
        GiveUp(block);
    }

    public void NoteChange(Tree tree)
    {
        _lastNoted = tree.Version;
        Changes++;
    }

    public ExtentBuffer Read(in BlockPointer pointer, ulong root)
    {
        if (!_blocks.TryGetValue(pointer.Bytenr.Value, out ExtentBuffer? block)
            || block.Generation != pointer.Generation || block.Level != pointer.Level || (pointer.FirstKey is { } key && block.FirstKey != key))
            throw new CorruptMetadataException($"no block {pointer}");

        // What is not the transaction's own may come from the disk again each time.
        return block.IsWritable ? block : ExtentBuffer.Adopt(block.Bytes.ToArray());
    }

    public void Prefetch(ReadOnlySpan<BlockPointer> pointers)
    {
    }

    /// <summary>Ends the transaction: every block is immutable from here on.</summary>
    public void Commit()
    {
        foreach (ExtentBuffer block in _blocks.Values)
            block.Freeze();
        Generation++;
    }

    /// <summary>Writes one block out before the commit: it stays the transaction's own, but is not to be changed any more.</summary>
    public void WriteOut(ulong bytenr) => _blocks[bytenr].Freeze();

    private void GiveUp(ExtentBuffer block)
    {
        ulong bytenr = block.Bytenr.Value;
        Assert.That(_held.Remove(bytenr), "a block is given up once");
        if (!block.IsWritable)
            return;
        _blocks.Remove(bytenr);
        _reusable.Push(bytenr);
    }

    // The tree counts its version up right after it has told of the change.
    private void RequireNoted(Tree tree) => Assert.That(tree.Version, Is.EqualTo(_lastNoted + 1), "a change is told before it begins");
}
