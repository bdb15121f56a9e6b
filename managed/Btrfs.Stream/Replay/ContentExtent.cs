namespace Btrfs.Stream.Replay;

/// <summary>A run of a file's bytes and where they lie. What no run covers is zeros.</summary>
/// <param name="FileOffset">Where it begins in the file.</param>
/// <param name="Length">Of the run in bytes, at least one.</param>
/// <param name="Source">The number of the input that holds the bytes plainly; or below zero: <see cref="Untold"/>, or an encoded write, by <see cref="OfEncoded"/>.</param>
/// <param name="SourceOffset">Where it begins in the input, or in what the encoded write decodes to.</param>
internal readonly record struct ContentExtent(long FileOffset, long Length, int Source, long SourceOffset)
{
    /// <summary>The source of bytes that a stream without data only tells to have changed.</summary>
    public const int Untold = int.MinValue;

    public long End => FileOffset + Length;

    public bool IsUntold => Source == Untold;

    public bool IsEncoded => Source < 0 && !IsUntold;

    /// <summary>The number of the encoded write.</summary>
    public int Encoded => ~Source;

    public static int OfEncoded(int number) => ~number;

    /// <summary>The part of it that lies in [<paramref name="start"/>, <paramref name="end"/>), which touches it, moved by a distance.</summary>
    public ContentExtent Part(long start, long end, long move = 0)
    {
        long from = Math.Max(start, FileOffset);
        long to = Math.Min(end, End);
        return new ContentExtent(from + move, to - from, Source, SourceOffset + (from - FileOffset));
    }
}

/// <summary>An encoded write, left in its stream.</summary>
/// <param name="Input">The number of the input.</param>
/// <param name="DataOffset">Where its data lies in the input.</param>
/// <param name="DataLength">Bytes of data.</param>
/// <param name="UnencodedLength">Bytes that it stands for; what it decodes to may be fewer, and zeros follow.</param>
/// <param name="Compression">As the stream numbers it.</param>
internal readonly record struct EncodedWrite(int Input, long DataOffset, int DataLength, int UnencodedLength, uint Compression);
