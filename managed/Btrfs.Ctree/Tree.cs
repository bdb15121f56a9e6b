using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// A tree in the running transaction, changed by copy on write: a block is changed in place only where the transaction made it and has not written
/// it out yet. One writer at a time. A cursor over the tree, and a span that a method returned, hold until the next change of the same tree.
/// </summary>
public sealed partial class Tree
{
    private readonly IBlockSource _blocks;
    private readonly ITreeBlockAllocator _allocator;

    public Tree(TreeRoot root, IBlockSource blocks, ITreeBlockAllocator allocator, int nodeSize)
    {
        Root = root;
        _blocks = blocks;
        _allocator = allocator;
        NodeSize = nodeSize;
    }

    public ulong RootId => Root.RootId;

    /// <summary>Where the tree begins now.</summary>
    public TreeRoot Root { get; private set; }

    public int NodeSize { get; }

    /// <summary>The transaction of the last snapshot that was taken of it: older blocks may be shared. 0 for trees that are never shared.</summary>
    public ulong LastSnapshot { get; set; }

    /// <summary>Whether snapshots can share its blocks: trees of files, the data relocation tree apart.</summary>
    public bool IsShareable => ObjectIds.IsFileTree(RootId) && RootId != ObjectIds.DataRelocTree;

    /// <summary>The most bytes that an item can have.</summary>
    public int MaxItemSize => NodeSize - BlockHeader.Size - ItemHeader.Size;

    /// <summary>Rises with each change; a cursor of an older version is stale.</summary>
    public ulong Version { get; private set; }

    private int LeafCapacity => NodeSize - BlockHeader.Size;

    private int NodeCapacity => LeafCapacity / KeyPointer.Size;

    public TreeCursor OpenCursor() => new(_blocks, Root);

    /// <summary>The bytes of an item.</summary>
    public bool TryGet(Key key, out ReadOnlySpan<byte> data)
    {
        bool found = Search(key);
        data = found ? Leaf.Leaf.Data(_slots[0]) : default;
        return found;
    }

    /// <summary>The bytes of an item, to be changed in place.</summary>
    public bool TryEdit(Key key, out Span<byte> data)
    {
        bool found = Search(key);
        data = found ? BeginEdit().Data(_slots[0]) : default;
        return found;
    }

    /// <summary>As <see cref="TryEdit"/>, for an item that must be there.</summary>
    public Span<byte> Edit(Key key)
    {
        Find(key);
        return BeginEdit().Data(_slots[0]);
    }

    /// <summary>Cuts bytes off the front of an item and gives it another key, which must keep its place among its neighbours.</summary>
    public void CutFront(Key key, int bytes, Key newKey)
    {
        Find(key);
        Invariant.That(bytes >= 0 && bytes <= Leaf.Leaf.Data(_slots[0]).Length);
        RequirePlace(key, newKey);
        LeafEditor leaf = BeginEdit();
        leaf.CutFront(_slots[0], bytes);
        leaf.SetKey(_slots[0], newKey);
        if (_slots[0] == 0)
            FixFirstKeys(0, newKey);
    }

    /// <summary>Gives an item another key, which must keep its place among its neighbours.</summary>
    public void Rekey(Key key, Key newKey) => CutFront(key, 0, newKey);

    private void RequirePlace(Key key, Key newKey)
    {
        bool keepsPlace = newKey >= key ? newKey == key || !(NextKey() <= newKey) : !(PreviousKey() >= newKey);
        if (!keepsPlace)
            throw new InvariantException($"key {newKey} has another place in tree {RootId} than {key}");
    }
}
