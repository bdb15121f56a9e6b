using System.IO.Compression;

namespace Btrfs.Interop;

/// <summary>Makes zlib streams (RFC 1950) from memory to memory. Callable from any thread.</summary>
public static class ZlibEncoder
{
    /// <summary>False where the stream is longer than <paramref name="destination"/>, whose bytes are anything then.</summary>
    /// <param name="source">What to compress.</param>
    /// <param name="destination">Where the stream goes.</param>
    /// <param name="level">1 to 9.</param>
    /// <param name="length">Of the stream, in bytes.</param>
    public static unsafe bool TryCompress(ReadOnlySpan<byte> source, Span<byte> destination, int level, out int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 9);
        if (!NativeLibraryStatus.IsLoaded)
        {
            return TryCompressManaged(source, destination, level, out length);
        }

        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            long result = NativeMethods.btrn_zlib_compress(EncoderHandle.Current, level, from, (ulong)source.Length, to, (ulong)destination.Length);
            return EncoderHandle.Fits(result, "zlib", out length);
        }
    }

    /// <summary>The managed twin, over the base library. Its streams decode to the same, and are not the same bytes.</summary>
    internal static bool TryCompressManaged(ReadOnlySpan<byte> source, Span<byte> destination, int level, out int length)
    {
        using MemoryStream stream = new(source.Length);
        using (ZLibStream deflate = new(stream, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true))
        {
            deflate.Write(source);
        }

        length = 0;
        if (stream.Length > destination.Length)
        {
            return false;
        }

        length = (int)stream.Length;
        stream.GetBuffer().AsSpan(0, length).CopyTo(destination);
        return true;
    }
}
