using System.Buffers.Binary;

namespace Btrfs.Interop;

/// <summary>Makes a zstd frame (RFC 8878) from memory to memory. Callable from any thread.</summary>
public static class ZstdEncoder
{
    private const uint Magic = 0xFD2FB528;

    // The window is the content, whose size follows in four bytes.
    private const byte SingleSegment = 0xA0;
    private const int RepeatFrameSize = 13;
    private const int MaxBlock = 128 * 1024;

    /// <summary>
    /// False where the frame is longer than <paramref name="destination"/>, whose bytes are anything then. Without the native library only a run of one
    /// repeated byte is ever compressed, and all else is false: the data then stays as it is.
    /// </summary>
    /// <param name="source">What to compress.</param>
    /// <param name="destination">Where the frame goes.</param>
    /// <param name="level">-15 to 15; 0 is the usual one.</param>
    /// <param name="length">Of the frame, in bytes.</param>
    public static unsafe bool TryCompress(ReadOnlySpan<byte> source, Span<byte> destination, int level, out int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, -15);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 15);
        if (!NativeLibraryStatus.IsLoaded)
        {
            return TryCompressManaged(source, destination, out length);
        }

        fixed (byte* from = source)
        fixed (byte* to = destination)
        {
            long result = NativeMethods.btrn_zstd_compress(EncoderHandle.Current, level, from, (ulong)source.Length, to, (ulong)destination.Length);
            return EncoderHandle.Fits(result, "zstd", out length);
        }
    }

    /// <summary>The managed twin: one block that repeats a byte.</summary>
    internal static bool TryCompressManaged(ReadOnlySpan<byte> source, Span<byte> destination, out int length)
    {
        length = 0;
        if (source.IsEmpty || source.Length > MaxBlock || destination.Length < RepeatFrameSize || source.ContainsAnyExcept(source[0]))
        {
            return false;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        destination[4] = SingleSegment;
        BinaryPrimitives.WriteInt32LittleEndian(destination[5..], source.Length);

        // The block's header: its size from bit 3 on, type 1 (a repeated byte), the last block. Its fourth byte is the byte itself.
        BinaryPrimitives.WriteUInt32LittleEndian(destination[9..], (uint)source[0] << 24 | (uint)source.Length << 3 | 1 << 1 | 1);
        length = RepeatFrameSize;
        return true;
    }
}
