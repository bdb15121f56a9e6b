using System.Buffers.Binary;

namespace Btrfs.Interop;

/// <summary>
/// Decodes compressed data of btrfs that is LZO: streams in frames. The data begins with the length of all that is used of it (u32, itself included);
/// segments follow, each a length (u32) and a stream of at most one sector of file data. A segment's length never straddles two sectors of the extent:
/// where fewer than four bytes are left in one, they are padding. Source: the format documentation of btrfs, and extents that the kernel wrote.
/// Callable from any thread.
/// </summary>
public static class LzoExtent
{
    private const int LengthSize = sizeof(uint);

    /// <summary>Returns the bytes written. Stops as soon as <paramref name="destination"/> is full.</summary>
    /// <param name="source">The data, whole.</param>
    /// <param name="destination">Where the contents go.</param>
    /// <param name="sectorSize">Of the file system that made it, in bytes.</param>
    /// <exception cref="InvalidDataException">The frames or a stream in them are corrupt.</exception>
    public static int Decompress(ReadOnlySpan<byte> source, Span<byte> destination, int sectorSize)
    {
        if (source.Length < LengthSize)
            throw new InvalidDataException($"{source.Length} bytes are too few for a length");

        uint total = BinaryPrimitives.ReadUInt32LittleEndian(source);
        if (total < LengthSize || total > (uint)source.Length)
            throw new InvalidDataException($"the total length is {total}, expect {LengthSize} to {source.Length}");

        source = source[..(int)total];
        int position = LengthSize;
        int written = 0;
        while (position < source.Length && written < destination.Length)
        {
            int left = sectorSize - position % sectorSize;
            if (left < LengthSize)
            {
                position += left;
                continue;
            }

            written += DecodeSegment(source, ref position, destination[written..], sectorSize);
        }

        return written;
    }

    private static int DecodeSegment(ReadOnlySpan<byte> source, ref int position, Span<byte> destination, int sectorSize)
    {
        if (source.Length - position < LengthSize)
            throw new InvalidDataException($"{source.Length - position} bytes at {position} are too few for a segment");

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(source[position..]);
        int start = position + LengthSize;
        if (length == 0 || length > (uint)(source.Length - start))
            throw new InvalidDataException($"the segment at {position} has {length} bytes, expect 1 to {source.Length - start}");

        bool wholeSector = destination.Length >= sectorSize;
        int written = LzoDecoder.Decode(source.Slice(start, (int)length), wholeSector ? destination[..sectorSize] : destination, out bool overflows);
        if (overflows && wholeSector)
            throw new InvalidDataException($"the segment at {position} holds more than a sector of {sectorSize} bytes");

        position = start + (int)length;
        return written;
    }
}
