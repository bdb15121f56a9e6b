using System.Buffers.Binary;

namespace Btrfs.Storage;

/// <summary>
/// The frames that btrfs puts around LZO streams. The extent begins with the length of all that is used of it (u32, itself included);
/// segments follow, each a length (u32) and a stream of at most one sector of file data. A segment's length never straddles two sectors of the extent:
/// where fewer than four bytes are left in one, they are padding. Source: the format documentation of btrfs, and extents that the kernel wrote.
/// </summary>
internal static class LzoFrames
{
    private const int LengthSize = sizeof(uint);

    /// <summary>Returns the bytes written.</summary>
    /// <exception cref="InvalidDataException">The frames or a stream in them are corrupt.</exception>
    public static int Decode(ReadOnlySpan<byte> source, Span<byte> destination, int sectorSize)
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

    /// <summary>False where the extent is longer than <paramref name="destination"/>. What is between segments and behind the last is zero, as the kernel has it.</summary>
    /// <param name="source">The file's bytes.</param>
    /// <param name="destination">For the extent.</param>
    /// <param name="sectorSize">Bytes of file data that a segment holds.</param>
    /// <param name="length">Of the extent, in bytes.</param>
    public static bool TryEncode(ReadOnlySpan<byte> source, Span<byte> destination, int sectorSize, out int length)
    {
        LzoEncoder encoder = new(source, stackalloc int[LzoEncoder.TableLength]);
        length = LengthSize;
        for (int start = 0; start < source.Length; start += sectorSize)
        {
            int stream = length + LengthSize;
            if (stream > destination.Length
                || !encoder.TryEncode(start, Math.Min(sectorSize, source.Length - start), destination[stream..], out int written))
            {
                return false;
            }

            BinaryPrimitives.WriteInt32LittleEndian(destination[length..], written);
            length = stream + written;
            int left = sectorSize - length % sectorSize;
            if (left >= LengthSize)
                continue;
            if (left > destination.Length - length)
                return false;

            destination.Slice(length, left).Clear();
            length += left;
        }

        if (length > destination.Length)
            return false;

        BinaryPrimitives.WriteInt32LittleEndian(destination, length);
        return true;
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
