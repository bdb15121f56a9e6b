using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>
/// Changes a leaf in place. Headers grow up from the block header, data grows down from the end, and the two never leave a gap
/// inside: every method keeps <c>DataOffset(slot) + DataSize(slot) == DataOffset(slot - 1)</c>. Order of keys and room are the caller's to see to.
/// </summary>
public readonly ref struct LeafEditor
{
    private readonly Span<byte> _block;

    /// <param name="block">A whole leaf, header and all.</param>
    public LeafEditor(Span<byte> block)
    {
        Invariant.That(block.Length >= FormatLimits.MinNodeSize);
        _block = block;
    }

    public ref BlockHeader Header => ref MemoryMarshal.AsRef<BlockHeader>(_block);

    public int Count => (int)Header.ItemCount.Value;

    public LeafView View => new(_block);

    /// <summary>Bytes between the last header and the lowest data.</summary>
    public int FreeBytes => DataBegin(Count) - Count * ItemHeader.Size;

    private int DataAreaSize => _block.Length - BlockHeader.Size;

    private Span<byte> DataArea => _block[BlockHeader.Size..];

    private Span<ItemHeader> Headers => MemoryMarshal.Cast<byte, ItemHeader>(DataArea);

    public Span<byte> Data(int slot)
    {
        ref ItemHeader item = ref Headers[slot];
        return DataArea.Slice((int)item.DataOffset.Value, (int)item.DataSize.Value);
    }

    /// <summary>The fixed record at the head of an item's data, to be changed in place.</summary>
    public ref T Record<T>(int slot)
        where T : unmanaged => ref MemoryMarshal.AsRef<T>(Data(slot));

    public void SetKey(int slot, Key key) => Headers[slot].Key = new DiskKey(key);

    /// <summary>Opens a place for an item before <paramref name="slot"/>; its data is zeroed.</summary>
    public Span<byte> Insert(int slot, Key key, int size)
    {
        Invariant.That(slot >= 0 && slot <= Count && size >= 0 && FreeBytes >= size + ItemHeader.Size);
        int count = Count;
        int end = DataBegin(slot);
        MoveData(slot, count, -size);
        Headers[slot..count].CopyTo(Headers[(slot + 1)..]);
        Headers[slot] = new ItemHeader { Key = new DiskKey(key), DataOffset = (uint)(end - size), DataSize = (uint)size };
        Header.ItemCount = (uint)(count + 1);
        Span<byte> data = Data(slot);
        data.Clear();
        return data;
    }

    /// <summary>Takes <paramref name="howMany"/> items out.</summary>
    public void Delete(int slot, int howMany = 1)
    {
        int count = Count;
        Invariant.That(slot >= 0 && howMany >= 0 && slot + howMany <= count);
        if (howMany == 0)
            return;

        int freed = DataBegin(slot) - DataBegin(slot + howMany);
        MoveData(slot + howMany, count, freed);
        Headers[(slot + howMany)..count].CopyTo(Headers[slot..]);
        Header.ItemCount = (uint)(count - howMany);
    }

    /// <summary>Makes an item longer or shorter at its end. What is new is zeroed.</summary>
    public Span<byte> Resize(int slot, int size)
    {
        ref ItemHeader item = ref Headers[slot];
        int old = (int)item.DataSize.Value;
        int grown = size - old;
        Invariant.That(size >= 0 && FreeBytes >= grown);
        int begin = (int)item.DataOffset.Value;

        // The item ends where it did and its begin moves, what is kept of it along with it. Whoever makes way goes first: the items behind
        // when it grows towards them, its own bytes when they come up behind it.
        if (grown > 0)
            MoveData(slot + 1, Count, -grown);
        DataArea.Slice(begin, Math.Min(old, size)).CopyTo(DataArea[(begin - grown)..]);
        if (grown < 0)
            MoveData(slot + 1, Count, -grown);
        item.DataOffset = (uint)(begin - grown);
        item.DataSize = (uint)size;
        Span<byte> data = Data(slot);
        if (grown > 0)
            data[old..].Clear();
        return data;
    }

    /// <summary>Cuts the first <paramref name="bytes"/> of an item's data off.</summary>
    public void CutFront(int slot, int bytes)
    {
        ref ItemHeader item = ref Headers[slot];
        Invariant.That(bytes >= 0 && (uint)bytes <= item.DataSize.Value);

        // What is kept lies where it lay: only the items behind come up.
        MoveData(slot + 1, Count, bytes);
        item.DataOffset = item.DataOffset.Value + (uint)bytes;
        item.DataSize = item.DataSize.Value - (uint)bytes;
    }

    /// <summary>Moves the items from <paramref name="slot"/> on to the begin of <paramref name="right"/>, which lies behind this leaf in the tree.</summary>
    public void MoveTailTo(LeafEditor right, int slot)
    {
        int count = Count - slot;
        right.TakeFrom(View, slot, count, 0);
        Delete(slot, count);
    }

    /// <summary>Moves the first items to the end of <paramref name="left"/>, which lies before this leaf in the tree.</summary>
    public void MoveHeadTo(LeafEditor left, int howMany)
    {
        left.TakeFrom(View, 0, howMany, left.Count);
        Delete(0, howMany);
    }

    /// <summary>Copies a run of items in from another leaf, data in one move.</summary>
    private void TakeFrom(LeafView source, int first, int howMany, int slot)
    {
        if (howMany == 0)
            return;

        int count = Count;
        ref readonly ItemHeader top = ref source.Item(first);
        int sourceEnd = (int)(top.DataOffset.Value + top.DataSize.Value);
        int sourceBegin = (int)source.Item(first + howMany - 1).DataOffset.Value;
        int bytes = sourceEnd - sourceBegin;
        Invariant.That(FreeBytes >= bytes + howMany * ItemHeader.Size);

        int end = DataBegin(slot);
        MoveData(slot, count, -bytes);
        Headers[slot..count].CopyTo(Headers[(slot + howMany)..]);
        source.Bytes.Slice(BlockHeader.Size + sourceBegin, bytes).CopyTo(DataArea[(end - bytes)..]);
        int shift = end - sourceEnd;
        for (int i = 0; i < howMany; i++)
        {
            ItemHeader item = source.Item(first + i);
            item.DataOffset = (uint)((int)item.DataOffset.Value + shift);
            Headers[slot + i] = item;
        }

        Header.ItemCount = (uint)(count + howMany);
    }

    // Where the data of the items before a slot begins, which is where the slot's own data ends.
    private int DataBegin(int slot) => slot == 0 ? DataAreaSize : (int)Headers[slot - 1].DataOffset.Value;

    private void MoveData(int first, int end, int shift)
    {
        if (first >= end)
            return;

        int begin = (int)Headers[end - 1].DataOffset.Value;
        int length = DataBegin(first) - begin;
        DataArea.Slice(begin, length).CopyTo(DataArea[(begin + shift)..]);
        foreach (ref ItemHeader item in Headers[first..end])
            item.DataOffset = (uint)((int)item.DataOffset.Value + shift);
    }
}
