using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Storage;

/// <summary>
/// An image file, a loop device or a block device of the host. A block device that is mounted is read past its page cache:
/// the file system writes around that cache, so what lies in it may be old. An image file behind a loop device has no such second cache.
/// </summary>
public sealed class FileBlockDevice : IBlockDevice
{
    private const int BounceSize = 256 * 1024;

    // The largest granularity that a device asks for is its logical block, a page at most.
    private const int BounceAlignment = 4096;

    [ThreadStatic]
    private static Memory<byte> s_bounce;

    private readonly NativeFile _file;
    private readonly List<string> _notices = [];

    private FileBlockDevice(NativeFile file, MountState mount, bool isWritable = false)
    {
        _file = file;
        IsWritable = isWritable;
        SizeBytes = (ulong)file.SizeBytes;
        IsMounted = mount.IsMounted;
        if (mount.Notice is not null)
            _notices.Add(mount.Notice);
    }

    public string Name => _file.Path;

    public ulong SizeBytes { get; }

    public bool IsMounted { get; }

    public bool IsWritable { get; }

    public IReadOnlyList<string> Notices => _notices;

    /// <exception cref="IOException">There is no such file, it is neither a file nor a block device, or it can't be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or not be written where that was asked for.</exception>
    /// <exception cref="InvalidRequestException">It was to be written, and the kernel has it mounted or another program writes it.</exception>
    public static FileBlockDevice Open(string path, DeviceOpenOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Writable ? OpenWritable(path) : OpenReadable(path, options);
    }

    private static FileBlockDevice OpenReadable(string path, DeviceOpenOptions options)
    {
        NativeFile file = NativeFile.Open(path);
        try
        {
            MountState mount = MountProbe.Find(path, file.IsBlockDevice);
            bool mustBypassCache = mount.IsMounted && file.IsBlockDevice;
            if (!options.Direct && !mustBypassCache)
                return new FileBlockDevice(file, mount);

            if (TryOpenDirect(path) is { } direct)
            {
                file.Dispose();
                return new FileBlockDevice(direct, mount);
            }

            FileBlockDevice device = new(file, mount);
            if (mustBypassCache && !file.TryFlushDeviceCache())
                device._notices.Add($"{path} can't be read past its page cache: it may show old blocks");
            else if (!mustBypassCache)
                device._notices.Add($"{path} can't be opened for direct reads, so it is read through the page cache");
            return device;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        if (offsetBytes > SizeBytes || (ulong)buffer.Length > SizeBytes - offsetBytes)
            throw new EndOfStreamException($"{Name}: {buffer.Length} bytes at {offsetBytes} reach behind the end at {SizeBytes}");

        if (!_file.IsDirect || IsAligned(offsetBytes, buffer))
            ReadWhole(offsetBytes, buffer);
        else
            ReadThroughBounce(offsetBytes, buffer);
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
        if (!_file.IsDirect && offsetBytes < SizeBytes)
            _file.ReadAhead((long)offsetBytes, (long)Math.Min(lengthBytes, SizeBytes - offsetBytes));
    }

    public int MovePages(ulong offsetBytes, int length, PageStream sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        return offsetBytes <= SizeBytes && (ulong)length <= SizeBytes - offsetBytes ? sink.Move(_file, (long)offsetBytes, length) : 0;
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data)
    {
        CheckWrite(offsetBytes, (ulong)data.Length);
        _file.Write((long)offsetBytes, data);
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        ulong length = 0;
        foreach (ReadOnlyMemory<byte> part in parts)
            length += (ulong)part.Length;

        CheckWrite(offsetBytes, length);
        _file.Write((long)offsetBytes, parts);
    }

    public void Flush()
    {
        CheckWrite(0, 0);
        _file.Flush();
    }

    public void Discard(ulong offsetBytes, ulong lengthBytes)
    {
        if (IsWritable && offsetBytes < SizeBytes)
            _file.Discard((long)offsetBytes, (long)Math.Min(lengthBytes, SizeBytes - offsetBytes));
    }

    public void Dispose() => _file.Dispose();

    private static FileBlockDevice OpenWritable(string path)
    {
        // Looked at before it is opened exclusively: who has it is a better answer than that it is busy.
        using (NativeFile file = NativeFile.Open(path))
        {
            if (MountProbe.Find(path, file.IsBlockDevice) is { IsMounted: true } mount)
                throw new InvalidRequestException($"{mount.Notice}: it can't be written from here meanwhile");
        }

        try
        {
            return new FileBlockDevice(NativeFile.Open(path, NativeFileMode.ReadWriteExclusive), default, isWritable: true);
        }
        catch (DeviceBusyException)
        {
            throw new InvalidRequestException($"{path} is in use: another program has it open for writing, or it is mounted");
        }
    }

    private void CheckWrite(ulong offset, ulong length)
    {
        if (!IsWritable)
            throw new IOException($"{Name}: opened read-only");
        if (offset > SizeBytes || length > SizeBytes - offset)
            throw new EndOfStreamException($"{Name}: {length} bytes at {offset} reach behind the end at {SizeBytes}");
    }

    private static NativeFile? TryOpenDirect(string path)
    {
        try
        {
            NativeFile direct = NativeFile.Open(path, NativeFileMode.Read, direct: true);
            if (direct.IsDirect)
                return direct;

            direct.Dispose();
        }
        catch (IOException)
        {
            // Not every host file system has direct transfers: the caller says what that means.
        }

        return null;
    }

    private unsafe bool IsAligned(ulong offset, ReadOnlySpan<byte> buffer)
    {
        ulong address = (ulong)Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
        return ((offset | address | (uint)buffer.Length) & ((uint)_file.DirectAlignmentBytes - 1)) == 0;
    }

    private void ReadThroughBounce(ulong offset, Span<byte> buffer)
    {
        if (s_bounce.IsEmpty)
            s_bounce = AlignedMemory.Allocate(BounceSize, BounceAlignment);

        ulong mask = (uint)_file.DirectAlignmentBytes - 1;
        while (!buffer.IsEmpty)
        {
            ulong first = offset & ~mask;
            int skip = (int)(offset - first);
            int useful = Math.Min(buffer.Length, BounceSize - skip);
            ulong end = Math.Min((offset + (ulong)useful + mask) & ~mask, SizeBytes);

            // The end of a regular file needs no alignment of its own: the transfer is asked for whole, and ends there.
            Span<byte> bounce = s_bounce.Span[..(int)((end - first + mask) & ~mask)];
            if (_file.Read((long)first, bounce) < skip + useful)
                throw Truncated(offset);

            bounce.Slice(skip, useful).CopyTo(buffer);
            buffer = buffer[useful..];
            offset += (ulong)useful;
        }
    }

    private void ReadWhole(ulong offset, Span<byte> buffer)
    {
        if (_file.Read((long)offset, buffer) < buffer.Length)
            throw Truncated(offset);
    }

    private EndOfStreamException Truncated(ulong offset) =>
        new($"{Name}: ends within the read at {offset}, it was {SizeBytes} bytes long when opened");
}
