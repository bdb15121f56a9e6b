using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Refs;

namespace Btrfs.Space.Transactions;

/// <summary>The trees of the running transaction. A tree is looked up in the root tree once; from then on this table knows better than its root item.</summary>
internal sealed class RootTable : IRunningRoots
{
    private readonly TransactionBlocks _blocks;
    private readonly TreeBlockAllocator _allocator;
    private readonly int _nodeSize;
    private readonly RootState _rootTree;
    private readonly RootState _chunkTree;
    private readonly Dictionary<ulong, RootState?> _roots = [];
    private readonly HashSet<RootState> _noted = [];

    public RootTable(FsInfo opened, TransactionBlocks blocks, TreeBlockAllocator allocator)
    {
        _blocks = blocks;
        _allocator = allocator;
        _nodeSize = opened.NodeSize;
        _rootTree = Special(opened.RootTree);
        _chunkTree = Special(opened.ChunkTree);
    }

    public TreeRoot RootTree => _rootTree.Tree.Root;

    public TreeRoot ChunkTree => _chunkTree.Tree.Root;

    public RootRecord? TryFind(ulong rootId)
    {
        if (TryGet(rootId) is not { } state)
            return null;

        RootItem item = state.Item;
        FillIn(ref item, state.Tree.Root);
        return new RootRecord(state.Key, item);
    }

    public RootState? TryGet(ulong rootId)
    {
        switch (rootId)
        {
            case ObjectIds.RootTree:
                return _rootTree;
            case ObjectIds.ChunkTree:
                return _chunkTree;
        }

        if (_roots.TryGetValue(rootId, out RootState? known))
            return known;

        TreeCursor cursor = _rootTree.Tree.OpenCursor();
        RootState? found = null;
        if (cursor.SeekFloor(new Key(rootId, ItemType.RootItem, ulong.MaxValue))
            && cursor.Key.ObjectId == rootId && cursor.Key.Type == ItemType.RootItem)
        {
            RootRecord record = RootRecord.Read(cursor.Key, cursor.Data);
            found = new RootState(record.Key, record.Item, NewTree(record.Tree, record.Item.LastSnapshot));
        }

        _roots.Add(rootId, found);
        return found;
    }

    /// <exception cref="CorruptMetadataException">There is none.</exception>
    public RootState Get(ulong rootId) =>
        TryGet(rootId) ?? throw new CorruptMetadataException($"corrupt metadata: the root tree has no item for tree {rootId}");

    /// <summary>Adds a root whose item goes into the root tree now.</summary>
    public RootState Add(Key key, in RootItem item, TreeRoot root)
    {
        RootState state = new(key, item, NewTree(root, item.LastSnapshot));
        FillIn(ref state.Item, root);
        _rootTree.Tree.Insert(key, MemoryMarshal.AsBytes([state.Item]));
        _roots[key.ObjectId] = state;
        return state;
    }

    public Tree NewTree(TreeRoot root, ulong lastSnapshot) => new(root, _blocks, _allocator, _nodeSize) { LastSnapshot = lastSnapshot };

    public void Remove(RootState root)
    {
        _rootTree.Tree.Delete(root.Key);
        _roots[root.Id] = null;
        _noted.Remove(root);
    }

    public void Note(RootState root) => _noted.Add(root);

    /// <summary>
    /// Sees to it that the root tree's top block is of this transaction, even if no tree has changed and only the superblock says something new: the
    /// superblock's generation stands for that block's.
    /// </summary>
    public void RenewRootTree(ulong generation)
    {
        if (RootTree.Generation != generation)
            _rootTree.Tree.CopyRoot();
    }

    /// <summary>Writes the items of all trees that have moved or whose item was changed. Writing them may move more.</summary>
    /// <returns>Whether there was any.</returns>
    public bool WriteItems()
    {
        bool any = false;
        foreach (RootState? root in _roots.Values)
        {
            if (root is null)
                continue;

            TreeRoot now = root.Tree.Root;
            if (root.Item.Bytenr == now.Bytenr.Value && root.Item.Generation == now.Generation && !_noted.Contains(root)
                && !_allocator.HasUsageChange(root.Id))
            {
                continue;
            }

            root.Item.BytesUsed += (ulong)_allocator.TakeUsageChange(root.Id);
            FillIn(ref root.Item, now);
            root.Item.LastSnapshot = root.Tree.LastSnapshot;
            _rootTree.Tree.Set(root.Key, MemoryMarshal.AsBytes(new ReadOnlySpan<RootItem>(ref root.Item)));
            any = true;
        }

        _noted.Clear();
        return any;
    }

    private static void FillIn(ref RootItem item, TreeRoot root)
    {
        item.Bytenr = root.Bytenr.Value;
        item.Level = (byte)root.Level;
        item.Generation = root.Generation;
        item.GenerationV2 = root.Generation;
    }

    private RootState Special(TreeRoot root) => new(new Key(root.RootId, ItemType.RootItem, 0), default, NewTree(root, lastSnapshot: 0));
}
