using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Groups;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Space.Refs;

/// <summary>
/// Gives blocks to trees, and keeps the references of shared blocks right while they are copied.
/// <para>
/// A block holds its children in one of two ways. As a rule by its owner: each child has a reference by that root. Once its owner has copied itself away from a
/// block that snapshots still share, nobody could say any more which root the children belong to, and the block holds them itself: its extent gets the flag
/// full backref, and its children references by the block's address.
/// </para>
/// </summary>
internal sealed class TreeBlockAllocator : ITreeBlockAllocator
{
    private const ulong BackrefRevision = 1UL << 56;

    private readonly ExtentAllocator _space;
    private readonly BlockGroupTable _groups;
    private readonly DelayedReferences _delayed;
    private readonly TransactionBlocks _blocks;
    private readonly Func<ExtentTree> _extents;
    private readonly int _nodeSize;
    private readonly Uuid _fsid;
    private readonly Uuid _chunkTreeUuid;
    private readonly BlockGroupFlags _metadataType;
    private readonly Dictionary<ulong, long> _usageChanges = [];

    public TreeBlockAllocator(
        FsInfo fs, ExtentAllocator space, BlockGroupTable groups, DelayedReferences delayed, TransactionBlocks blocks, Func<ExtentTree> extents)
    {
        _space = space;
        _groups = groups;
        _delayed = delayed;
        _blocks = blocks;
        _extents = extents;
        _nodeSize = fs.NodeSize;
        _fsid = fs.Superblock.MetadataUuid;
        _chunkTreeUuid = fs.Blocks.Read(fs.ChunkTree.Pointer, ObjectIds.ChunkTree).Header.ChunkTreeUuid;
        _metadataType = (fs.Superblock.Incompat & IncompatFlags.MixedGroups) != 0
            ? BlockGroupFlags.Data | BlockGroupFlags.Metadata
            : BlockGroupFlags.Metadata;
    }

    public ulong Generation { get; set; }

    /// <summary>What every block's header repeats.</summary>
    public Uuid ChunkTreeUuid => _chunkTreeUuid;

    /// <summary>Whether anything has changed since this was last set to false.</summary>
    public bool HasChanged { get; set; }

    public ExtentBuffer Allocate(Tree tree, int level, LogicalAddress near)
    {
        HasChanged = true;
        LogicalAddress bytenr = _space.AllocateBlock(tree.RootId == ObjectIds.ChunkTree ? BlockGroupFlags.System : _metadataType);
        ExtentBuffer block = Make(tree.RootId, level, bytenr);
        _blocks.Add(block);
        NoteUsage(tree, _nodeSize);
        _delayed.AddNew(bytenr.Value, (ulong)_nodeSize, level, tree.RootId, ReferenceKey.OfTree(tree.RootId));
        return block;
    }

    /// <summary>An empty block of the running transaction, its header filled in, that nobody knows of yet.</summary>
    public ExtentBuffer Make(ulong owner, int level, LogicalAddress bytenr)
    {
        byte[] bytes = new byte[_nodeSize];
        MemoryMarshal.Write(bytes, new BlockHeader
        {
            Fsid = _fsid,
            Bytenr = bytenr.Value,
            Flags = BackrefRevision,
            ChunkTreeUuid = _chunkTreeUuid,
            Generation = Generation,
            Owner = owner,
            Level = (byte)level,
        });
        return ExtentBuffer.CreateWritable(bytes);
    }

    public void Replace(Tree tree, ExtentBuffer old, ExtentBuffer copy)
    {
        // A root block is never shared, and neither is what is younger than the last snapshot, unless a balance has moved it.
        bool wasRoot = tree.Root.Bytenr == copy.Bytenr;
        bool wasMoved = (old.Header.Flags & BlockHeader.FlagReloc) != 0;
        if (tree.IsShareable && !wasRoot && (old.Generation <= tree.LastSnapshot || wasMoved))
            MoveChildren(tree, old, copy);

        Free(tree, old);
    }

    public void Free(Tree tree, ExtentBuffer block)
    {
        NoteUsage(tree, -_nodeSize);
        DropBlock(ReferenceKey.OfTree(tree.RootId), block);
    }

    public void NoteChange(Tree tree) => HasChanged = true;

    /// <summary>Adds to, or takes from, the references of everything that a block holds: child blocks of a node, data extents of a leaf.</summary>
    /// <param name="block">The holder.</param>
    /// <param name="count">1 or -1.</param>
    /// <param name="byBlock">Whether the block holds them itself, rather than its owner.</param>
    public void ChangeChildren(ExtentBuffer block, int count, bool byBlock)
    {
        if (block.Level > 0)
        {
            NodeView node = block.Node;
            ReferenceKey key = byBlock ? ReferenceKey.OfParentBlock(block.Bytenr.Value) : ReferenceKey.OfTree(block.Owner);
            for (int slot = 0; slot < node.Count; slot++)
                _delayed.Change(node.Pointer(slot).Bytenr, (ulong)_nodeSize, block.Level - 1, key, count);
            return;
        }

        LeafView leaf = block.Leaf;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            Key key = leaf.Key(slot);
            if (key.Type != ItemType.ExtentData || leaf.Data(slot).Length < FileExtentItem.Size)
                continue;

            ref readonly FileExtentItem extent = ref leaf.Record<FileExtentItem>(slot);
            if (extent.Type == FileExtentType.Inline || extent.DiskBytenr == 0)
                continue;

            ReferenceKey user = byBlock
                ? ReferenceKey.OfSharedLeaf(block.Bytenr.Value)
                : ReferenceKey.OfFile(new DataReference(block.Owner, key.ObjectId, key.Offset - extent.Offset));
            _delayed.Change(extent.DiskBytenr, extent.DiskNumBytes, level: -1, user, count);
        }
    }

    /// <summary>Makes a block hold its children itself. Its owner is about to let go of it, and others stay.</summary>
    public void MakeFullBackref(ExtentBuffer block)
    {
        ChangeChildren(block, 1, byBlock: true);
        SetFullBackref(block);
    }

    public void SetFullBackref(ExtentBuffer block) =>
        _delayed.Of(block.Bytenr.Value, (ulong)_nodeSize, block.Level).SetsFullBackref = true;

    /// <summary>
    /// Takes one reference from a block. If it was allocated in this transaction and the extent tree hasn't heard of it, it is as if it had never been.
    /// </summary>
    public void DropBlock(in ReferenceKey holder, ExtentBuffer block) => DropBlock(holder, block.Bytenr.Value, block.Level, block.Owner);

    /// <inheritdoc cref="DropBlock(in ReferenceKey, ExtentBuffer)"/>
    public void DropBlock(in ReferenceKey holder, ulong bytenr, int level, ulong owner)
    {
        HasChanged = true;
        DelayedExtent extent = _delayed.Change(bytenr, (ulong)_nodeSize, level, holder, -1);
        extent.OwnerRoot = owner;
        bool isDirty = _blocks.TryGetDirty(bytenr, out ExtentBuffer? block);
        if (extent is { IsNew: true, Sum: 0 })
        {
            Invariant.That(isDirty);
            _delayed.Remove(extent);
            BlockGroup group = _groups.Find(bytenr);
            group.Reserved -= (ulong)_nodeSize;
            group.Free!.Add(bytenr - group.Start, (ulong)_nodeSize);
            _blocks.Drop(block!);
        }
        else if (isDirty && !extent.IsNew)
        {
            // In a commit, references are run and blocks of the trees below files still come and go. Nothing shares those trees, so nobody wants the
            // content; the address stays pinned until the commit is durable.
            _blocks.Drop(block!);
        }
    }

    /// <summary>Whether a tree has come to have more or fewer blocks.</summary>
    public bool HasUsageChange(ulong rootId) => _usageChanges.ContainsKey(rootId);

    /// <summary>How many bytes of blocks more a tree has than when this was last asked.</summary>
    public long TakeUsageChange(ulong rootId) => _usageChanges.Remove(rootId, out long change) ? change : 0;

    private void NoteUsage(Tree tree, int bytes)
    {
        ref long change = ref CollectionsMarshal.GetValueRefOrAddDefault(_usageChanges, tree.RootId, out _);
        change += bytes;
        if (change == 0)
            _usageChanges.Remove(tree.RootId);
    }

    private void MoveChildren(Tree tree, ExtentBuffer old, ExtentBuffer copy)
    {
        ExtentInfo info = _extents().Lookup(old.Bytenr.Value, (ulong)_nodeSize, old.Level);
        if (info.References == 0)
            throw new CorruptMetadataException(tree.RootId, old.Bytenr, -1, "the extent tree says that nothing references the block");

        if (info.References > 1)
        {
            // The owner leaves its block to the others, and takes the children's references by root along to the copy. Any other tree adds its own.
            if (old.Owner == tree.RootId && !info.IsFullBackref)
                MakeFullBackref(old);
            else
                ChangeChildren(copy, 1, byBlock: false);
        }
        else if (info.IsFullBackref)
        {
            ChangeChildren(copy, 1, byBlock: false);
            ChangeChildren(old, -1, byBlock: true);
        }
    }
}
