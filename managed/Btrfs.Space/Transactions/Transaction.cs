using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Groups;
using Btrfs.Space.Refs;
using Btrfs.Storage;

namespace Btrfs.Space.Transactions;

/// <summary>
/// A writer's part in the running transaction: it holds the file system's writer lock from <see cref="FsWriter.Begin"/> to <see cref="Dispose"/>.
/// Whoever changes something calls <see cref="Complete"/> when the change is whole. Without that, once the first block has changed, Dispose aborts:
/// the file system latches read-only and the disk keeps the last commit. What throws before the first change (a name that exists) costs nothing.
/// A part may hold several such changes, one after the other: each but the first begins with <see cref="BeginStep"/>.
/// </summary>
public sealed partial class Transaction : IDisposable
{
    private readonly SpaceState _state;
    private readonly string _what;
    private bool _hadChanged;
    private bool _isComplete;
    private bool _mustCommit;
    private bool _isDisposed;

    internal Transaction(FsWriter writer, string what)
    {
        Writer = writer;
        _what = what;
        _state = writer.State;
        _hadChanged = _state.TreeBlocks.HasChanged;
        _state.TreeBlocks.HasChanged = false;
    }

    public FsWriter Writer { get; }

    /// <summary>The number that this transaction's blocks and items carry: transid.</summary>
    public ulong Generation => _state.Generation;

    /// <summary>The state so far, for all the reading classes (Subvolume, PathLookup, FileReader, ...): valid until the next change.</summary>
    public FsInfo Running => _state.Running;

    /// <summary>Whether any block has changed in this part, or in this step of it.</summary>
    public bool HasChanged => _state.TreeBlocks.HasChanged;

    /// <summary>Whether a change was left half done: the end of the part will be an abort.</summary>
    public bool IsHalfDone => HasChanged && !_isComplete;

    /// <summary>A tree by id, to be changed: subvolumes, and RootTree, CsumTree, UuidTree, QuotaTree, ...</summary>
    /// <exception cref="CorruptMetadataException">There is none.</exception>
    public Tree GetTree(ulong rootId) => _state.Roots.Get(rootId).Tree;

    /// <summary>A tree and its root item, to be changed.</summary>
    /// <exception cref="CorruptMetadataException">There is none.</exception>
    public RootState GetRoot(ulong rootId) => _state.Roots.Get(rootId);

    public RootState? TryGetRoot(ulong rootId) => _state.Roots.TryGet(rootId);

    /// <summary>Says that a root item was changed in place, so that the commit writes it.</summary>
    public void NoteRootChanged(RootState root)
    {
        _state.TreeBlocks.HasChanged = true;
        _state.Roots.Note(root);
    }

    /// <summary>Sets a feature bit in the superblock, as the first use of a feature does (a compression, a default subvolume).</summary>
    public void EnableFeature(IncompatFlags feature)
    {
        if ((_state.Superblock.Incompat & feature) == feature)
            return;

        _state.TreeBlocks.HasChanged = true;
        _state.Superblock.Incompat |= feature;
    }

    /// <summary>The same for a feature that readers need not know of.</summary>
    public void EnableFeature(CompatRoFlags feature)
    {
        if ((_state.Superblock.CompatRo & feature) == feature)
            return;

        _state.TreeBlocks.HasChanged = true;
        _state.Superblock.CompatRo |= feature;
    }

    /// <summary>
    /// Whether a part that has been going on may take one more change in. Where it says no, the part is to be ended, and the change begins the next:
    /// by then there may have been a commit.
    /// </summary>
    /// <param name="items">Of the one change, as for <see cref="FsWriter.Begin"/>.</param>
    /// <param name="policy">What it may use when space is short.</param>
    public bool HasRoom(int items, ReservePolicy policy) => Writer.HasRoom(items, policy);

    /// <summary>Sets the label in the superblock: at most 255 bytes.</summary>
    public void SetLabel(ReadOnlySpan<byte> label)
    {
        Invariant.That(label.Length < FormatLimits.LabelSize);
        _state.TreeBlocks.HasChanged = true;
        _state.Superblock.LabelField.Clear();
        label.CopyTo(_state.Superblock.LabelField);
    }

    /// <summary>Ends every device behind the last block group on it. What is behind may be cut off after the commit.</summary>
    public void ShrinkDevices()
    {
        foreach (DeviceSpace device in _state.Chunks.Devices)
        {
            ulong cut = device.Shrink();
            _state.TreeBlocks.HasChanged |= cut > 0;
            _state.Superblock.TotalBytes -= cut;
        }
    }

    /// <summary>Makes a tree with one empty leaf, and its root item in the root tree (whose bytenr, level and generation are filled in).</summary>
    /// <param name="key">Of the root item.</param>
    /// <param name="item">The root item.</param>
    /// <param name="shownBy">The subvolume that shows the new one.</param>
    public RootState CreateRoot(Key key, in RootItem item, ulong shownBy)
    {
        Tree tree = _state.Roots.NewTree(new TreeRoot(key.ObjectId, default, 0, 0), lastSnapshot: 0);
        ExtentBuffer leaf = _state.TreeBlocks.Allocate(tree, level: 0, near: default);
        RootState root = _state.Roots.Add(key, item, new TreeRoot(key.ObjectId, leaf.Bytenr, leaf.Generation, 0));
        _state.Quota.AddSubvolume(key.ObjectId, shownBy, Generation);
        return root;
    }

    /// <summary>
    /// Makes a tree that shares everything with <paramref name="source"/> as that is now: its root block copied, references added, and the source's
    /// last-snapshot number set. With the end of this part the transaction is committed, as the kernel does for each snapshot: which blocks are shared is told by
    /// their generation, so nothing more may be made in the generation that ends with the snapshot.
    /// </summary>
    /// <param name="source">A tree of files.</param>
    /// <param name="key">Of the new root item: its offset is the transaction's number.</param>
    /// <param name="item">The new root item, but for bytenr, level, generation and last snapshot.</param>
    /// <param name="shownBy">The subvolume that shows the new one.</param>
    public RootState SnapshotRoot(RootState source, Key key, in RootItem item, ulong shownBy)
    {
        Invariant.That(source.Tree.IsShareable && key.Offset == Generation);
        ExtentBuffer original = source.Tree.CopyRoot();
        source.Tree.LastSnapshot = Generation;
        _state.Roots.Note(source);

        Tree tree = _state.Roots.NewTree(new TreeRoot(key.ObjectId, default, 0, original.Level), lastSnapshot: 0);
        ExtentBuffer root = _state.TreeBlocks.Allocate(tree, original.Level, original.Bytenr);
        original.Bytes[BlockHeader.Size..].CopyTo(root.WritableBytes[BlockHeader.Size..]);
        MemoryMarshal.AsRef<BlockHeader>(root.WritableBytes).ItemCount = (uint)original.Count;
        _state.TreeBlocks.ChangeChildren(root, 1, byBlock: false);

        // What both hold from here on must be copied by whoever changes it first.
        _state.Blocks.FreezeOwnedBy(source.Id);

        RootItem copy = item;
        copy.LastSnapshot = Generation;
        copy.BytesUsed = source.Item.BytesUsed;
        RootState snapshot = _state.Roots.Add(key, copy, new TreeRoot(key.ObjectId, root.Bytenr, root.Generation, root.Level));
        _state.TreeBlocks.TakeUsageChange(key.ObjectId);
        _state.Quota.AddSubvolume(key.ObjectId, shownBy, Generation);
        _mustCommit = true;
        return snapshot;
    }

    /// <summary>Takes the root item of a tree out of the root tree whose blocks have all been dropped.</summary>
    public void RemoveRoot(RootState root)
    {
        _state.Roots.Remove(root);
        _state.Quota.RemoveSubvolume(root.Id);
    }

    /// <summary>
    /// Drops a part of a dead tree's blocks and of its references to data, and notes in the root item how far it came (drop_progress), so that it can go
    /// on after a crash. True when the whole tree is gone; the root item is then still there.
    /// </summary>
    /// <param name="root">A root with no references left.</param>
    /// <param name="maxBlocks">How much to do at most.</param>
    public bool DropTree(RootState root, int maxBlocks)
    {
        _state.TreeBlocks.HasChanged = true;
        return new TreeDrop(_state, root).Run(maxBlocks);
    }

    /// <summary>Room for file data, in one piece: as much of <paramref name="wantedBytes"/> as there is, at least <paramref name="leastBytes"/>.</summary>
    /// <param name="wantedBytes">A multiple of the sector size, up to 128 MiB.</param>
    /// <param name="leastBytes">The same; equal to wanted where it must be one piece (a compressed extent).</param>
    /// <exception cref="NoSpaceException">There is no such piece.</exception>
    public DataExtent AllocateData(ulong wantedBytes, ulong leastBytes) => AllocateData(wantedBytes, leastBytes, promise: null);

    /// <summary>As the other, out of what was promised, as far as that goes.</summary>
    public DataExtent AllocateData(ulong wantedBytes, ulong leastBytes, SpacePromise? promise)
    {
        Invariant.That(wantedBytes is > 0 and <= FormatLimits.MaxExtentSize && leastBytes is > 0 && leastBytes <= wantedBytes);
        Invariant.That((wantedBytes | leastBytes) % (ulong)_state.Committed.SectorSize == 0);
        if ((_state.DataType & BlockGroupFlags.Metadata) != 0)
        {
            // Else data would take what the next commit needs, and files could not even be deleted.
            // What is promised has been taken off already.
            wantedBytes = LimitTo(Writer.SpareBytes() + (promise?.DataBytes ?? 0), wantedBytes);
        }
        else if (_state.Promised.DataBytes > (promise?.DataBytes ?? 0))
        {
            if (_state.Promised.Spare(promise) < wantedBytes)
                _state.Promised.Reclaim?.Invoke();
            wantedBytes = LimitTo(_state.Promised.Spare(promise), wantedBytes);
        }

        if (wantedBytes < leastBytes || !_state.Allocator.TryAllocateData(_state.DataType, wantedBytes, leastBytes, out ulong start, out ulong length))
            throw new NoSpaceException($"no space left for {leastBytes} bytes of data in one piece");
        if (promise is not null)
        {
            ulong kept = Math.Min(promise.DataBytes, length);
            promise.DataBytes -= kept;
            _state.Promised.Return(kept, 0);
        }

        return new DataExtent(new LogicalAddress(start), length);
    }

    private ulong LimitTo(ulong spare, ulong wantedBytes) => Math.Min(wantedBytes, spare - (spare % (ulong)_state.Committed.SectorSize));

    /// <summary>
    /// Takes a range that is free as far as the trees know, and holds data all the same: an extent that the log tree tells of. It is used from then on like
    /// any allocated one.
    /// </summary>
    /// <exception cref="CorruptMetadataException">Part of it is not free.</exception>
    public DataExtent ClaimData(LogicalAddress start, ulong bytes)
    {
        BlockGroup group = Claim(start, bytes);
        group.Reserved += bytes;
        return new DataExtent(start, bytes);
    }

    /// <summary>Keeps a range from being allocated until the commit: blocks of the log tree, which no other tree tells of.</summary>
    /// <exception cref="CorruptMetadataException">Part of it is not free.</exception>
    public void KeepUntilCommit(LogicalAddress start, ulong bytes) => _state.Pinned.Pin(Claim(start, bytes), start.Value, bytes);

    /// <summary>The log tree was replayed: the next commit has none.</summary>
    /// <exception cref="IOException">A device failed when copies of the superblock were restored, which had to wait for this.</exception>
    public void ForgetLog()
    {
        _state.Committed.Devices.RestoreSuperblockCopies();
        _state.TreeBlocks.HasChanged = true;
        _state.Superblock.LogRoot = 0;
        _state.Superblock.LogRootTransId = 0;
        _state.Superblock.LogRootLevel = 0;
    }

    /// <summary>Gives back what <see cref="AllocateData(ulong, ulong)"/> gave and nobody has come to use.</summary>
    public void ReturnData(DataExtent extent)
    {
        BlockGroup group = _state.Groups.Find(extent.Start.Value);
        group.Reserved -= extent.Bytes;
        group.Free!.Add(extent.Start.Value - group.Start, extent.Bytes);
    }

    /// <summary>Enters an allocated extent in the extent tree, with its first use. To be called once the data is on its way to the disk.</summary>
    public void AddExtent(DataExtent extent, DataReference use)
    {
        _state.TreeBlocks.HasChanged = true;
        _state.Delayed.AddNew(extent.Start.Value, extent.Bytes, level: -1, use.RootId, ReferenceKey.OfFile(use));
    }

    /// <summary>One more use of an extent that the extent tree has.</summary>
    /// <param name="start">DiskBytenr of the file extent.</param>
    /// <param name="bytes">DiskNumBytes of the file extent: the whole extent.</param>
    /// <param name="use">The use.</param>
    public void AddReference(LogicalAddress start, ulong bytes, DataReference use) => Change(start, bytes, use, 1);

    /// <summary>One use less. With the last, the extent and its checksums go; the space is free after the commit.</summary>
    public void DropReference(LogicalAddress start, ulong bytes, DataReference use) => Change(start, bytes, use, -1);

    /// <summary>How often a data extent is used, and by no other extent item: what decides whether it may be overwritten in place.</summary>
    public ulong CountReferences(LogicalAddress start, ulong bytes) => _state.Extents.Lookup(start.Value, bytes, level: -1).References;

    /// <summary>Enters the checksums of newly written sectors, back to back, in the csum tree.</summary>
    public void InsertChecksums(LogicalAddress start, ReadOnlySpan<byte> sums)
    {
        _state.TreeBlocks.HasChanged = true;
        _state.Checksums.Insert(start.Value, sums);
    }

    /// <summary>Takes away the checksums of a range that stays allocated.</summary>
    public void DeleteChecksums(LogicalAddress start, ulong bytes) => _state.Checksums.Delete(start.Value, bytes);

    /// <summary>Begins a further change in the part; the one before was completed, or refused before it changed anything.</summary>
    public void BeginStep()
    {
        Invariant.That(!IsHalfDone);
        _hadChanged |= HasChanged;
        _state.TreeBlocks.HasChanged = false;
        _isComplete = false;
    }

    /// <summary>The change is whole.</summary>
    public void Complete() => _isComplete = true;

    public void Dispose()
    {
        if (_isDisposed)
            return;

        _isDisposed = true;
        if (IsHalfDone)
            Writer.Latch(new BtrfsException($"transaction {Generation} aborted: {_what} failed half way through a change"));
        _state.TreeBlocks.HasChanged |= _hadChanged;
        Writer.End(_isComplete && _mustCommit);
    }

    private BlockGroup Claim(LogicalAddress start, ulong bytes)
    {
        BlockGroup group = _state.Groups.Find(start.Value);
        ulong offset = start.Value - group.Start;
        if (bytes > group.Length - offset || !BlockGroupTable.FreeSpaceOf(_state.Committed, group).TryRemove(offset, bytes))
            throw new CorruptMetadataException($"corrupt metadata: the log has an extent of {bytes} bytes at {start}, which is not free");
        return group;
    }

    private void Change(LogicalAddress start, ulong bytes, DataReference use, int count)
    {
        _state.TreeBlocks.HasChanged = true;
        _state.Delayed.Change(start.Value, bytes, level: -1, ReferenceKey.OfFile(use), count);
    }
}
