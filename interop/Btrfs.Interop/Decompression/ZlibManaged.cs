using System.IO.Compression;

namespace Btrfs.Interop;

/// <summary>The managed twin of the native zlib decoder, over the base library's deflate.</summary>
internal static class ZlibManaged
{
    private const int HeaderBytes = 2;

    internal static unsafe int Decompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        // RFC 1950: the method is deflate, the window at most 32 KiB, no dictionary, and the two bytes a multiple of 31.
        if (source.Length < HeaderBytes || (source[0] & 0x0F) != 8 || source[0] >> 4 > 7 || (source[1] & 0x20) != 0 || ((source[0] << 8) | source[1]) % 31 != 0)
        {
            throw new InvalidDataException("corrupt zlib stream");
        }

        fixed (byte* start = source)
        {
            using UnmanagedMemoryStream compressed = new(start + HeaderBytes, source.Length - HeaderBytes);
            using DeflateStream inflate = new(compressed, CompressionMode.Decompress);
            int done = 0;
            while (done < destination.Length)
            {
                int count = inflate.Read(destination[done..]);
                if (count == 0)
                {
                    break;
                }

                done += count;
            }

            return done;
        }
    }
}
