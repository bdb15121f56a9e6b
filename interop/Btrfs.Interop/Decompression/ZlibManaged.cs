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
            using Input compressed = new(start + HeaderBytes, source.Length - HeaderBytes);
            using DeflateStream inflate = new(compressed, CompressionMode.Decompress);
            int done = 0;
            while (done < destination.Length)
            {
                int count = inflate.Read(destination[done..]);
                if (count == 0)
                {
                    // The base library takes a truncated stream for a finished one, but only a truncated one makes it ask for more.
                    return compressed.WasExhausted ? throw new InvalidDataException("corrupt zlib stream") : done;
                }

                done += count;
            }

            return done;
        }
    }

    private sealed unsafe class Input(byte* start, long length) : UnmanagedMemoryStream(start, length)
    {
        /// <summary>Bytes were asked for when there were none left.</summary>
        internal bool WasExhausted { get; private set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = base.Read(buffer, offset, count);
            WasExhausted |= read == 0 && count > 0;
            return read;
        }
    }
}
