using System.Runtime.InteropServices;
using Btrfs.Stream;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Cli.Host;

/// <summary>
/// Standard output as a stream of bytes. The runtime's own streams don't serve: the console's swallows a broken pipe, and a file stream writes at
/// offsets of its own, so that what the next process appends to the same file would overwrite ours.
/// </summary>
internal sealed class StandardOutput : DescriptorStream
{
    private const int Number = 1;
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const int BrokenPipe = 32;

    public override SafeHandle Descriptor { get; } = new SafeFileHandle(Number, ownsHandle: false);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="BrokenPipeException">Nobody reads any more.</exception>
    /// <exception cref="IOException">The host could not write.</exception>
    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written;
            fixed (byte* start = buffer)
                written = HostCalls.Write(Number, start, buffer.Length);
            if (written >= 0)
                buffer = buffer[(int)written..];
            else
                Recover(Marshal.GetLastPInvokeError());
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private static void Recover(int error)
    {
        switch (error)
        {
            case Interrupted:
                break;
            case TryAgain:
                // Whoever gave us a descriptor that doesn't block wants us to wait all the same.
                Thread.Sleep(1);
                break;
            case BrokenPipe:
                throw new BrokenPipeException();
            default:
                throw new IOException($"standard output: {Marshal.GetPInvokeErrorMessage(error).ToLowerInvariant()}");
        }
    }
}
