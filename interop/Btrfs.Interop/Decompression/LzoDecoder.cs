using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Btrfs.Interop;

/// <summary>
/// Decodes one LZO1X stream. Written from the description of the stream in the kernel's documentation (staging/lzo).
/// <para>
/// An instruction copies a run out of what was decoded before, then 0 to 3 literals whose number hides in its lowest bits; or it is a run of
/// literals. What a byte below 16 means depends on how many literals the instruction before it copied.
/// </para>
/// </summary>
internal static class LzoDecoder
{
    private const int AfterMatch = 0;
    private const int AfterLiteralRun = 4;
    private const int FarDistance = 16384;

    // Most copies are shorter: one vector moves them, and what it moves too much is overwritten by what follows.
    private const int ShortCopy = 16;

    /// <summary>Returns the bytes written. Bytes of the destination behind them may have changed.</summary>
    /// <param name="source">The whole stream, its end marker included.</param>
    /// <param name="destination">Decoding stops where it is full.</param>
    /// <param name="overflows">Whether the stream has more than fits.</param>
    /// <exception cref="InvalidDataException">The stream is corrupt or cut off.</exception>
    public static int Decode(ReadOnlySpan<byte> source, Span<byte> destination, out bool overflows)
    {
        int read = 0;
        int written = 0;
        int state = AfterMatch;
        int literals = 0;
        if (!source.IsEmpty && source[0] > 17)
        {
            // The first byte alone can be a number of literals, with 17 added.
            literals = source[0] - 17;
            state = Math.Min(literals, AfterLiteralRun);
            read = 1;
        }

        while (true)
        {
            if (literals > 0)
            {
                int fitting = CopyLiterals(source, read, destination, written, literals);
                read += fitting;
                written += fitting;
                if (fitting < literals)
                    break;
            }

            if (read >= source.Length)
                ThrowCutOff(read);

            int code = source[read++];
            int length;
            int distance;
            if (code >= 64)
            {
                length = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
                distance = (ByteAt(source, read++) << 3) + ((code >> 2) & 7) + 1;
            }
            else if (code >= 32)
            {
                length = 2 + Length(source, ref read, code & 31, 31);
                int word = NextWord(source, ref read);
                distance = (word >> 2) + 1;
                code = word;
            }
            else if (code >= 16)
            {
                length = 2 + Length(source, ref read, code & 7, 7);
                int word = NextWord(source, ref read);
                distance = FarDistance + ((code & 8) << 11) + (word >> 2);
                code = word;
                if (distance == FarDistance)
                {
                    if (length != 3 || read != source.Length)
                        throw new InvalidDataException($"the end marker stands at {read} of {source.Length} bytes");

                    overflows = false;
                    return written;
                }
            }
            else if (state == AfterMatch)
            {
                literals = 3 + Length(source, ref read, code, 15);
                state = AfterLiteralRun;
                continue;
            }
            else
            {
                length = state == AfterLiteralRun ? 3 : 2;
                distance = (ByteAt(source, read++) << 2) + (code >> 2) + (state == AfterLiteralRun ? 2049 : 1);
            }

            int copied = CopyMatch(destination, written, distance, length);
            written += copied;
            if (copied < length)
                break;

            literals = state = code & 3;
        }

        overflows = true;
        return written;
    }

    /// <summary>Returns how many literals fit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyLiterals(ReadOnlySpan<byte> source, int read, Span<byte> destination, int written, int length)
    {
        if (length <= ShortCopy && source.Length - read >= ShortCopy && destination.Length - written >= ShortCopy)
        {
            Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(source), (nuint)read).StoreUnsafe(ref MemoryMarshal.GetReference(destination), (nuint)written);
            return length;
        }

        if (length > source.Length - read)
            throw new InvalidDataException($"{length} literals at {read} reach behind the end at {source.Length}");

        int fitting = Math.Min(length, destination.Length - written);
        source.Slice(read, fitting).CopyTo(destination[written..]);
        return fitting;
    }

    /// <summary>Returns how many bytes of the run fit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyMatch(Span<byte> destination, int written, int distance, int length)
    {
        if (distance > written)
            throw new InvalidDataException($"a copy from {distance} bytes back at {written}");

        if (length <= ShortCopy && distance >= ShortCopy && destination.Length - written >= ShortCopy)
        {
            ref byte start = ref MemoryMarshal.GetReference(destination);
            Vector128.LoadUnsafe(ref start, (nuint)(written - distance)).StoreUnsafe(ref start, (nuint)written);
            return length;
        }

        int fitting = Math.Min(length, destination.Length - written);
        CopyLongMatch(destination.Slice(written - distance, distance + fitting), distance);
        return fitting;
    }

    /// <summary>Repeats the first <paramref name="period"/> bytes over the rest of the span: what is there doubles at each step.</summary>
    private static void CopyLongMatch(Span<byte> span, int period)
    {
        for (int done = period; done < span.Length; done *= 2)
            span[..Math.Min(done, span.Length - done)].CopyTo(span[done..]);
    }

    /// <summary>A length field: where its bits are zero, the largest value plus following bytes, each zero among them worth 255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Length(ReadOnlySpan<byte> source, ref int read, int bits, int largest) =>
        bits != 0 ? bits : LongLength(source, ref read, largest);

    private static int LongLength(ReadOnlySpan<byte> source, ref int read, int largest)
    {
        // The source is bounded, and so is the sum: at most 255 for each of its bytes.
        int length = largest;
        while (true)
        {
            int next = ByteAt(source, read++);
            if (next != 0)
                return length + next;
            length += 255;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ByteAt(ReadOnlySpan<byte> source, int position)
    {
        if ((uint)position >= (uint)source.Length)
            ThrowCutOff(position);

        return source[position];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int NextWord(ReadOnlySpan<byte> source, ref int read)
    {
        int word = ByteAt(source, read) | ByteAt(source, read + 1) << 8;
        read += sizeof(ushort);
        return word;
    }

    [DoesNotReturn]
    private static void ThrowCutOff(int position) => throw new InvalidDataException($"the stream is cut off at {position} bytes");
}
