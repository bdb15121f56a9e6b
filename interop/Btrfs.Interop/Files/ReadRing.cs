using System.Buffers;

namespace Btrfs.Interop;

/// <summary>How a <see cref="ReadRing"/> runs its reads.</summary>
public enum ReadRingMode
{
    /// <summary>Many in flight at once, through io_uring.</summary>
    IoUring,

    /// <summary>One after the other: the kernel refuses io_uring, or the native library is not there.</summary>
    OneByOne,
}

/// <summary>One read of a batch.</summary>
public struct ReadRequest
{
    public required NativeFile File { readonly get; set; }

    public long OffsetBytes { readonly get; set; }

    /// <summary>Filled from its start. A buffer of <see cref="AlignedMemory"/> costs nothing to pin.</summary>
    public Memory<byte> Buffer { readonly get; set; }

    /// <summary>Out: the bytes read, fewer than the buffer holds only at the end of the file; or -errno.</summary>
    public int Result { readonly get; set; }

    /// <exception cref="IOException">This read failed.</exception>
    public readonly void ThrowIfFailed()
    {
        if (Result < 0)
        {
            throw NativeErrors.ToException(-Result, "read", File.Path);
        }
    }
}

/// <summary>Runs batches of reads with a bounded number in flight. Used by one thread at a time.</summary>
public sealed class ReadRing : IDisposable
{
    private readonly RingHandle? _ring;
    private MemoryHandle[] _pins = [];
    private btrn_read[] _reads = [];

    /// <param name="depth">The most reads in flight at once, 1 to 4096.</param>
    public ReadRing(int depth)
        : this(depth, ReadRingMode.IoUring)
    {
    }

    internal ReadRing(int depth, ReadRingMode wish)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(depth, 4096);
        Mode = ReadRingMode.OneByOne;
        if (NativeLibraryStatus.IsLoaded)
        {
            _ring = RingHandle.Create(depth, wish, out ReadRingMode mode);
            Mode = mode;
        }
    }

    public ReadRingMode Mode { get; }

    /// <summary>Runs all requests, in any order, and returns when the last has its <see cref="ReadRequest.Result"/>. A failed read is its own business.</summary>
    public void Read(Span<ReadRequest> requests)
    {
        if (_ring is null || HasManagedFile(requests))
        {
            ReadOneByOne(requests);
        }
        else
        {
            ReadNatively(requests);
        }
    }

    public void Dispose() => _ring?.Dispose();

    private static bool HasManagedFile(ReadOnlySpan<ReadRequest> requests)
    {
        foreach (ref readonly ReadRequest request in requests)
        {
            if (request.File is not ShimFile)
            {
                return true;
            }
        }

        return false;
    }

    private static void ReadOneByOne(Span<ReadRequest> requests)
    {
        foreach (ref ReadRequest request in requests)
        {
            try
            {
                request.Result = request.File.Read(request.OffsetBytes, request.Buffer.Span);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                request.Result = -NativeErrors.ErrnoOf(exception);
            }
        }
    }

    private unsafe void ReadNatively(Span<ReadRequest> requests)
    {
        if (_reads.Length < requests.Length)
        {
            _reads = GC.AllocateUninitializedArray<btrn_read>(requests.Length, pinned: true);
            _pins = new MemoryHandle[requests.Length];
        }

        int held = 0;
        try
        {
            for (; held < requests.Length; held++)
            {
                ref ReadRequest request = ref requests[held];
                ArgumentOutOfRangeException.ThrowIfNegative(request.OffsetBytes);
                int fd = ((ShimFile)request.File).Acquire();
                _pins[held] = request.Buffer.Pin();
                _reads[held] = new btrn_read
                {
                    fd = fd,
                    offset = (ulong)request.OffsetBytes,
                    buffer = (byte*)_pins[held].Pointer,
                    length = (uint)request.Buffer.Length,
                };
            }

            fixed (btrn_read* reads = _reads)
            {
                _ring!.Read(reads, requests.Length);
            }

            for (int i = 0; i < requests.Length; i++)
            {
                requests[i].Result = (int)_reads[i].result;
            }
        }
        finally
        {
            for (int i = 0; i < held; i++)
            {
                _pins[i].Dispose();
                ((ShimFile)requests[i].File).Release();
            }
        }
    }
}
