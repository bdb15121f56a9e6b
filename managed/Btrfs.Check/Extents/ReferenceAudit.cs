using System.Runtime.InteropServices;
using Btrfs.Check.Walking;
using Btrfs.Format;

namespace Btrfs.Check.Extents;

/// <summary>The second look at extents whose references and back references don't agree: what exactly is missing on which side.</summary>
internal sealed class ReferenceAudit
{
    /// <summary>More are counted and not looked at: where so much is wrong, one more says nothing.</summary>
    private const int MaxExtents = 10_000;

    private readonly CheckState _state;
    private readonly Dictionary<ulong, Dictionary<Reference, Counts>> _extents = [];
    private readonly int _skipped;

    public ReferenceAudit(CheckState state)
    {
        _state = state;
        for (int extent = 0; extent < state.Extents.Count; extent++)
        {
            if (state.Extents.Balance(extent) == 0)
                continue;
            if (_extents.Count < MaxExtents)
                _extents.TryAdd(state.Extents.Bytenr(extent), []);
            else
                _skipped++;
        }
    }

    /// <summary>A reference as either side tells it; inode and offset are 0 for tree blocks and where the parent is named.</summary>
    private readonly record struct Reference(ulong Parent, ulong Root, ulong Inode, ulong Offset);

    private struct Counts
    {
        public long Held;
        public long Listed;
    }

    public bool IsNeeded => _extents.Count > 0;

    public void AddBlock(ulong bytenr, in Referrer from)
    {
        if (_extents.TryGetValue(bytenr, out Dictionary<Reference, Counts>? references))
            Of(references, from.Parent != 0 ? new Reference(from.Parent, 0, 0, 0) : new Reference(0, from.Owner, 0, 0)).Held++;
    }

    public void AddData(ulong bytenr, in Referrer from, ulong inode, ulong offset)
    {
        if (_extents.TryGetValue(bytenr, out Dictionary<Reference, Counts>? references))
            Of(references, from.Parent != 0 ? new Reference(from.Parent, 0, 0, 0) : new Reference(0, from.Owner, inode, offset)).Held++;
    }

    public void AddListed(ulong bytenr, ulong parent, ulong root, ulong inode, ulong offset, uint count)
    {
        if (_extents.TryGetValue(bytenr, out Dictionary<Reference, Counts>? references))
            Of(references, new Reference(parent, root, inode, offset)).Listed += count;
    }

    public void Report()
    {
        foreach ((ulong bytenr, Dictionary<Reference, Counts> references) in _extents)
        {
            foreach ((Reference reference, Counts counts) in references)
                Report(bytenr, reference, counts);
        }

        if (_skipped > 0)
            _state.Log.Add(FindingKind.ExtraBackref, ObjectIds.ExtentTree, null, $"{_skipped} more extents have other references than back references");
    }

    private void Report(ulong bytenr, Reference reference, Counts counts)
    {
        // Who could not be read may hold what seems to be held by nobody.
        if (counts.Held == counts.Listed || (counts.Held < counts.Listed && !_state.HasWholeTrees))
            return;

        // In an extent tree that is out of order not everything that went into the table is found there again.
        int extent = _state.Extents.Find(bytenr);
        Key key = new(bytenr, ItemType.ExtentItem, extent < 0 ? 0 : _state.Extents.Length(extent));
        string what = extent >= 0 && _state.Extents.IsTreeBlock(extent) ? "tree block" : "data extent";
        string who = reference.Parent != 0 ? $"block {reference.Parent}"
            : reference.Inode != 0 ? $"root {(long)reference.Root} inode {reference.Inode} offset {reference.Offset}"
            : $"root {(long)reference.Root}";
        if (counts.Held > counts.Listed)
            _state.Log.Add(FindingKind.MissingBackref, ObjectIds.ExtentTree, key, $"{what} {bytenr} has {counts.Listed} back references for {who}, which refers to it {counts.Held} times");
        else
            _state.Log.Add(FindingKind.ExtraBackref, ObjectIds.ExtentTree, key, $"{what} {bytenr} has {counts.Listed} back references for {who}, which refers to it {counts.Held} times only");
    }

    private static ref Counts Of(Dictionary<Reference, Counts> references, Reference reference) =>
        ref CollectionsMarshal.GetValueRefOrAddDefault(references, reference, out _);
}
