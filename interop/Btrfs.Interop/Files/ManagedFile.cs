using Microsoft.Win32.SafeHandles;

namespace Btrfs.Interop;

/// <summary>The managed twin of <see cref="ShimFile"/>, over the base library's random access.</summary>
internal sealed class ManagedFile : NativeFile
{
    private readonly SafeFileHandle _handle;

    private ManagedFile(string path, SafeFileHandle handle)
        : base(path)
    {
        _handle = handle;

        // The base library gives block devices the length 0; real files of that length take the same way to the same answer.
        long length = RandomAccess.GetLength(handle);
        SizeBytes = length > 0 ? length : ProbeSize();
        IsBlockDevice = length == 0 && SizeBytes > 0;
    }

    internal static ManagedFile Open(string path, NativeFileMode mode)
    {
        if (Directory.Exists(path))
        {
            throw NativeErrors.ToException(NativeErrors.IsDirectory, "open", path);
        }

        SafeFileHandle? handle = null;
        try
        {
            FileAccess access = mode == NativeFileMode.Read ? FileAccess.Read : FileAccess.ReadWrite;
            handle = mode == NativeFileMode.ReadWriteExclusive ? HostLock.OpenExclusive(path) : File.OpenHandle(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess);
            return new ManagedFile(path, handle);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            handle?.Dispose();
            throw NativeErrors.ToException(NativeErrors.ErrnoOf(exception), "open", path);
        }
    }

    public override int Read(long offset, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        int done = 0;
        try
        {
            while (done < buffer.Length)
            {
                int count = RandomAccess.Read(_handle, buffer[done..], offset + done);
                if (count == 0)
                {
                    break;
                }

                done += count;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NativeErrors.ToException(NativeErrors.ErrnoOf(exception), "read", Path);
        }

        return done;
    }

    public override void Write(long offset, ReadOnlySpan<byte> data)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        try
        {
            RandomAccess.Write(_handle, data, offset);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NativeErrors.ToException(NativeErrors.ErrnoOf(exception), "write", Path);
        }
    }

    public override void Write(long offset, ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            Write(offset, part.Span);
            offset += part.Length;
        }
    }

    public override void Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(_handle);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NativeErrors.ToException(NativeErrors.ErrnoOf(exception), "flush", Path);
        }
    }

    public override void ReadAhead(long offset, long length)
    {
        // The base library has no such hint.
    }

    public override void Discard(long offset, long length)
    {
        // Nor this one.
    }

    public override bool TryFlushDeviceCache() => false;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _handle.Dispose();
        }
    }

    // The first offset that gives no byte, by doubling and halving: about a hundred one-byte reads.
    private long ProbeSize()
    {
        Span<byte> one = stackalloc byte[1];
        long readable = 0, end = 1;
        while (end < long.MaxValue / 2 && RandomAccess.Read(_handle, one, end - 1) == 1)
        {
            readable = end;
            end *= 2;
        }

        // Invariant: the file has `readable` bytes and fewer than `end`.
        while (end - readable > 1)
        {
            long middle = readable + ((end - readable) / 2);
            if (RandomAccess.Read(_handle, one, middle - 1) == 1)
            {
                readable = middle;
            }
            else
            {
                end = middle;
            }
        }

        return readable;
    }
}
