namespace Btrfs.LoopTests.Sending;

/// <summary>Passes on what is written; before the first piece something happens, on the thread of the send.</summary>
internal sealed class InterruptedStream(System.IO.Stream below, Action? before) : System.IO.Stream
{
    private bool _hasBegun;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() => below.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            before?.Invoke();
        }

        below.Write(buffer);
    }
}
