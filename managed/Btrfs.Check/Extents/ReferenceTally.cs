using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Extents;

/// <summary>
/// Holds every reference against the back references of the extent tree, without keeping either: each extent has one sum of hashes, to which a back
/// reference adds and from which the reference it stands for takes away. Where a sum is not zero at the end, a second round tells what differs.
/// </summary>
internal sealed class ReferenceTally(CheckState state)
{
    private readonly List<PendingBlock> _pending = [];
    private bool _isSealed;
    private ReferenceAudit? _audit;

    private readonly record struct PendingBlock(BlockPointer Pointer, ulong Root, Referrer From);

    /// <summary>From here on references are recorded by this, and not summed.</summary>
    public void RecordWith(ReferenceAudit audit) => _audit = audit;

    /// <summary>All extents are known: references to the extent tree's own blocks can be counted now.</summary>
    public void Seal()
    {
        _isSealed = true;
        foreach (PendingBlock pending in _pending)
        {
            int extent = AddBlock(pending.Pointer, pending.Root, pending.From);
            if (extent >= 0)
                state.Extents.TryVisit(extent);
        }

        _pending.Clear();
    }

    public Referrer ReferrerOf(ExtentBuffer block, int extent) =>
        extent >= 0 && state.Extents.HasFullBackref(extent) ? new Referrer(block.Bytenr.Value, 0) : new Referrer(0, block.Owner);

    /// <returns>The block's extent; -1 where there is none, or none is known yet.</returns>
    public int AddBlock(in BlockPointer pointer, ulong root, in Referrer from)
    {
        if (!_isSealed)
        {
            _pending.Add(new PendingBlock(pointer, root, from));
            return -1;
        }

        ulong bytenr = pointer.Bytenr.Value;
        int extent = state.Extents.Find(bytenr);
        if (_audit is not null)
        {
            _audit.AddBlock(bytenr, from);
            return extent;
        }

        if (extent < 0)
        {
            ReportMissing(root, new Key(bytenr, ItemType.ExtentItem, (ulong)state.Fs.NodeSize), $"tree block {bytenr} is not allocated in the extent tree");
            return -1;
        }

        state.Extents.Balance(extent) -= ReferenceHash.OfBlock(from);
        if (!state.Extents.IsTreeBlock(extent))
            state.Log.Add(FindingKind.ExtentMismatch, root, KeyOf(extent), $"tree block {bytenr} is allocated as data");
        else if (state.Extents.Level(extent) != pointer.Level)
            state.Log.Add(FindingKind.ExtentMismatch, root, KeyOf(extent), $"tree block {bytenr} has level {pointer.Level}, the extent tree says {state.Extents.Level(extent)}");
        else if (state.Extents.Generation(extent) != pointer.Generation)
            state.Log.Add(FindingKind.ExtentMismatch, root, KeyOf(extent), $"tree block {bytenr} has generation {pointer.Generation}, the extent tree says {state.Extents.Generation(extent)}");
        return extent;
    }

    /// <param name="root">The tree that is walked.</param>
    /// <param name="from">Who holds the file extent.</param>
    /// <param name="key">The file extent's key.</param>
    /// <param name="item">A file extent with an extent on the disk.</param>
    public void AddData(ulong root, in Referrer from, Key key, in FileExtentItem item)
    {
        ulong bytenr = item.DiskBytenr;
        ulong offset = key.Offset - item.Offset;
        if (_audit is not null)
        {
            _audit.AddData(bytenr, from, key.ObjectId, offset);
            return;
        }

        int extent = state.Extents.Find(bytenr);
        if (extent < 0)
        {
            ReportMissing(root, new Key(bytenr, ItemType.ExtentItem, item.DiskNumBytes), $"data extent {bytenr} of inode {key.ObjectId} is not allocated in the extent tree");
            return;
        }

        state.Extents.Balance(extent) -= ReferenceHash.OfData(from, key.ObjectId, offset);
        if (state.Extents.IsTreeBlock(extent))
            state.Log.Add(FindingKind.ExtentMismatch, root, KeyOf(extent), $"data extent {bytenr} of inode {key.ObjectId} is allocated as a tree block");
        else if (state.Extents.Length(extent) != item.DiskNumBytes)
            state.Log.Add(FindingKind.ExtentMismatch, root, KeyOf(extent), $"data extent {bytenr} of inode {key.ObjectId} has {item.DiskNumBytes} bytes, the extent tree says {state.Extents.Length(extent)}");
    }

    /// <summary>Counts what the extent tree says: once while the table is filled, and once for the audit.</summary>
    public void AddBackref(int extent, ulong hash, uint count) => state.Extents.Balance(extent) += hash * count;

    private void ReportMissing(ulong root, Key key, string message)
    {
        if (state.HasWholeExtentTree)
            state.Log.Add(FindingKind.MissingExtent, root, key, message);
    }

    private Key KeyOf(int extent) => new(state.Extents.Bytenr(extent), ItemType.ExtentItem, state.Extents.Length(extent));
}
