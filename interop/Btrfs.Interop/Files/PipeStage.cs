namespace Btrfs.Interop;

/// <summary>
/// A pipe of our own in which headers and pages are put together before they go to a pipe that somebody else reads, all at once. Each step on that other pipe would fight with its reader for
/// one lock, and wake it for the little that came: gathering takes half of the time of a send.
/// </summary>
internal sealed class PipeStage : IDisposable
{
    private const int PageBytes = 4096;

    // What a pipe has where nobody asks for more.
    private const int LeastSize = 64 * 1024;

    // What is larger fills a pipe by itself, and goes its own way.
    private const int LargestWrite = 128 * 1024;

    private readonly FileDescriptor _readEnd;
    private readonly FileDescriptor _writeEnd;

    // A pipe is full by the number of its pages, however little there is in each.
    private readonly int _limitPages;
    private int _pages;
    private int _bytes;

    private PipeStage(FileDescriptor readEnd, FileDescriptor writeEnd, int sizeBytes)
    {
        _readEnd = readEnd;
        _writeEnd = writeEnd;

        // Not to the brim: the reader has something to do while the rest is put together.
        _limitPages = sizeBytes / PageBytes / 4 * 3;
    }

    /// <summary>Null where the process may have no more pipes, or only such of a page or two: that is what the kernel gives a user who has many.</summary>
    internal static unsafe PipeStage? TryCreate()
    {
        int readEnd, writeEnd;
        int size = NativeMethods.btrn_pipe_create(&readEnd, &writeEnd);
        if (size < 0)
        {
            return null;
        }

        PipeStage stage = new(new FileDescriptor(readEnd), new FileDescriptor(writeEnd), size);
        if (size >= LeastSize)
        {
            return stage;
        }

        stage.Dispose();
        return null;
    }

    /// <summary>Takes a small piece of bytes behind what is here already.</summary>
    /// <returns>How many it took: all, or none where they are better written by themselves, or some where it has no room after all.</returns>
    internal unsafe int Write(ReadOnlySpan<byte> data, PageStream sink)
    {
        if (data.Length > LargestWrite)
        {
            return 0;
        }

        MakeRoom(PagesOf(0, data.Length), sink);
        fixed (byte* start = data)
        {
            using DescriptorLease lease = new(_writeEnd);
            int written = (int)NativeMethods.btrn_pipe_write(lease.Number, start, (ulong)data.Length);
            Add(0, written);
            return written;
        }
    }

    /// <summary>Moves bytes of a file behind what is here already.</summary>
    /// <returns>How many; fewer than asked for where the file refuses.</returns>
    internal int Move(int source, long offset, int length, PageStream sink)
    {
        int done = 0;
        while (done < length)
        {
            MakeRoom(2, sink);
            int piece = Math.Min(length - done, (_limitPages - _pages - 1) * PageBytes);
            int moved;
            using (DescriptorLease lease = new(_writeEnd))
            {
                moved = (int)NativeMethods.btrn_sink_move(lease.Number, btrn_sink_kind.BTRN_SINK_PIPE, source, (ulong)(offset + done), (ulong)piece);
            }

            Add(offset + done, moved);
            done += moved;
            if (moved < piece)
            {
                break;
            }
        }

        return done;
    }

    /// <summary>Passes all on.</summary>
    internal void Forward(PageStream sink)
    {
        int bytes = _bytes;
        _bytes = 0;
        _pages = 0;
        if (bytes > 0)
        {
            sink.Take(this, bytes);
        }
    }

    /// <summary>Moves bytes to another pipe, and tells how many went.</summary>
    internal int Forward(int pipe, int length)
    {
        using DescriptorLease lease = new(_readEnd);
        return (int)NativeMethods.btrn_pipe_forward(lease.Number, pipe, (ulong)length);
    }

    /// <summary>Takes bytes out again that found no way.</summary>
    internal unsafe ReadOnlySpan<byte> Read(int length)
    {
        byte[] bytes = new byte[length];
        fixed (byte* start = bytes)
        {
            using DescriptorLease lease = new(_readEnd);
            long read = NativeMethods.btrn_pipe_read(lease.Number, start, (ulong)length);
            return bytes.AsSpan(0, (int)read);
        }
    }

    public void Dispose()
    {
        _readEnd.Dispose();
        _writeEnd.Dispose();
    }

    private void MakeRoom(int pages, PageStream sink)
    {
        if (_pages + pages > _limitPages)
        {
            Forward(sink);
        }
    }

    private void Add(long offset, int bytes)
    {
        _pages += PagesOf(offset, bytes);
        _bytes += bytes;
    }

    private static int PagesOf(long offset, int bytes) => (int)(offset % PageBytes + bytes + PageBytes - 1) / PageBytes;
}
