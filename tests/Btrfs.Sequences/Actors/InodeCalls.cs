using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Sequences.Actors;

/// <summary>System calls that read. Each returns its result or the negated error number.</summary>
internal static unsafe partial class InodeCalls
{
    private const int SymlinkNoFollow = 0x100;
    private const uint BasicMask = 0x7FF;
    private const ulong FiemapRequest = 0xC020660B;
    private const ulong ScrubRequest = 3UL << 30 | 1024UL << 16 | 0x94 << 8 | 27;
    private const int FiemapHeader = 32;
    private const int FiemapExtent = 56;
    private const int FiemapBatch = 128;

    internal static int Stat(int directory, ReadOnlySpan<byte> name, out InodeStat stat)
    {
        byte* text = stackalloc byte[name.Length + 1];
        name.CopyTo(new Span<byte>(text, name.Length));
        text[name.Length] = 0;
        byte* buffer = stackalloc byte[InodeStat.StatxSize];
        new Span<byte>(buffer, InodeStat.StatxSize).Clear();
        int result = Libc.Statx(directory, text, SymlinkNoFollow, BasicMask, buffer);
        stat = new InodeStat(new ReadOnlySpan<byte>(buffer, InodeStat.StatxSize));
        return result < 0 ? -Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>The names of an open directory in the order in which the kernel gives them, "." and ".." left out.</summary>
    internal static List<byte[]> List(int directory)
    {
        List<byte[]> names = [];
        byte[] buffer = new byte[32 << 10];
        while (true)
        {
            nint count;
            fixed (byte* start = buffer)
                count = GetDents(directory, start, buffer.Length);
            if (count < 0)
                throw new KernelException("list a directory", Marshal.GetLastPInvokeError());
            if (count == 0)
                return names;
            for (int at = 0; at < count;)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16));
                ReadOnlySpan<byte> name = buffer.AsSpan(at + 19, length - 19);
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    names.Add(name.ToArray());
                at += length;
            }
        }
    }

    internal static byte[] ReadLink(int pathDescriptor)
    {
        byte[] buffer = new byte[4096];
        nint count;
        byte empty = 0;
        fixed (byte* start = buffer)
            count = ReadLinkAt(pathDescriptor, &empty, start, buffer.Length);
        return count < 0 ? throw new KernelException("read a link", Marshal.GetLastPInvokeError()) : buffer[..(int)count];
    }

    /// <summary>Sets the size of an open file as truncate(2) does it, which leaves the times alone where the size stays.</summary>
    internal static int Truncate(int descriptor, ulong sizeBytes)
    {
        byte[] path = System.Text.Encoding.ASCII.GetBytes($"/proc/self/fd/{descriptor}\0");
        fixed (byte* text = path)
            return TruncatePath(text, (long)sizeBytes) < 0 ? -Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>All attributes of an inode that is open with O_PATH, or really, by name.</summary>
    internal static SortedDictionary<string, byte[]> Xattrs(int descriptor)
    {
        SortedDictionary<string, byte[]> result = new(StringComparer.Ordinal);
        byte[] path = System.Text.Encoding.ASCII.GetBytes($"/proc/self/fd/{descriptor}\0");
        byte[] buffer = new byte[64 << 10];
        fixed (byte* pathText = path, start = buffer)
        {
            nint count = ListXattr(pathText, start, buffer.Length);
            if (count < 0)
                throw new KernelException("list xattrs", Marshal.GetLastPInvokeError());
            byte[] names = buffer[..(int)count];
            for (int at = 0; at < names.Length;)
            {
                int length = names.AsSpan(at).IndexOf((byte)0);
                fixed (byte* name = &names[at])
                {
                    nint size = GetXattr(pathText, name, start, buffer.Length);
                    if (size < 0)
                        throw new KernelException("read an xattr", Marshal.GetLastPInvokeError());
                    result.Add(System.Text.Encoding.Latin1.GetString(names, at, length), buffer[..(int)size]);
                }

                at += length + 1;
            }
        }

        return result;
    }

    /// <summary>Calls <paramref name="visit"/> with file offset, physical address, length and flags (FIEMAP_EXTENT_*) of each extent of a file.</summary>
    internal static void Extents(int file, Action<ulong, ulong, ulong, uint> visit)
    {
        byte[] request = new byte[FiemapHeader + FiemapBatch * FiemapExtent];
        ulong start = 0;
        while (true)
        {
            Array.Clear(request);
            BinaryPrimitives.WriteUInt64LittleEndian(request, start);
            BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(8), ulong.MaxValue - start);
            BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(24), FiemapBatch);
            fixed (byte* argument = request)
                KernelException.Check(Syscall.Ioctl(file, FiemapRequest, argument), "map a file's extents");
            int count = BinaryPrimitives.ReadInt32LittleEndian(request.AsSpan(20));
            if (count == 0)
                return;
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> extent = request.AsSpan(FiemapHeader + i * FiemapExtent);
                ulong logical = BinaryPrimitives.ReadUInt64LittleEndian(extent);
                ulong length = BinaryPrimitives.ReadUInt64LittleEndian(extent[16..]);
                uint flags = BinaryPrimitives.ReadUInt32LittleEndian(extent[40..]);
                visit(logical, BinaryPrimitives.ReadUInt64LittleEndian(extent[8..]), length, flags);
                start = logical + length;
                if ((flags & 1) != 0)
                    return;
            }
        }
    }

    /// <summary>Scrubs one device, and counts what was wrong.</summary>
    /// <returns>The sum of all errors, repaired ones included; or the negated error number.</returns>
    internal static long Scrub(int descriptor, ulong deviceId)
    {
        Span<byte> arguments = stackalloc byte[1024];
        arguments.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(arguments, deviceId);
        BinaryPrimitives.WriteUInt64LittleEndian(arguments[16..], ulong.MaxValue);
        int result;
        fixed (byte* start = arguments)
            result = Syscall.Ioctl(descriptor, ScrubRequest, start);
        if (result < 0)
            return result;

        // struct btrfs_scrub_progress stands 32 bytes in: read, csum, verify, super, malloc, uncorrectable, corrected, unverified errors.
        ulong errors = 0;
        foreach (int field in (ReadOnlySpan<int>)[4, 5, 6, 9, 10, 11, 12, 14])
            errors += BinaryPrimitives.ReadUInt64LittleEndian(arguments[(32 + 8 * field)..]);
        return (long)errors;
    }

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint GetDents(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "truncate", SetLastError = true)]
    private static partial int TruncatePath(byte* path, long size);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint ReadLinkAt(int directory, byte* path, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "listxattr", SetLastError = true)]
    private static partial nint ListXattr(byte* path, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true)]
    private static partial nint GetXattr(byte* path, byte* name, byte* buffer, nint count);
}
