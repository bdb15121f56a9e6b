namespace Btrfs.Interop;

/// <summary>Decompresses zlib streams (RFC 1950) from memory to memory. Callable from any thread.</summary>
public static class ZlibDecoder
{
    /// <summary>
    /// Returns the bytes written. Stops at the stream's end, whatever follows it, or as soon as <paramref name="destination"/> is full.
    /// The stream's own Adler-32 is not checked: btrfs has its checksums over these bytes, and the kernel ignores it too.
    /// </summary>
    /// <exception cref="InvalidDataException">The stream is corrupt or truncated.</exception>
    public static unsafe int Decompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (!NativeLibraryStatus.IsLoaded)
        {
            return ZlibManaged.Decompress(source, destination);
        }

        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            long result = NativeMethods.btrn_zlib_decompress(DecoderHandle.Current, from, (ulong)source.Length, to, (ulong)destination.Length);
            return DecoderHandle.Produced(result, "zlib");
        }
    }
}
