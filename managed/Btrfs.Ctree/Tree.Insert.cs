using System.Buffers;
using Btrfs.Format;

namespace Btrfs.Ctree;

public sealed partial class Tree
{
    /// <summary>A new item, its data zeroed and returned to be filled in.</summary>
    /// <exception cref="InvariantException">The key is there already, or the size is above <see cref="MaxItemSize"/>.</exception>
    /// <exception cref="NoSpaceException">There is no room for metadata.</exception>
    public Span<byte> Insert(Key key, int size)
    {
        RequireSize(key, size);
        if (Search(key))
            throw new InvariantException($"item {key} is in tree {RootId} already");

        BeginEdit();
        return InsertAtPath(key, size);
    }

    public void Insert(Key key, ReadOnlySpan<byte> data) => data.CopyTo(Insert(key, data.Length));

    /// <summary>Inserts an item, or replaces the data of the one that is there, whatever its size.</summary>
    public void Set(Key key, ReadOnlySpan<byte> data)
    {
        RequireSize(key, data.Length);
        bool found = Search(key);
        BeginEdit();
        data.CopyTo(found ? ResizeAtPath(key, data.Length) : InsertAtPath(key, data.Length));
    }

    /// <summary>Makes an item longer (zeros at its end) or shorter (cut at its end), and returns all of it.</summary>
    public Span<byte> Resize(Key key, int size)
    {
        RequireSize(key, size);
        Find(key);
        BeginEdit();
        return ResizeAtPath(key, size);
    }

    private void RequireSize(Key key, int size)
    {
        if (size < 0 || size > MaxItemSize)
            throw new InvariantException($"item {key} in tree {RootId} can't have {size} bytes, at most {MaxItemSize}");
    }

    private Span<byte> InsertAtPath(Key key, int size)
    {
        LeafEditor leaf = Leaf.EditLeaf();
        if (leaf.FreeBytes < size + ItemHeader.Size)
        {
            MakeRoom(key, size + ItemHeader.Size);
            leaf = Leaf.EditLeaf();
        }

        Span<byte> data = leaf.Insert(_slots[0], key, size);
        if (_slots[0] == 0)
            FixFirstKeys(0, key);
        return data;
    }

    private Span<byte> ResizeAtPath(Key key, int size)
    {
        LeafEditor leaf = Leaf.EditLeaf();
        Span<byte> old = leaf.Data(_slots[0]);
        if (leaf.FreeBytes >= size - old.Length)
            return leaf.Resize(_slots[0], size);

        // Too large for its leaf: it comes out and goes in again, so that making room knows but one case. Its key keeps its place meanwhile.
        int kept = old.Length;
        byte[] saved = ArrayPool<byte>.Shared.Rent(kept);
        old.CopyTo(saved);
        leaf.Delete(_slots[0]);
        Span<byte> data = InsertAtPath(key, size);
        saved.AsSpan(0, kept).CopyTo(data);
        ArrayPool<byte>.Shared.Return(saved);
        return data;
    }
}
