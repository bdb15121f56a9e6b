using System.Buffers.Binary;

namespace Btrfs.Fidelity.Kernel;

/// <summary>The ioctls of linux/fs.h: reflinks, dedupe, attributes, freezing. Each returns 0 or the negated error number.</summary>
internal static unsafe class FileIoctl
{
    private const ulong CloneFile = 0x40049409;
    private const ulong CloneFileRange = 0x4020940D;
    private const ulong DedupeFileRange = 0xC0189436;
    private const ulong GetFlagsRequest = 0x80086601;
    private const ulong SetFlagsRequest = 0x40086602;
    private const ulong GetVersionRequest = 0x80087601;
    private const ulong FreezeRequest = 0xC0045877;
    private const ulong ThawRequest = 0xC0045878;

    // FS_*_FL
    internal const uint Compressed = 0x4;
    internal const uint Immutable = 0x10;
    internal const uint AppendOnly = 0x20;
    internal const uint NoCopyOnWrite = 0x800000;

    internal static int Clone(int target, int source) =>
        Syscall.Ioctl(target, CloneFile, (void*)source);

    internal static int CloneRange(int target, long targetOffset, int source, long sourceOffset, long length)
    {
        long* arguments = stackalloc long[4] { source, sourceOffset, length, targetOffset };
        return Syscall.Ioctl(target, CloneFileRange, arguments);
    }

    /// <summary>Shares equal bytes of two files; a positive result counts the bytes now shared.</summary>
    internal static int DedupeRange(int source, long sourceOffset, int target, long targetOffset, long length)
    {
        Span<byte> arguments = stackalloc byte[24 + 32];
        arguments.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(arguments, sourceOffset);
        BinaryPrimitives.WriteInt64LittleEndian(arguments[8..], length);
        BinaryPrimitives.WriteUInt16LittleEndian(arguments[16..], 1);
        BinaryPrimitives.WriteInt64LittleEndian(arguments[24..], target);
        BinaryPrimitives.WriteInt64LittleEndian(arguments[32..], targetOffset);
        int result;
        fixed (byte* start = arguments)
            result = Syscall.Ioctl(source, DedupeFileRange, start);
        if (result < 0)
            return result;
        int status = BinaryPrimitives.ReadInt32LittleEndian(arguments[48..]);
        return status < 0 ? status : (int)BinaryPrimitives.ReadInt64LittleEndian(arguments[40..]);
    }

    internal static int GetFlags(int descriptor, out uint flags)
    {
        ulong value = 0;
        int result = Syscall.Ioctl(descriptor, GetFlagsRequest, &value);
        flags = (uint)value;
        return result;
    }

    internal static int SetFlags(int descriptor, uint flags)
    {
        ulong value = flags;
        return Syscall.Ioctl(descriptor, SetFlagsRequest, &value);
    }

    /// <summary>The generation (transaction of birth) of an inode, or 0 where the kernel will not say.</summary>
    internal static ulong Generation(int descriptor)
    {
        ulong value = 0;
        return Syscall.Ioctl(descriptor, GetVersionRequest, &value) < 0 ? 0 : (uint)value;
    }

    /// <summary>Commits and stops all writes until <see cref="Thaw"/>: what the devices hold is then one consistent state.</summary>
    internal static int Freeze(int descriptor)
    {
        int zero = 0;
        return Syscall.Ioctl(descriptor, FreezeRequest, &zero);
    }

    internal static int Thaw(int descriptor)
    {
        int zero = 0;
        return Syscall.Ioctl(descriptor, ThawRequest, &zero);
    }
}
