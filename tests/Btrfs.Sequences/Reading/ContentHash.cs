using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Btrfs.Sequences.Reading;

/// <summary>A hash over a file's content that does not depend on where holes are, nor on how it was cut into reads: blocks of zeros don't count.</summary>
internal static class ContentHash
{
    private const int BlockSize = 4096;

    /// <summary>Adds bytes, which begin at a multiple of 4 KiB and end there too, but for the last ones of the file.</summary>
    public static void Append(IncrementalHash hash, long offset, ReadOnlySpan<byte> data)
    {
        Span<byte> place = stackalloc byte[8];
        while (!data.IsEmpty)
        {
            ReadOnlySpan<byte> block = data[..Math.Min(BlockSize, data.Length)];
            if (block.ContainsAnyExcept((byte)0))
            {
                BinaryPrimitives.WriteInt64LittleEndian(place, offset);
                hash.AppendData(place);
                hash.AppendData(block);
            }

            offset += block.Length;
            data = data[block.Length..];
        }
    }

    public static string Finish(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset()[..8]);
}
