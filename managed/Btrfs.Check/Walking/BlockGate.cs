using Btrfs.Check.Extents;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Walking;

/// <summary>What came of a pointer to a tree block.</summary>
internal readonly record struct EnteredBlock(ExtentBuffer? Buffer, int Extent, bool WasVisited);

/// <summary>
/// The way into every tree block: counts the reference to it, and reads it if nobody did before. Each block is read once, however many trees share
/// it, which also keeps a walk finite over blocks that hang under many nodes.
/// </summary>
internal sealed class BlockGate(CheckState state) : IDisposable
{
    private readonly ReadAhead _ahead = new(state.Fs);

    /// <summary>Visited blocks that the extent tree doesn't have, or doesn't have yet.</summary>
    private readonly HashSet<ulong> _unlisted = [];

    /// <summary>Whether any block could not be read.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Set to go through all trees once more for what was noted in the first round: nothing is told or summed twice.</summary>
    public bool IsSecondRound { get; private set; }

    public void BeginSecondRound()
    {
        IsSecondRound = true;
        _unlisted.Clear();
        state.Extents.ForgetVisits();
    }

    /// <param name="pointer">What the parent says.</param>
    /// <param name="root">The tree that is walked.</param>
    /// <param name="from">Who holds the pointer.</param>
    /// <param name="bound">The next key of the parent, or of one above it: all keys of the block lie below. Null for none.</param>
    public EnteredBlock Enter(in BlockPointer pointer, ulong root, in Referrer from, Key? bound)
    {
        state.Cancellation.ThrowIfCancellationRequested();
        int extent = state.References.AddBlock(pointer, root, from);
        bool isFirst = extent >= 0 ? state.Extents.TryVisit(extent) : _unlisted.Add(pointer.Bytenr.Value);
        if (!isFirst)
            return new EnteredBlock(null, extent, WasVisited: true);

        ExtentBuffer buffer;
        try
        {
            buffer = _ahead.Read(pointer, root);
        }
        catch (CorruptMetadataException error)
        {
            HasFailed = true;
            if (!IsSecondRound)
                state.Log.Add(FindingKind.CorruptBlock, root, null, error.Message);
            return new EnteredBlock(null, extent, WasVisited: false);
        }

        if (!IsSecondRound)
        {
            Count(buffer, root);
            RequireBound(LastKey(buffer), bound, root, pointer.Bytenr);
        }

        return new EnteredBlock(buffer, extent, WasVisited: false);
    }

    /// <summary>What a node points to will be entered next.</summary>
    public void Expect(ExtentBuffer node, ulong root) => _ahead.Plan(node, root, IsWanted);

    public void Dispose() => _ahead.Dispose();

    private bool IsWanted(ulong bytenr)
    {
        int extent = state.Extents.Find(bytenr);
        return extent >= 0 ? !state.Extents.IsVisited(extent) : !_unlisted.Contains(bytenr);
    }

    public void RequireBound(Key? last, Key? bound, ulong root, LogicalAddress block)
    {
        if (last >= bound && !IsSecondRound)
            state.Log.Add(FindingKind.KeyOrder, root, last, $"block {block} ends with key {last}, behind the next block's {bound}");
    }

    public static Key? LastKey(ExtentBuffer buffer) =>
        buffer.Count == 0 ? null : buffer.Level == 0 ? buffer.Leaf.Key(buffer.Count - 1) : buffer.Node.Key(buffer.Count - 1);

    private void Count(ExtentBuffer buffer, ulong root)
    {
        CheckTotals totals = state.Totals;
        ulong size = (ulong)state.Fs.NodeSize;
        totals.TreeBlocks++;
        totals.TreeBytes += size;
        if (root == ObjectIds.ExtentTree)
            totals.ExtentTreeBytes += size;
        else if (ObjectIds.IsFileTree(root) || root == ObjectIds.DataRelocTree)
            totals.FileTreeBytes += size;

        int room = buffer.Bytes.Length - BlockHeader.Size;
        if (buffer.Level > 0)
            totals.TreeWasteBytes += (ulong)((room / KeyPointer.Size - buffer.Count) * KeyPointer.Size);
        else if (buffer.Count > 0)
            totals.TreeWasteBytes += buffer.Leaf.Item(buffer.Count - 1).DataOffset - (ulong)(buffer.Count * ItemHeader.Size);
        else
            totals.TreeWasteBytes += (ulong)room;
    }
}
