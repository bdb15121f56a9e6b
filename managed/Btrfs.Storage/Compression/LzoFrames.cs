using System.Buffers.Binary;
using Btrfs.Interop;

namespace Btrfs.Storage;

/// <summary>Puts the frames of <see cref="LzoExtent"/> around LZO streams.</summary>
internal static class LzoFrames
{
    private const int LengthSize = sizeof(uint);

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
}
