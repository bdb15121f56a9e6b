using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>Changes an inner block in place. Order of keys and room are the caller's to see to.</summary>
public readonly ref struct NodeEditor
{
    private readonly Span<byte> _block;

    /// <param name="block">A whole node, header and all.</param>
    public NodeEditor(Span<byte> block)
    {
        Invariant.That(block.Length >= FormatLimits.MinNodeSize);
        _block = block;
    }

    public ref BlockHeader Header => ref MemoryMarshal.AsRef<BlockHeader>(_block);

    public int Count => (int)Header.ItemCount.Value;

    /// <summary>How many pointers fit.</summary>
    public int Capacity => (_block.Length - BlockHeader.Size) / KeyPointer.Size;

    public NodeView View => new(_block);

    private Span<KeyPointer> Pointers => MemoryMarshal.Cast<byte, KeyPointer>(_block[BlockHeader.Size..]);

    public ref KeyPointer Pointer(int slot) => ref Pointers[..Count][slot];

    public void Insert(int slot, in KeyPointer pointer)
    {
        int count = Count;
        Invariant.That(slot >= 0 && slot <= count && count < Capacity);
        Pointers[slot..count].CopyTo(Pointers[(slot + 1)..]);
        Pointers[slot] = pointer;
        Header.ItemCount = (uint)(count + 1);
    }

    public void Delete(int slot)
    {
        int count = Count;
        Invariant.That(slot >= 0 && slot < count);
        Pointers[(slot + 1)..count].CopyTo(Pointers[slot..]);
        Header.ItemCount = (uint)(count - 1);
    }

    /// <summary>Moves the pointers from <paramref name="slot"/> on to the begin of <paramref name="right"/>.</summary>
    public void MoveTailTo(NodeEditor right, int slot)
    {
        int howMany = Count - slot;
        int there = right.Count;
        Invariant.That(there + howMany <= right.Capacity);
        right.Pointers[..there].CopyTo(right.Pointers[howMany..]);
        Pointers.Slice(slot, howMany).CopyTo(right.Pointers);
        right.Header.ItemCount = (uint)(there + howMany);
        Header.ItemCount = (uint)slot;
    }

    /// <summary>Moves the first pointers to the end of <paramref name="left"/>.</summary>
    public void MoveHeadTo(NodeEditor left, int howMany)
    {
        int count = Count;
        int there = left.Count;
        Invariant.That(there + howMany <= left.Capacity);
        Pointers[..howMany].CopyTo(left.Pointers[there..]);
        Pointers[howMany..count].CopyTo(Pointers);
        left.Header.ItemCount = (uint)(there + howMany);
        Header.ItemCount = (uint)(count - howMany);
    }
}
