using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Fuzz.Images;

/// <summary>A leaf taken apart into keys and data, to be put together again with items changed, added, lost or reordered.</summary>
internal sealed class LeafItems
{
    private readonly List<(int Start, int Length)> _ranges = [];

    public List<(Key Key, byte[] Data)> Items { get; } = [];

    public (int Start, int Length) DataRange(int slot) => slot < _ranges.Count ? _ranges[slot] : (0, 0);

    /// <summary>Takes apart as much as makes sense: the leaf may be damaged already.</summary>
    public static LeafItems TryRead(byte[] block, int nodeSize)
    {
        LeafItems leaf = new();
        ReadOnlySpan<ItemHeader> headers = MemoryMarshal.Cast<byte, ItemHeader>(block.AsSpan(BlockHeader.Size));
        uint count = Math.Min(MemoryMarshal.AsRef<BlockHeader>(block).ItemCount, (uint)headers.Length);
        foreach (ref readonly ItemHeader header in headers[..(int)count])
        {
            ulong start = BlockHeader.Size + (ulong)header.DataOffset.Value;
            if (start + header.DataSize.Value > (ulong)nodeSize)
                break;

            leaf._ranges.Add(((int)start, (int)header.DataSize.Value));
            leaf.Items.Add((header.Key, block.AsSpan((int)start, (int)header.DataSize.Value).ToArray()));
        }

        return leaf;
    }

    /// <summary>Lays the items out anew, in the order of the list. False, and the block unchanged, when they don't fit.</summary>
    public bool TryWrite(byte[] block)
    {
        int needed = Items.Sum(item => ItemHeader.Size + item.Data.Length);
        if (needed > block.Length - BlockHeader.Size)
            return false;

        Members.Write(block, Members.Of<BlockHeader>(nameof(BlockHeader.ItemCount)), (ulong)Items.Count);
        block.AsSpan(BlockHeader.Size).Clear();
        int end = block.Length;
        Span<byte> headers = block.AsSpan(BlockHeader.Size);
        foreach ((Key key, byte[] data) in Items)
        {
            end -= data.Length;
            data.CopyTo(block, end);
            MemoryMarshal.Write(headers, new DiskKey(key));
            BitConverter.GetBytes((uint)(end - BlockHeader.Size)).CopyTo(headers[DiskKey.Size..]);
            BitConverter.GetBytes((uint)data.Length).CopyTo(headers[(DiskKey.Size + sizeof(uint))..]);
            headers = headers[ItemHeader.Size..];
        }

        return true;
    }
}
