
namespace Btrfs.Format;

/// <summary>An inner block (level 1 to 7) over a block that passed the checks: keys in order, each with the child that starts at it.</summary>
public readonly ref struct NodeView(ReadOnlySpan<byte> block)
{
    private readonly ReadOnlySpan<byte> _block = block;

    public ref readonly BlockHeader Header => ref Overlay.At<BlockHeader>(_block);

    public int Count => (int)Header.ItemCount.Value;

    public ref readonly KeyPointer Pointer(int slot) =>
        ref Overlay.At<KeyPointer>(_block, BlockHeader.Size + slot * KeyPointer.Size);

    public Key Key(int slot) => Pointer(slot).Key;

    /// <summary>The slot of the child that holds <paramref name="key"/>, if any child does: the last key not above it, or 0.</summary>
    public int ChildSlot(Key key)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) >> 1);
            if (Pointer(middle).Key.ToKey().CompareTo(key) <= 0)
                low = middle + 1;
            else
                high = middle;
        }

        return Math.Max(low - 1, 0);
    }
}
