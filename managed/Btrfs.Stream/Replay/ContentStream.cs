using Microsoft.Win32.SafeHandles;

namespace Btrfs.Stream.Replay;

/// <summary>The content of a file that a chain of streams makes, as a seekable stream that reads the data where the streams have it. Holes are zeros. Not thread-safe.</summary>
public sealed class ContentStream : System.IO.Stream
{
    private static readonly ExtentList s_none = new();

    private readonly ExtentList _extents;
    private readonly IReadOnlyList<SafeFileHandle> _inputs;
    private readonly ContentDecoder _decoder;
    private long _position;

    internal ContentStream(ReplayedInode file, IReadOnlyList<SafeFileHandle> inputs, ContentDecoder decoder)
    {
        _extents = file.Extents ?? s_none;
        _inputs = inputs;
        _decoder = decoder;
        Length = file.Size;
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new IOException($"a position can't be negative: {value}");
    }

    /// <summary>Reads up to the buffer's length, and fewer bytes only at the end of the file.</summary>
    /// <exception cref="StreamFormatException">Encoded data can't be decoded, or the stream was made without data.</exception>
    /// <exception cref="IOException">A stream could not be read.</exception>
    public override int Read(Span<byte> buffer)
    {
        int wanted = (int)Math.Min(buffer.Length, Math.Max(Length - _position, 0));
        buffer = buffer[..wanted];
        for (int index = _extents.IndexAt(_position); !buffer.IsEmpty; index++)
        {
            // Zeros up to the next run, then of that what is wanted.
            bool isRun = index < _extents.Count;
            ContentExtent run = isRun ? _extents[index] : default;
            int hole = isRun ? (int)Math.Clamp(run.FileOffset - _position, 0, buffer.Length) : buffer.Length;
            buffer[..hole].Clear();
            Advance(ref buffer, hole);
            if (!isRun)
                break;

            int length = (int)Math.Min(buffer.Length, run.End - _position);
            ReadRun(run, buffer[..length]);
            Advance(ref buffer, length);
        }

        return wanted;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Finds the first bytes at or behind an offset that the streams tell of. What lies between is zeros.</summary>
    /// <param name="from">Byte offset in the file.</param>
    /// <param name="start">Where the bytes begin.</param>
    /// <param name="end">Where their run ends; at most the file's length.</param>
    /// <returns>False if there are none up to the end of the file.</returns>
    public bool TryFindData(long from, out long start, out long end)
    {
        start = end = Length;
        int index = _extents.IndexAt(from);
        if (index == _extents.Count)
            return false;

        start = Math.Max(from, _extents[index].FileOffset);
        end = _extents[index].End;
        return true;
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    internal static void ReadInput(SafeFileHandle input, Span<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            int count = RandomAccess.Read(input, buffer, offset);
            if (count == 0)
                throw new IOException($"the stream has become shorter while it was read: nothing is left at {offset}");
            buffer = buffer[count..];
            offset += count;
        }
    }

    private void ReadRun(in ContentExtent run, Span<byte> buffer)
    {
        long offset = run.SourceOffset + (_position - run.FileOffset);
        if (run.IsUntold)
            throw new StreamFormatException(0, CommandType.UpdateExtent, $"the bytes at {_position} of the file are not in the stream: it was made without data");
        if (run.IsEncoded)
            _decoder.Decode(run.Encoded).Slice((int)offset, buffer.Length).CopyTo(buffer);
        else
            ReadInput(_inputs[run.Source], buffer, offset);
    }

    private void Advance(ref Span<byte> buffer, int count)
    {
        buffer = buffer[count..];
        _position += count;
    }
}
