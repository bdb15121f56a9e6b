using System.Diagnostics.CodeAnalysis;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Groups;
using Btrfs.Space.Refs;
using Btrfs.Storage;

namespace Btrfs.Space.Log;

/// <summary>
/// The blocks of log trees. They lie in metadata groups like any other, but no tree tells of them: they have no references, and are reserved until they are
/// given back. All of them are kept in memory, since a log is small.
/// <para>
/// A block that was written is copied before it changes, as the superblock leads to it. The old one is needed until nothing on the disk leads there any more:
/// after the next write of the superblock that is the case for the first copy of it, and after one more for the others (<see cref="LogTrees"/>). So
/// what was given up waits for two turns.
/// </para>
/// </summary>
internal sealed class LogBlocks(ExtentAllocator space, BlockGroupTable groups, TreeBlockAllocator maker, BlockGroupFlags type, int nodeSize)
    : IBlockSource, ITreeBlockAllocator
{
    private readonly Dictionary<ulong, ExtentBuffer> _written = [];
    private readonly Dictionary<ulong, ExtentBuffer> _fresh = [];
    private List<ulong> _givenUp = [];
    private List<ulong> _waiting = [];

    public ulong Generation => maker.Generation;

    /// <summary>Bytes that the log has now, waiting ones left out.</summary>
    public long Bytes => (long)(_written.Count + _fresh.Count) * nodeSize;

    /// <summary>Blocks that the next write has to write.</summary>
    public int FreshCount => _fresh.Count;

    /// <exception cref="NoSpaceException">No group that the last commit knows has room.</exception>
    public ExtentBuffer Allocate(Tree tree, int level, LogicalAddress near)
    {
        if (!space.TryAllocateBlock(type, out LogicalAddress bytenr))
            throw new NoSpaceException("no space left for blocks of the log");

        ExtentBuffer block = maker.Make(tree.RootId, level, bytenr);
        _fresh.Add(bytenr.Value, block);
        return block;
    }

    public void Replace(Tree tree, ExtentBuffer old, ExtentBuffer copy) => Free(tree, old);

    public void Free(Tree tree, ExtentBuffer block)
    {
        ulong bytenr = block.Bytenr.Value;
        if (_fresh.Remove(bytenr))
        {
            GiveBack(bytenr);
            return;
        }

        Invariant.That(_written.Remove(bytenr));
        _givenUp.Add(bytenr);
    }

    public void NoteChange(Tree tree)
    {
    }

    public ExtentBuffer Read(in BlockPointer pointer, ulong root)
    {
        ulong bytenr = pointer.Bytenr.Value;
        if (!TryFind(bytenr, out ExtentBuffer? block))
            throw new InvariantException($"block {bytenr} of the log is not in memory");
        Invariant.That(block.Level == pointer.Level);
        return block;
    }

    public void Prefetch(ReadOnlySpan<BlockPointer> pointers)
    {
    }

    /// <summary>The blocks to be written, by address.</summary>
    public ExtentBuffer[] SortedFresh()
    {
        ExtentBuffer[] blocks = [.. _fresh.Values];
        Array.Sort(blocks, static (left, right) => left.Bytenr.CompareTo(right.Bytenr));
        return blocks;
    }

    /// <summary>The superblock that leads to what was fresh is durable.</summary>
    public void NoteWritten()
    {
        foreach ((ulong bytenr, ExtentBuffer block) in _fresh)
            _written.Add(bytenr, block);
        _fresh.Clear();

        foreach (ulong bytenr in _waiting)
            GiveBack(bytenr);
        _waiting.Clear();
        (_givenUp, _waiting) = (_waiting, _givenUp);
    }

    /// <summary>Gives up everything. A crash must find the log whole up to the commit, so the space is free only after that.</summary>
    public void PinAll(PinnedExtents pinned)
    {
        foreach (ulong bytenr in (IEnumerable<ulong>)[.. _fresh.Keys, .. _written.Keys, .. _givenUp, .. _waiting])
        {
            BlockGroup group = groups.Find(bytenr);
            group.Reserved -= (ulong)nodeSize;
            pinned.Pin(group, bytenr, (ulong)nodeSize);
        }

        _fresh.Clear();
        _written.Clear();
        _givenUp.Clear();
        _waiting.Clear();
    }

    private bool TryFind(ulong bytenr, [NotNullWhen(true)] out ExtentBuffer? block) =>
        _fresh.TryGetValue(bytenr, out block) || _written.TryGetValue(bytenr, out block);

    private void GiveBack(ulong bytenr)
    {
        BlockGroup group = groups.Find(bytenr);
        group.Reserved -= (ulong)nodeSize;
        group.Free!.Add(bytenr - group.Start, (ulong)nodeSize);
    }
}
