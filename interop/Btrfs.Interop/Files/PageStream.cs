using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Btrfs.Interop;

/// <summary>
/// A stream onto a descriptor that takes pages of files without their bytes going through memory of this process: a pipe, a socket or a character device. A pipe then
/// holds the very pages of the page cache, so what is in them when the reader comes is what it reads: see <see cref="WaitUntilRead"/>.
/// Used by one thread at a time. There is no managed twin: without the native library no descriptor is one.
/// </summary>
public sealed class PageStream : WriteOnlyStream
{
    // Waiting for a reader costs little at first, and hardly anything when it takes its time.
    private const int SpinMicroseconds = 200;
    private const int LongestSleepMilliseconds = 10;

    private readonly Stream _below;
    private readonly SafeHandle _descriptor;
    private readonly btrn_sink_kind _kind;
    private readonly PipeStage? _stage;
    private bool _holdsPages;
    private bool _ownsBelow;

    private PageStream(Stream below, SafeHandle descriptor, btrn_sink_kind kind, PipeStage? stage)
    {
        _below = below;
        _descriptor = descriptor;
        _kind = kind;
        _stage = stage;
    }

    /// <summary>Whether the sink is a pipe, whose reader will have to take the bytes from somewhere: it saves a copy even where they were looked at here.</summary>
    public bool IsPipe => _kind == btrn_sink_kind.BTRN_SINK_PIPE;

    /// <summary>The sink of a descriptor, or null where it takes no pages. A pipe is enlarged to 1 MiB where that is allowed.</summary>
    /// <param name="below">Writes to the descriptor at once, or when it is flushed. It stays the caller's.</param>
    /// <param name="descriptor">Stays the caller's.</param>
    public static PageStream? TryOpen(Stream below, SafeHandle descriptor)
    {
        ArgumentNullException.ThrowIfNull(below);
        ArgumentNullException.ThrowIfNull(descriptor);
        if (!NativeLibraryStatus.IsLoaded || descriptor.IsInvalid || descriptor.IsClosed)
        {
            return null;
        }

        using DescriptorLease lease = new(descriptor);
        switch ((btrn_sink_kind)NativeMethods.btrn_sink_prepare(lease.Number))
        {
            case btrn_sink_kind.BTRN_SINK_PIPE:
                return PipeStage.TryCreate() is { } stage ? new PageStream(below, descriptor, btrn_sink_kind.BTRN_SINK_PIPE, stage) : null;
            case btrn_sink_kind.BTRN_SINK_STREAM:
                return new PageStream(below, descriptor, btrn_sink_kind.BTRN_SINK_STREAM, stage: null);
            default:
                return null;
        }
    }

    /// <summary>
    /// A sink that forgets what it gets, which brings pages into the host's cache: those that aren't there are read for it in the host's own sequence, and nothing is copied. Null where the
    /// host has none.
    /// </summary>
    public static PageStream? TryOpenNowhere()
    {
        if (!NativeLibraryStatus.IsLoaded)
        {
            return null;
        }

        try
        {
            FileStream nowhere = new("/dev/null", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            return new PageStream(nowhere, nowhere.SafeFileHandle, btrn_sink_kind.BTRN_SINK_NOWHERE, stage: null) { _ownsBelow = true };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Moves bytes of a file here, behind all that was written. Fewer than asked for where the file ends, or either side refuses: the caller then writes the rest itself, and meets the reason.
    /// </summary>
    /// <param name="file">Read through the page cache.</param>
    /// <param name="offset">In bytes.</param>
    /// <param name="length">In bytes.</param>
    /// <returns>How many bytes went.</returns>
    /// <exception cref="IOException">What was written or moved before could not be passed on.</exception>
    public int Move(NativeFile file, long offset, int length)
    {
        if (file is not ShimFile { IsDirect: false } shim)
        {
            return 0;
        }

        int source = shim.Acquire();
        try
        {
            if (_stage is not null)
            {
                _holdsPages = true;
                return _stage.Move(source, offset, length, this);
            }

            _below.Flush();
            using DescriptorLease lease = new(_descriptor);
            return (int)NativeMethods.btrn_sink_move(lease.Number, _kind, source, (ulong)offset, (ulong)length);
        }
        finally
        {
            shim.Release();
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        int taken = _stage?.Write(buffer, this) ?? 0;
        if (taken < buffer.Length)
        {
            _stage?.Forward(this);
            _below.Write(buffer[taken..]);
        }
    }

    public override void Flush()
    {
        _stage?.Forward(this);
        _below.Flush();
    }

    /// <summary>
    /// Returns when a pipe holds none of the pages that were moved, because all was read or nobody reads any more. From then on changing the file changes nothing that went through here
    /// (unless the reader, too, keeps pages rather than bytes).
    /// </summary>
    /// <exception cref="IOException">What was written or moved before could not be passed on.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public void WaitUntilRead(CancellationToken cancellation)
    {
        if (!_holdsPages)
        {
            return;
        }

        Flush();
        long start = Stopwatch.GetTimestamp();
        int sleep = 0;
        while (Unread() > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(start).TotalMicroseconds < SpinMicroseconds)
            {
                Thread.Yield();
                continue;
            }

            sleep = Math.Min(sleep + 1, LongestSleepMilliseconds);
            Thread.Sleep(sleep);
        }

        _holdsPages = false;
    }

    /// <summary>Passes on what the stage holds. Where the pipe does not take it, the stream below is asked to, and tells why.</summary>
    internal void Take(PipeStage stage, int length)
    {
        int moved;
        using (DescriptorLease lease = new(_descriptor))
        {
            moved = stage.Forward(lease.Number, length);
        }

        if (moved < length)
        {
            _below.Write(stage.Read(length - moved));
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stage?.Dispose();
            if (_ownsBelow)
                _below.Dispose();
        }

        base.Dispose(disposing);
    }

    private long Unread()
    {
        using DescriptorLease lease = new(_descriptor);
        return NativeMethods.btrn_pipe_unread(lease.Number);
    }
}
