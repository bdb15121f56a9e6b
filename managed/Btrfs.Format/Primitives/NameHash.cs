using System.Numerics;

namespace Btrfs.Format;

/// <summary>
/// The hashes that stand in keys: CRC-32C as a bare register, without the inversions at start and end that a checksum has.
/// </summary>
public static class NameHash
{
    private const uint NameSeed = ~1u;

    /// <summary>The offset of a DirItem's or XattrItem's key.</summary>
    public static uint OfName(ReadOnlySpan<byte> name) => Update(NameSeed, name);

    /// <summary>The offset of an InodeExtref's key: only the low half of the parent's number takes part.</summary>
    public static uint OfExtref(ulong parent, ReadOnlySpan<byte> name) => Update(unchecked((uint)parent), name);

    /// <summary>The offset of an ExtentDataRef's key, and the order of inline ones.</summary>
    public static ulong OfExtentDataRef(ulong root, ulong objectId, ulong offset)
    {
        uint high = BitOperations.Crc32C(uint.MaxValue, root);
        uint low = BitOperations.Crc32C(BitOperations.Crc32C(uint.MaxValue, objectId), offset);
        return ((ulong)high << 31) ^ low;
    }

    private static uint Update(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, Overlay.At<Le64>(bytes).Value);
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return crc;
    }
}
