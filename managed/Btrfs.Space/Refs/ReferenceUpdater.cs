using Btrfs.Format;
using Btrfs.Space.Csums;
using Btrfs.Space.FreeSpace;
using Btrfs.Space.Groups;
using Btrfs.Space.Quotas;
using Btrfs.Space.Transactions;

namespace Btrfs.Space.Refs;

/// <summary>Runs delayed references: enters, changes and removes extents in the extent tree, and tells of it all who keeps account of space.</summary>
internal sealed class ReferenceUpdater(
    ExtentTree extents,
    DelayedReferences delayed,
    BlockGroupTable groups,
    ChunkItems chunkItems,
    PinnedExtents pinned,
    FreeSpaceTree? freeSpace,
    ChecksumItems checksums,
    SimpleQuota? quota,
    TransactionBlocks blocks)
{
    private readonly InlineReferences _item = new();
    private readonly KeyedReferences _keyed = new(extents.Tree);

    /// <summary>Runs everything that waits, and what comes up meanwhile.</summary>
    /// <param name="generation">The running transaction.</param>
    /// <exception cref="CorruptMetadataException">The extent tree contradicts what is to be changed.</exception>
    public void RunAll(ulong generation)
    {
        while (delayed.Count > 0)
        {
            foreach (DelayedExtent extent in delayed.TakeAll())
            {
                // To note something about a group of the free-space tree takes the group's being there.
                chunkItems.InsertPending();
                Run(extent, generation);
            }
        }
    }

    private void Run(DelayedExtent extent, ulong generation)
    {
        if (!extent.IsNew)
            Update(extent, generation);
        else if (extent.Sum > 0)
            Insert(extent, generation);
        else
            GiveUp(extent);
    }

    private void Insert(DelayedExtent extent, ulong generation)
    {
        ExtentFlags flags = extent.IsData ? ExtentFlags.Data : ExtentFlags.TreeBlock;
        if (extent.SetsFullBackref)
            flags |= ExtentFlags.FullBackref;
        Key key = extents.KeyOf(extent.Bytenr, extent.Bytes, extent.Level);
        _item.Start(
            new ExtentItem { Refs = (ulong)extent.Sum, Generation = generation, Flags = flags },
            key.Type == ItemType.ExtentItem && !extent.IsData ? InfoOf(extent) : null,
            extent.IsData && quota is not null ? extent.OwnerRoot : null);
        bool hasKeyed = false;
        foreach ((ReferenceKey reference, int count) in extent.Changes)
        {
            Invariant.That(count >= 0);
            if (count > 0 && _item.Size + InlineReferences.SizeOf(reference) < extents.MaxItemSize)
                _item.Add(reference, (uint)count);
            else if (count > 0)
                hasKeyed = true;
        }

        _item.Write(extents.Tree.Insert(key, _item.Size));
        if (hasKeyed)
        {
            foreach ((ReferenceKey reference, int count) in extent.Changes)
            {
                if (count > 0 && _item.Find(reference) < 0)
                    _keyed.Add(extent.Bytenr, reference, (uint)count);
            }
        }

        BlockGroup group = groups.Find(extent.Bytenr);
        Invariant.That(group.Reserved >= extent.Bytes);
        group.Reserved -= extent.Bytes;
        group.Used += extent.Bytes;
        group.IsItemDirty = true;
        freeSpace?.Remove(group, extent.Bytenr, extent.Bytes);
        quota?.Charge(extent.OwnerRoot, extent.Bytes, generation);
    }

    private void Update(DelayedExtent extent, ulong generation)
    {
        _item.Read(extents.Find(extent.Bytenr, extent.Bytes, extent.Level, out Key key), key.Type);
        bool? hasKeyed = null;

        // What is added goes before what is dropped: counts never fall through zero on the way.
        foreach ((ReferenceKey reference, int count) in extent.Changes)
        {
            if (count > 0)
                Add(extent.Bytenr, reference, (uint)count, ref hasKeyed);
        }

        foreach ((ReferenceKey reference, int count) in extent.Changes)
        {
            if (count < 0)
                Drop(extent.Bytenr, reference, (uint)-count);
        }

        if ((long)_item.Head.Refs.Value + extent.Sum < 0)
            throw new CorruptMetadataException($"corrupt metadata: extent {extent.Bytenr} has {_item.Head.Refs} references, fewer than are dropped ({-extent.Sum})");

        _item.Head.Refs += (ulong)extent.Sum;
        if (extent.SetsFullBackref)
            _item.Head.Flags |= ExtentFlags.FullBackref;
        if (_item.Head.Refs != 0)
        {
            _item.Write(extents.Tree.Resize(key, _item.Size));
            return;
        }

        if (!_item.IsEmpty)
            throw new CorruptMetadataException($"corrupt metadata: extent {extent.Bytenr} counts no references, but has some");
        extents.Tree.Delete(key);
        Remove(extent, generation);
    }

    private void Add(ulong bytenr, in ReferenceKey reference, uint count, ref bool? hasKeyed)
    {
        int at = _item.Find(reference);
        if (at >= 0 && reference.IsData)
        {
            _item.SetCount(at, _item.CountAt(at) + count);
            return;
        }

        if (at >= 0 || (!reference.IsData && count > 1))
            throw new CorruptMetadataException($"corrupt metadata: block {bytenr} has its back reference {reference} already");

        // As the kernel: once a reference had to go out of the item, new ones follow it.
        hasKeyed ??= _keyed.Any(bytenr);
        if (hasKeyed.Value || _item.Size + InlineReferences.SizeOf(reference) >= extents.MaxItemSize)
        {
            _keyed.Add(bytenr, reference, count);
            hasKeyed = true;
        }
        else
        {
            _item.Add(reference, count);
        }
    }

    private void Drop(ulong bytenr, in ReferenceKey reference, uint count)
    {
        int at = _item.Find(reference);
        if (at < 0)
            _keyed.Drop(bytenr, reference, count);
        else if (_item.CountAt(at) < count)
            throw KeyedReferences.Missing(bytenr, reference, count);
        else
            _item.SetCount(at, _item.CountAt(at) - count);
    }

    private void Remove(DelayedExtent extent, ulong generation)
    {
        if (extent.IsData)
            checksums.Delete(extent.Bytenr, extent.Bytes);

        BlockGroup group = groups.Find(extent.Bytenr);
        if (group.Used < extent.Bytes)
            throw new CorruptMetadataException($"corrupt metadata: {group} has {group.Used} bytes used, fewer than the extent {extent.Bytenr} of {extent.Bytes} bytes");
        group.Used -= extent.Bytes;
        group.IsItemDirty = true;
        freeSpace?.Add(group, extent.Bytenr, extent.Bytes);
        pinned.Pin(group, new FreedExtent(extent.Bytenr, extent.Bytes, Born: _item.Head.Generation, Freed: generation, extent.IsData));
        quota?.Discharge(extent.IsData ? _item.OwnerRoot ?? 0 : extent.OwnerRoot, extent.Bytes, _item.Head.Generation);
    }

    // Allocated and given up in one transaction.
    private void GiveUp(DelayedExtent extent)
    {
        if (extent.IsData)
            checksums.Delete(extent.Bytenr, extent.Bytes);
        BlockGroup group = groups.Find(extent.Bytenr);
        group.Reserved -= extent.Bytes;
        pinned.Pin(group, extent.Bytenr, extent.Bytes);
        if (blocks.TryGetDirty(extent.Bytenr, out Storage.ExtentBuffer? block))
            blocks.Drop(block);
    }

    private TreeBlockInfo InfoOf(DelayedExtent extent)
    {
        Key first = blocks.TryGetDirty(extent.Bytenr, out Storage.ExtentBuffer? block) ? block.FirstKey ?? default : default;
        return new TreeBlockInfo { Key = new DiskKey(first), Level = (byte)extent.Level };
    }
}
