
namespace Btrfs.Format;

/// <summary>
/// A leaf (level 0) over a block that passed the checks. Headers grow up from the block header, data grows down from the end.
/// Invariant, checked at the gate: <c>DataOffset(slot) + DataSize(slot) == DataOffset(slot - 1)</c>, so data never overlaps.
/// </summary>
public readonly ref struct LeafView(ReadOnlySpan<byte> block)
{
    private readonly ReadOnlySpan<byte> _block = block;

    /// <summary>The whole block, header and all.</summary>
    public ReadOnlySpan<byte> Bytes => _block;

    public ref readonly BlockHeader Header => ref Overlay.At<BlockHeader>(_block);

    public int Count => (int)Header.ItemCount.Value;

    public ref readonly ItemHeader Item(int slot) =>
        ref Overlay.At<ItemHeader>(_block, BlockHeader.Size + slot * ItemHeader.Size);

    public Key Key(int slot) => Item(slot).Key;

    public ReadOnlySpan<byte> Data(int slot)
    {
        ref readonly ItemHeader item = ref Item(slot);
        return _block.Slice(BlockHeader.Size + (int)item.DataOffset.Value, (int)item.DataSize.Value);
    }

    /// <summary>The fixed record at the head of an item's data, without a copy.</summary>
    public ref readonly T Record<T>(int slot)
        where T : unmanaged => ref Overlay.At<T>(Data(slot));

    /// <summary>The first slot whose key is not below <paramref name="key"/>, and whether it is equal.</summary>
    public (int Slot, bool Found) Search(Key key)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) >> 1);
            int order = Item(middle).Key.ToKey().CompareTo(key);
            if (order == 0)
                return (middle, true);
            if (order < 0)
                low = middle + 1;
            else
                high = middle;
        }

        return (low, false);
    }
}
