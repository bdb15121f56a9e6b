using System.Buffers.Binary;
using System.Text;

namespace Btrfs.Fidelity.Kernel;

/// <summary>Btrfs' own ioctls. Each returns 0 or the negated error number; the layouts are those of linux/btrfs.h.</summary>
internal static unsafe class BtrfsIoctl
{
    private const uint Magic = 0x94;
    private const int VolumeArgumentsSize = 4096;
    private const int NameOffsetV2 = 56;
    private const ulong ReadOnlySubvolume = 2;

    private static readonly ulong s_forgetDevice = Write(5, VolumeArgumentsSize);
    private static readonly ulong s_sync = Magic << 8 | 8;
    private static readonly ulong s_defragRange = Write(16, 48);
    private static readonly ulong s_inodeLookup = ReadWrite(18, 4096);
    private static readonly ulong s_defaultSubvolume = Write(19, 8);
    private static readonly ulong s_snapshotDestroy = Write(15, VolumeArgumentsSize);
    private static readonly ulong s_snapshotCreate = Write(23, VolumeArgumentsSize);
    private static readonly ulong s_subvolumeCreate = Write(24, VolumeArgumentsSize);
    private static readonly ulong s_setSubvolumeFlags = Write(26, 8);
    private static readonly ulong s_balance = ReadWrite(32, 1024);
    private static readonly ulong s_setReceived = ReadWrite(37, 200);
    private static readonly ulong s_quotaControl = ReadWrite(40, 16);

    internal static int CreateSubvolume(int directory, ReadOnlySpan<byte> name)
    {
        Span<byte> arguments = stackalloc byte[VolumeArgumentsSize];
        arguments.Clear();
        name.CopyTo(arguments[NameOffsetV2..]);
        return Call(directory, s_subvolumeCreate, arguments);
    }

    internal static int CreateSnapshot(int source, int directory, ReadOnlySpan<byte> name, bool readOnly)
    {
        Span<byte> arguments = stackalloc byte[VolumeArgumentsSize];
        arguments.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(arguments, source);
        BinaryPrimitives.WriteUInt64LittleEndian(arguments[16..], readOnly ? ReadOnlySubvolume : 0);
        name.CopyTo(arguments[NameOffsetV2..]);
        return Call(directory, s_snapshotCreate, arguments);
    }

    internal static int DestroySubvolume(int directory, ReadOnlySpan<byte> name)
    {
        Span<byte> arguments = stackalloc byte[VolumeArgumentsSize];
        arguments.Clear();
        name.CopyTo(arguments[8..]);
        return Call(directory, s_snapshotDestroy, arguments);
    }

    internal static int SetReadOnly(int subvolume, bool readOnly)
    {
        ulong flags = readOnly ? ReadOnlySubvolume : 0;
        return Syscall.Ioctl(subvolume, s_setSubvolumeFlags, &flags);
    }

    /// <summary>Marks a subvolume as received: its streams then carry this UUID instead of its own.</summary>
    internal static int SetReceived(int subvolume, ReadOnlySpan<byte> uuid, ulong sentTransaction)
    {
        Span<byte> arguments = stackalloc byte[200];
        arguments.Clear();
        uuid.CopyTo(arguments);
        BinaryPrimitives.WriteUInt64LittleEndian(arguments[16..], sentTransaction);
        return Call(subvolume, s_setReceived, arguments);
    }

    /// <summary>The id of the subvolume that an open directory or file belongs to.</summary>
    internal static ulong SubvolumeId(int descriptor)
    {
        const ulong FirstInode = 256;
        Span<byte> arguments = stackalloc byte[4096];
        arguments.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(arguments[8..], FirstInode);
        KernelException.Check(Call(descriptor, s_inodeLookup, arguments), "look up a subvolume id");
        return BinaryPrimitives.ReadUInt64LittleEndian(arguments);
    }

    internal static int SetDefaultSubvolume(int descriptor, ulong id) => Syscall.Ioctl(descriptor, s_defaultSubvolume, &id);

    /// <summary>Starts quotas: classic ones, or the simple kind that writes owner references into the extent tree.</summary>
    internal static int EnableQuota(int descriptor, bool simple)
    {
        const ulong Enable = 1;
        const ulong EnableSimple = 4;
        ulong* arguments = stackalloc ulong[2] { simple ? EnableSimple : Enable, 0 };
        return Syscall.Ioctl(descriptor, s_quotaControl, arguments);
    }

    /// <summary>Commits the running transaction.</summary>
    internal static int Sync(int descriptor) => Syscall.Ioctl(descriptor, s_sync, null);

    /// <summary>Rewrites every chunk of data, metadata and system.</summary>
    internal static int Balance(int descriptor)
    {
        const ulong Everything = 1 | 2 | 4;
        Span<byte> arguments = stackalloc byte[1024];
        arguments.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(arguments, Everything);
        return Call(descriptor, s_balance, arguments);
    }

    /// <summary>Rewrites a range of a file, compressed with the given type if that is not 0 (1 zlib, 2 lzo, 3 zstd).</summary>
    internal static int Defragment(int descriptor, long offsetBytes, long lengthBytes, uint compression)
    {
        const ulong Compress = 1;
        const ulong StartIo = 2;
        Span<byte> arguments = stackalloc byte[48];
        arguments.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(arguments, offsetBytes);
        BinaryPrimitives.WriteInt64LittleEndian(arguments[8..], lengthBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(arguments[16..], StartIo | (compression == 0 ? 0 : Compress));
        BinaryPrimitives.WriteUInt32LittleEndian(arguments[28..], compression);
        return Call(descriptor, s_defragRange, arguments);
    }

    internal static void ForgetDevice(string path)
    {
        int control = Syscall.Open("/dev/btrfs-control", Syscall.OpenReadWrite);
        if (control < 0)
            return;
        using Descriptor owner = new(control);
        Span<byte> arguments = stackalloc byte[VolumeArgumentsSize];
        arguments.Clear();
        Encoding.UTF8.GetBytes(path, arguments[8..]);
        Call(control, s_forgetDevice, arguments);
    }

    internal static ulong Write(uint number, uint size) => 1u << 30 | size << 16 | Magic << 8 | number;

    internal static ulong ReadWrite(uint number, uint size) => 3u << 30 | size << 16 | Magic << 8 | number;

    private static int Call(int descriptor, ulong request, Span<byte> arguments)
    {
        fixed (byte* start = arguments)
            return Syscall.Ioctl(descriptor, request, start);
    }
}
