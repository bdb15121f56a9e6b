using System.Runtime.CompilerServices;

namespace Btrfs.Format;

/// <summary>
/// Walks the items of a leaf that is not trusted yet. Each step first proves the item's place in the leaf, so that the checks
/// by type may read <see cref="Data"/> and <see cref="PreviousData"/>.
/// </summary>
internal ref struct LeafCursor
{
    private readonly ReadOnlySpan<byte> _block;
    private readonly int _count;
    private int _dataEnd;

    public LeafCursor(ReadOnlySpan<byte> block, ref readonly BlockContext context)
    {
        _block = block;
        _count = (int)Header.ItemCount.Value;
        _dataEnd = context.LeafDataSize;
        Context = ref context;
        Slot = -1;
    }

    public readonly ref readonly BlockContext Context;
    public int Slot;
    public Key Key;
    public ReadOnlySpan<byte> Data;

    /// <summary>The item before, and its data. Meaningless on slot 0.</summary>
    public Key PreviousKey;
    public ReadOnlySpan<byte> PreviousData;

    public readonly ref readonly BlockHeader Header => ref Overlay.At<BlockHeader>(_block);

    public readonly bool HasPrevious => Slot > 0;

    public readonly BlockSite Site => new(Header.Owner, new LogicalAddress(Header.Bytenr), Slot);

    public bool MoveNext()
    {
        int slot = Slot + 1;
        if (slot >= _count)
            return false;

        PreviousKey = Key;
        PreviousData = Data;
        Slot = slot;
        ref readonly ItemHeader item = ref Overlay.At<ItemHeader>(_block, BlockHeader.Size + slot * ItemHeader.Size);
        Key = item.Key.ToKey();
        if (slot > 0 && Key <= PreviousKey)
            throw Corrupt($"bad key order, previous {PreviousKey} current {Key}");

        uint offset = item.DataOffset;
        uint size = item.DataSize;
        if ((ulong)offset + size != (ulong)_dataEnd)
            throw Corrupt($"unexpected item end, have {(ulong)offset + size} expect {_dataEnd}");
        if (offset < (uint)(_count * ItemHeader.Size))
            throw Corrupt($"item data overlaps the item headers, data offset {offset} headers end at {_count * ItemHeader.Size}");

        _dataEnd = (int)offset;
        Data = _block.Slice(BlockHeader.Size + (int)offset, (int)size);
        return true;
    }

    /// <summary>Only where <see cref="RequireSize"/> or a check like it has passed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ref readonly T Record<T>()
        where T : unmanaged => ref Overlay.At<T>(Data);

    public readonly void RequireSize(int expected)
    {
        if (Data.Length != expected)
            throw Corrupt($"invalid item size for key {Key}, have {Data.Length} expect {expected}");
    }

    public readonly void RequireAligned(ulong value, string what)
    {
        if (!Context.IsSectorAligned(value))
            throw Corrupt($"unaligned {what}, have {value} expect a multiple of {Context.SectorSize}");
    }

    public readonly void RequireGeneration(ulong generation, string what)
    {
        if (Context.IsFuture(generation))
            throw Corrupt($"invalid {what}, have {generation} expect at most {Context.Generation + 1}");
    }

    public readonly CorruptMetadataException Corrupt(string reason) => Site.Corrupt(reason);
}
