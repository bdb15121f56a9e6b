namespace Btrfs.Fuzz.Running;

/// <summary>
/// Takes a stream to nowhere, until there is enough of it: a damaged file may rightly be exbibytes long, and its bytes come for ever.
/// </summary>
internal sealed class BoundedSink(long limitBytes) : System.IO.Stream
{
    private long _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position { get => _length; set => throw new NotSupportedException(); }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _length += buffer.Length;
        if (_length > limitBytes)
            throw new EnoughException();
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>Output came, and more than anyone wants to wait for: a good end.</summary>
internal sealed class EnoughException : Exception;
