using Btrfs.Interop.Zstd;

namespace Btrfs.Interop;

/// <summary>Decompresses one zstd frame (RFC 8878) from memory to memory. Callable from any thread.</summary>
public static class ZstdDecoder
{
    /// <summary>The largest window of frames that btrfs writes, as a power of two: 128 KiB, the size of its compressed extents.</summary>
    public const int BtrfsWindowLog = 17;

    /// <summary>
    /// Returns the bytes written. Stops at the frame's end, whatever follows it, or as soon as <paramref name="destination"/> is full.
    /// A content checksum is not checked: btrfs has its own over these bytes.
    /// </summary>
    /// <param name="source">A frame, without a dictionary.</param>
    /// <param name="destination">Where its contents go.</param>
    /// <param name="windowLogMax">A frame with a window over 2^this bytes, which is memory that it may make us hold, is refused; at most 23.</param>
    /// <exception cref="InvalidDataException">The frame is corrupt or truncated, or its window too large.</exception>
    public static unsafe int Decompress(ReadOnlySpan<byte> source, Span<byte> destination, int windowLogMax = BtrfsWindowLog)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(windowLogMax, 10);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(windowLogMax, 23);
        if (!NativeLibraryStatus.IsLoaded)
        {
            return ZstdManaged.Decompress(source, destination, windowLogMax);
        }

        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            long result = NativeMethods.btrn_zstd_decompress(DecoderHandle.Current, from, (ulong)source.Length, to, (ulong)destination.Length, (uint)windowLogMax);
            return DecoderHandle.Produced(result, "zstd");
        }
    }
}
