using System.Buffers;
using System.Text;

namespace Btrfs.Interop;

/// <summary>A file behind the native library.</summary>
internal sealed class ShimFile : NativeFile
{
    private readonly FileDescriptor _descriptor;
    private readonly bool _isWritable;

    private ShimFile(string path, FileDescriptor descriptor, btrn_file_info info, bool isWritable, bool isDirect)
        : base(path)
    {
        _descriptor = descriptor;
        _isWritable = isWritable;
        SizeBytes = checked((long)info.size_bytes);
        IsBlockDevice = info.kind == btrn_file_kind.BTRN_FILE_BLOCK_DEVICE;
        IsDirect = isDirect;
        DirectAlignmentBytes = isDirect ? (int)info.direct_alignment_bytes : 1;
    }

    internal static new unsafe ShimFile Open(string path, NativeFileMode mode, bool direct)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.Contains('\0'))
        {
            throw new ArgumentException("a path can't contain a zero byte");
        }

        bool isWritable = mode != NativeFileMode.Read;
        btrn_open_flags flags = (isWritable ? btrn_open_flags.BTRN_OPEN_WRITE : btrn_open_flags.BTRN_OPEN_READ)
            | (mode == NativeFileMode.ReadWriteExclusive ? btrn_open_flags.BTRN_OPEN_EXCLUSIVE : btrn_open_flags.BTRN_OPEN_READ)
            | (direct ? btrn_open_flags.BTRN_OPEN_DIRECT : btrn_open_flags.BTRN_OPEN_READ);
        int fd;
        fixed (byte* bytes = Encoding.UTF8.GetBytes(path + '\0'))
        {
            fd = NativeMethods.btrn_open(bytes, (uint)flags);
        }

        if (fd < 0)
        {
            throw NativeErrors.ToException(-fd, "open", path);
        }

        FileDescriptor descriptor = new(fd);
        btrn_file_info info;
        int result = NativeMethods.btrn_file_info_get(fd, &info);
        if (result < 0)
        {
            descriptor.Dispose();
            throw NativeErrors.ToException(-result, "open", path);
        }

        return new ShimFile(path, descriptor, info, isWritable, direct);
    }

    public override unsafe int Read(long offset, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        int fd = Acquire();
        try
        {
            fixed (byte* start = buffer)
            {
                return (int)Checked(NativeMethods.btrn_pread(fd, start, (ulong)buffer.Length, (ulong)offset), "read");
            }
        }
        finally
        {
            Release();
        }
    }

    public override unsafe void Write(long offset, ReadOnlySpan<byte> data)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        int fd = Acquire();
        try
        {
            fixed (byte* start = data)
            {
                Checked(NativeMethods.btrn_pwrite(fd, start, (ulong)data.Length, (ulong)offset), "write");
            }
        }
        finally
        {
            Release();
        }
    }

    public override unsafe void Write(long offset, ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        int fd = Acquire();
        MemoryHandle[] pins = ArrayPool<MemoryHandle>.Shared.Rent(parts.Length);
        btrn_part[] native = ArrayPool<btrn_part>.Shared.Rent(parts.Length);
        int held = 0;
        try
        {
            for (; held < parts.Length; held++)
            {
                pins[held] = parts[held].Pin();
                native[held] = new btrn_part { data = (byte*)pins[held].Pointer, length = (ulong)parts[held].Length };
            }

            fixed (btrn_part* start = native)
            {
                Checked(NativeMethods.btrn_pwritev(fd, start, (uint)parts.Length, (ulong)offset), "write");
            }
        }
        finally
        {
            for (int i = 0; i < held; i++)
            {
                pins[i].Dispose();
            }

            ArrayPool<MemoryHandle>.Shared.Return(pins, clearArray: true);
            ArrayPool<btrn_part>.Shared.Return(native);
            Release();
        }
    }

    public override void Flush()
    {
        int fd = Acquire();
        try
        {
            Checked(NativeMethods.btrn_fsync(fd), "flush");
        }
        finally
        {
            Release();
        }
    }

    public override void ReadAhead(long offset, long length)
    {
        int fd = Acquire();
        try
        {
            // A hint: what the kernel thinks of it changes nothing for the caller.
            _ = NativeMethods.btrn_read_ahead(fd, (ulong)offset, (ulong)length);
        }
        finally
        {
            Release();
        }
    }

    public override void Discard(long offset, long length)
    {
        int fd = Acquire();
        try
        {
            // A hint, like the above.
            _ = NativeMethods.btrn_discard(fd, (ulong)offset, (ulong)length);
        }
        finally
        {
            Release();
        }
    }

    public override bool TryFlushDeviceCache()
    {
        int fd = Acquire();
        try
        {
            return NativeMethods.btrn_flush_device_cache(fd) == 0;
        }
        finally
        {
            Release();
        }
    }

    /// <summary>The descriptor, kept open until <see cref="Release"/>.</summary>
    internal int Acquire()
    {
        bool added = false;
        _descriptor.DangerousAddRef(ref added);
        return (int)_descriptor.DangerousGetHandle();
    }

    internal void Release() => _descriptor.DangerousRelease();

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _descriptor.IsClosed)
        {
            return;
        }

        _descriptor.Dispose();

        // A writer must hear that its last bytes were lost; to a reader the error means nothing.
        if (_isWritable && _descriptor.CloseError != 0)
        {
            throw NativeErrors.ToException(_descriptor.CloseError, "close", Path);
        }
    }

    private long Checked(long result, string action) =>
        result >= 0 ? result : throw NativeErrors.ToException((int)-result, action, Path);
}
