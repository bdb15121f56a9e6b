using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>The one place where the members of a tree block are checked before anything else sees them.</summary>
internal static class BlockGate
{
    /// <exception cref="CorruptMetadataException">A member contradicts the format.</exception>
    public static void Verify(ReadOnlySpan<byte> block)
    {
        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(block);
        int width = header.Level == 0 ? ItemHeader.Size : KeyPointer.Size;
        uint limit = (uint)(block.Length - BlockHeader.Size) / (uint)width;
        if (header.ItemCount > limit)
            throw new CorruptMetadataException(header.Owner, new LogicalAddress(header.Bytenr), -1, $"{header.ItemCount.Value} items, expect at most {limit}");
    }
}
