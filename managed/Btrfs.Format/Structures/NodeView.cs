using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>An inner block (level 1 to 7) over a block that passed the checks: keys in order, each with the child that starts at it.</summary>
public readonly ref struct NodeView(ReadOnlySpan<byte> block)
{
    private readonly ReadOnlySpan<byte> _block = block;

    public ref readonly BlockHeader Header => ref MemoryMarshal.AsRef<BlockHeader>(_block);

    public int Count => (int)Header.ItemCount.Value;

    public ref readonly KeyPointer Pointer(int slot) =>
        ref MemoryMarshal.Cast<byte, KeyPointer>(_block[BlockHeader.Size..])[slot];

    public Key Key(int slot) => Pointer(slot).Key;

    /// <summary>The slot of the child that holds <paramref name="key"/>, if any child does: the last key not above it, or 0.</summary>
    public int ChildSlot(Key key)
    {
        ReadOnlySpan<KeyPointer> pointers = MemoryMarshal.Cast<byte, KeyPointer>(_block[BlockHeader.Size..])[..Count];
        int low = 0;
        int high = pointers.Length;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) >> 1);
            if (pointers[middle].Key.ToKey().CompareTo(key) <= 0)
                low = middle + 1;
            else
                high = middle;
        }

        return Math.Max(low - 1, 0);
    }
}
