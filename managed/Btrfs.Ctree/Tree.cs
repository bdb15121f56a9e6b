using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// A tree in the running transaction, changed by copy on write: a block is changed in place only where the transaction made it and has not written
/// it out yet. One writer at a time. A cursor over the tree, and a span that a method returned, hold until the next change of the same tree.
/// </summary>
public sealed class Tree
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

    public TreeCursor OpenCursor() => new(_blocks, Root);

    /// <summary>The bytes of an item.</summary>
    public bool TryGet(Key key, out ReadOnlySpan<byte> data) => throw new InvariantException("pending");

    /// <summary>A new item, its data zeroed and returned to be filled in.</summary>
    /// <exception cref="InvariantException">The key is there already, or the size is above <see cref="MaxItemSize"/>.</exception>
    /// <exception cref="NoSpaceException">There is no room for metadata.</exception>
    public Span<byte> Insert(Key key, int size) => throw new InvariantException("pending");

    public void Insert(Key key, ReadOnlySpan<byte> data) => data.CopyTo(Insert(key, data.Length));

    /// <summary>The bytes of an item, to be changed in place.</summary>
    public bool TryEdit(Key key, out Span<byte> data) => throw new InvariantException("pending");

    /// <summary>As <see cref="TryEdit"/>, for an item that must be there.</summary>
    public Span<byte> Edit(Key key) => TryEdit(key, out Span<byte> data) ? data : throw new InvariantException($"no item {key} in tree {RootId}");

    /// <summary>Inserts an item, or replaces the data of the one that is there, whatever its size.</summary>
    public void Set(Key key, ReadOnlySpan<byte> data) => throw new InvariantException("pending");

    /// <summary>Makes an item longer (zeros at its end) or shorter (cut at its end), and returns all of it.</summary>
    public Span<byte> Resize(Key key, int size) => throw new InvariantException("pending");

    /// <summary>Cuts bytes off the front of an item and gives it another key, which must keep its place among its neighbours.</summary>
    public void CutFront(Key key, int bytes, Key newKey) => throw new InvariantException("pending");

    /// <summary>Gives an item another key, which must keep its place among its neighbours.</summary>
    public void Rekey(Key key, Key newKey) => throw new InvariantException("pending");

    public bool TryDelete(Key key) => throw new InvariantException("pending");

    /// <summary>As <see cref="TryDelete"/>, for an item that must be there.</summary>
    public void Delete(Key key)
    {
        if (!TryDelete(key))
            throw new InvariantException($"no item {key} in tree {RootId}");
    }

    /// <summary>Deletes every item from <paramref name="first"/> to <paramref name="last"/>, both included, leaf by leaf.</summary>
    /// <returns>How many there were.</returns>
    public int DeleteRange(Key first, Key last) => throw new InvariantException("pending");

    /// <summary>Copies the root block, even if it is the transaction's own, so that what hangs below may be shared. For taking a snapshot.</summary>
    /// <returns>The root block as it is now.</returns>
    public ExtentBuffer CopyRoot() => throw new InvariantException("pending");
}
