using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>The items of a tree that is being made. They are packed into full leaves, and those under full nodes.</summary>
internal sealed class TreeDraft(ulong owner, int nodeSize)
{
    private readonly SortedDictionary<Key, byte[]> _items = [];

    public ulong Owner { get; } = owner;

    private int LeafRoom => nodeSize - BlockHeader.Size;

    private int NodeFanout => LeafRoom / KeyPointer.Size;

    public void Add(Key key, byte[] data)
    {
        Invariant.That(data.Length + ItemHeader.Size <= LeafRoom);
        _items.Add(key, data);
    }

    public void Add<T>(Key key, in T record)
        where T : unmanaged => Add(key, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in record)).ToArray());

    /// <summary>How many blocks each level takes.</summary>
    public int[] CountBlocks()
    {
        List<int> levels = [Leaves().Count()];
        while (levels[^1] > 1)
            levels.Add((levels[^1] + NodeFanout - 1) / NodeFanout);
        return [.. levels];
    }

    /// <summary>Writes all blocks, without their checksums.</summary>
    /// <param name="shape">Has the counts of <see cref="CountBlocks"/>.</param>
    /// <param name="header">What is the same in the header of every block of the file system.</param>
    /// <param name="destination">Exactly the blocks' bytes, zeroed.</param>
    public void WriteTo(TreeShape shape, in BlockHeader header, Span<byte> destination)
    {
        List<Key> firstKeys = [];
        int index = 0;
        foreach (List<KeyValuePair<Key, byte[]>> leaf in Leaves())
        {
            LeafEditor editor = new(Open(shape, index++, in header, destination));
            foreach ((Key key, byte[] data) in leaf)
                data.CopyTo(editor.Insert(editor.Count, key, data.Length));
            firstKeys.Add(leaf.Count == 0 ? Key.Min : leaf[0].Key);
        }

        for (int below = 0; firstKeys.Count > 1; below = index - firstKeys.Count)
            firstKeys = WriteNodes(shape, in header, destination, firstKeys, below, ref index);
    }

    /// <param name="shape">Of the tree.</param>
    /// <param name="header">As in <see cref="WriteTo"/>.</param>
    /// <param name="destination">All blocks of the tree.</param>
    /// <param name="children">The first keys of the level below.</param>
    /// <param name="below">The index of that level's first block.</param>
    /// <param name="index">Of the first block to write; behind the last afterwards.</param>
    /// <returns>The first keys of the level that was written.</returns>
    private List<Key> WriteNodes(TreeShape shape, in BlockHeader header, Span<byte> destination, List<Key> children, int below, ref int index)
    {
        List<Key> firstKeys = [];
        for (int child = 0; child < children.Count; child += NodeFanout)
        {
            NodeEditor editor = new(Open(shape, index++, in header, destination));
            int count = Math.Min(NodeFanout, children.Count - child);
            for (int slot = 0; slot < count; slot++)
            {
                editor.Insert(slot, new KeyPointer
                {
                    Key = new DiskKey(children[child + slot]),
                    Bytenr = shape.Block(below + child + slot, nodeSize).Value,
                    Generation = MakeSettings.Generation,
                });
            }

            firstKeys.Add(children[child]);
        }

        return firstKeys;
    }

    private Span<byte> Open(TreeShape shape, int index, in BlockHeader header, Span<byte> destination)
    {
        Span<byte> block = destination.Slice(index * nodeSize, nodeSize);
        ref BlockHeader own = ref MemoryMarshal.AsRef<BlockHeader>(block);
        own = header;
        own.Bytenr = shape.Block(index, nodeSize).Value;
        own.Owner = Owner;
        own.Level = shape.LevelOf(index);
        return block;
    }

    // An empty tree is one empty leaf.
    private IEnumerable<List<KeyValuePair<Key, byte[]>>> Leaves()
    {
        List<KeyValuePair<Key, byte[]>> leaf = [];
        int room = LeafRoom;
        foreach (KeyValuePair<Key, byte[]> item in _items)
        {
            int size = ItemHeader.Size + item.Value.Length;
            if (size > room)
            {
                yield return leaf;
                leaf = [];
                room = LeafRoom;
            }

            leaf.Add(item);
            room -= size;
        }

        yield return leaf;
    }
}
