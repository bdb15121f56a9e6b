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

    public override void Flush()
    {
    }

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
