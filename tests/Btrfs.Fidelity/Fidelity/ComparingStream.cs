namespace Btrfs.Fidelity;

/// <summary>A sink that holds what is written to it against a file and keeps only the place of the first difference.</summary>
internal sealed class ComparingStream(string expectedFile) : System.IO.Stream
{
    private const int BufferSize = 1 << 16;

    private readonly FileStream _expected = File.OpenRead(expectedFile);
    private readonly byte[] _buffer = new byte[BufferSize];
    private long _written;

    /// <summary>Offset of the first byte that differs or that the file does not have; null while all is equal.</summary>
    public long? FirstDifference { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _written;

    public override long Position
    {
        get => _written;
        set => throw new NotSupportedException("a comparing stream is only written to, in order");
    }

    /// <summary>True if the whole file was written, and nothing else.</summary>
    public bool IsEqual() => FirstDifference is null && _written == _expected.Length;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ReadOnlySpan<byte> rest = buffer;
        while (rest.Length > 0 && FirstDifference is null)
        {
            ReadOnlySpan<byte> part = rest[..Math.Min(rest.Length, BufferSize)];
            int read = _expected.ReadAtLeast(_buffer.AsSpan(0, part.Length), part.Length, throwOnEndOfStream: false);
            int common = part.CommonPrefixLength(_buffer.AsSpan(0, read));
            if (common < part.Length)
                FirstDifference = _written + (buffer.Length - rest.Length) + common;
            rest = rest[part.Length..];
        }

        _written += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void WriteByte(byte value) => Write([value]);

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a comparing stream cannot be read");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("a comparing stream cannot seek");

    public override void SetLength(long value) => throw new NotSupportedException("a comparing stream has no length to set");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _expected.Dispose();
        base.Dispose(disposing);
    }
}
