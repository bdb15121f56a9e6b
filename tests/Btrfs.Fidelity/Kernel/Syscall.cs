using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Btrfs.Fidelity.Kernel;

/// <summary>
/// System calls on names that are bytes. Every method returns the call's result, or the negated error number: to the
/// generator a refusal is an answer like any other.
/// </summary>
internal static unsafe class Syscall
{
    internal const int AtCurrentDirectory = -100;
    internal const int OpenReadOnly = 0;
    internal const int OpenWriteOnly = 1;
    internal const int OpenReadWrite = 2;
    internal const int OpenCreate = 0x40;
    internal const int OpenExclusive = 0x80;
    internal const int OpenTruncate = 0x200;
    internal const int OpenNonBlocking = 0x800;
    internal const int OpenDirect = 0x4000;
    internal const int OpenDirectory = 0x10000;
    internal const int OpenNoFollow = 0x20000;
    internal const int OpenPath = 0x200000;
    internal const int OpenTemporary = 0x410000;

    internal const uint ModeFifo = 0x1000;
    internal const uint ModeCharacter = 0x2000;
    internal const uint ModeBlock = 0x6000;
    internal const uint ModeSocket = 0xC000;

    internal const uint RenameNoReplace = 1;
    internal const uint RenameExchange = 2;
    internal const uint RenameWhiteout = 4;

    internal const int FallocateKeepSize = 1;
    internal const int FallocatePunchHole = 2;
    internal const int FallocateZeroRange = 16;

    private const int CloseOnExec = 0x80000;
    private const int RemoveDirectory = 0x200;
    private const int SymlinkNoFollow = 0x100;

    internal static int Open(int directory, ReadOnlySpan<byte> name, int flags, uint mode = 0)
    {
        byte* text = stackalloc byte[name.Length + 1];
        return Result(Libc.OpenAt(directory, Terminate(name, text), flags | CloseOnExec, mode));
    }

    internal static int Open(string path, int flags, uint mode = 0) =>
        Open(AtCurrentDirectory, System.Text.Encoding.UTF8.GetBytes(path), flags, mode);

    internal static int Mkdir(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        byte* text = stackalloc byte[name.Length + 1];
        return Result(Libc.MkdirAt(directory, Terminate(name, text), mode));
    }

    internal static int Mknod(int directory, ReadOnlySpan<byte> name, uint mode, ulong device)
    {
        byte* text = stackalloc byte[name.Length + 1];
        return Result(Libc.MknodAt(directory, Terminate(name, text), mode, device));
    }

    internal static int Symlink(ReadOnlySpan<byte> target, int directory, ReadOnlySpan<byte> name)
    {
        byte* targetText = stackalloc byte[target.Length + 1];
        byte* text = stackalloc byte[name.Length + 1];
        return Result(Libc.SymlinkAt(Terminate(target, targetText), directory, Terminate(name, text)));
    }

    internal static int Link(int oldDirectory, ReadOnlySpan<byte> oldName, int newDirectory, ReadOnlySpan<byte> newName)
    {
        byte* oldText = stackalloc byte[oldName.Length + 1];
        byte* newText = stackalloc byte[newName.Length + 1];
        return Result(Libc.LinkAt(oldDirectory, Terminate(oldName, oldText), newDirectory, Terminate(newName, newText), 0));
    }

    /// <summary>Names what a descriptor has open, a temporary file that never had a name included.</summary>
    internal static int LinkDescriptor(int descriptor, int newDirectory, ReadOnlySpan<byte> newName)
    {
        const int FollowSymlink = 0x400;
        ReadOnlySpan<byte> path = ProcPath(descriptor);
        byte* pathText = stackalloc byte[path.Length + 1];
        byte* newText = stackalloc byte[newName.Length + 1];
        return Result(Libc.LinkAt(AtCurrentDirectory, Terminate(path, pathText), newDirectory, Terminate(newName, newText), FollowSymlink));
    }

    internal static int Unlink(int directory, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[name.Length + 1];
        return Result(Libc.UnlinkAt(directory, Terminate(name, text), 0));
    }

    internal static int Rmdir(int directory, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[name.Length + 1];
        return Result(Libc.UnlinkAt(directory, Terminate(name, text), RemoveDirectory));
    }

    internal static int Rename(int oldDirectory, ReadOnlySpan<byte> oldName, int newDirectory, ReadOnlySpan<byte> newName, uint flags)
    {
        byte* oldText = stackalloc byte[oldName.Length + 1];
        byte* newText = stackalloc byte[newName.Length + 1];
        return Result(Libc.RenameAt2(oldDirectory, Terminate(oldName, oldText), newDirectory, Terminate(newName, newText), flags));
    }

    internal static int Truncate(int descriptor, long sizeBytes) => Result(Libc.Ftruncate(descriptor, sizeBytes));

    internal static int Allocate(int descriptor, int mode, long offsetBytes, long lengthBytes) =>
        Result(Libc.Fallocate(descriptor, mode, offsetBytes, lengthBytes));

    internal static int Write(int descriptor, ReadOnlySpan<byte> data, long offsetBytes)
    {
        fixed (byte* start = data)
            return Result((int)Libc.Pwrite(descriptor, start, data.Length, offsetBytes));
    }

    internal static int Read(int descriptor, Span<byte> data, long offsetBytes)
    {
        fixed (byte* start = data)
            return Result((int)Libc.Pread(descriptor, start, data.Length, offsetBytes));
    }

    internal static long Seek(int descriptor, long offsetBytes, int whence)
    {
        long result = Libc.Lseek(descriptor, offsetBytes, whence);
        return result >= 0 ? result : -Marshal.GetLastPInvokeError();
    }

    internal static int Fsync(int descriptor) => Result(Libc.Fsync(descriptor));

    internal static int Fdatasync(int descriptor) => Result(Libc.Fdatasync(descriptor));

    internal static int SyncFileSystem(int descriptor) => Result(Libc.Syncfs(descriptor));

    /// <summary>Writes a file's pages out and waits for that, without making it durable.</summary>
    internal static int WriteBack(int descriptor)
    {
        // What is to be compressed goes to a worker, and is under way in the eyes of the call only when that has come to it; a second call waits for the worker.
        int first = Result(Libc.SyncFileRange(descriptor, 0, 0, 1 | 2 | 4));
        return first < 0 ? first : Result(Libc.SyncFileRange(descriptor, 0, 0, 1 | 2 | 4));
    }

    internal static int Ioctl(int descriptor, ulong request, void* argument) =>
        Result(Libc.Ioctl(descriptor, request, argument));

    /// <summary>Sets an attribute through /proc/self/fd, which takes every inode type, symlinks included, if opened with O_PATH.</summary>
    internal static int SetXattr(int pathDescriptor, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> path = ProcPath(pathDescriptor);
        byte* pathText = stackalloc byte[path.Length + 1];
        byte* nameText = stackalloc byte[name.Length + 1];
        fixed (byte* data = value)
            return Result(Libc.SetXattr(Terminate(path, pathText), Terminate(name, nameText), data, value.Length, 0));
    }

    internal static int RemoveXattr(int pathDescriptor, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> path = ProcPath(pathDescriptor);
        byte* pathText = stackalloc byte[path.Length + 1];
        byte* nameText = stackalloc byte[name.Length + 1];
        return Result(Libc.RemoveXattr(Terminate(path, pathText), Terminate(name, nameText)));
    }

    internal static int Chmod(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        byte* text = stackalloc byte[name.Length + 1];
        return Result(Libc.FchmodAt(directory, Terminate(name, text), mode, 0));
    }

    internal static int Chown(int directory, ReadOnlySpan<byte> name, uint owner, uint group)
    {
        byte* text = stackalloc byte[name.Length + 1];
        return Result(Libc.FchownAt(directory, Terminate(name, text), owner, group, SymlinkNoFollow));
    }

    /// <summary>Sets access and modification time, each as seconds and nanoseconds.</summary>
    internal static int SetTimes(int directory, ReadOnlySpan<byte> name, long accessSeconds, long accessNanos, long changeSeconds, long changeNanos)
    {
        byte* text = stackalloc byte[name.Length + 1];
        long* times = stackalloc long[4] { accessSeconds, accessNanos, changeSeconds, changeNanos };
        return Result(Libc.UtimensAt(directory, Terminate(name, text), times, SymlinkNoFollow));
    }

    /// <summary>The inode number behind a name, or 0 where there is none.</summary>
    internal static ulong InodeNumber(int directory, ReadOnlySpan<byte> name)
    {
        const uint InodeMask = 0x100;
        byte* text = stackalloc byte[name.Length + 1];
        byte* stat = stackalloc byte[256];
        int result = Libc.Statx(directory, Terminate(name, text), SymlinkNoFollow, InodeMask, stat);
        return result < 0 ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(stat + 32, 8));
    }

    /// <summary>Mounts a btrfs; of the generic options, which are flags to the call, "noatime" is understood.</summary>
    internal static int Mount(string source, string target, string options, bool readOnly)
    {
        const ulong ReadOnlyFlag = 1;
        const ulong NoAccessTimeFlag = 1024;
        const string NoAccessTime = "noatime";
        string[] parts = options.Split(',');
        ulong flags = (readOnly ? ReadOnlyFlag : 0) | (parts.Contains(NoAccessTime) ? NoAccessTimeFlag : 0);
        options = string.Join(',', parts.Where(part => part != NoAccessTime));
        fixed (byte* sourceText = CString(source), targetText = CString(target), type = CString("btrfs"), optionText = CString(options))
            return Result(Libc.Mount(sourceText, targetText, type, flags, optionText));
    }

    internal static int Unmount(string target, bool detach)
    {
        fixed (byte* text = CString(target))
            return Result(Libc.Umount2(text, detach ? 2 : 0));
    }

    private static int Result(int result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

    private static byte* Terminate(ReadOnlySpan<byte> name, byte* text)
    {
        name.CopyTo(new Span<byte>(text, name.Length));
        text[name.Length] = 0;
        return text;
    }

    private static byte[] CString(string text) => System.Text.Encoding.UTF8.GetBytes(text + "\0");

    private static byte[] ProcPath(int descriptor) => System.Text.Encoding.ASCII.GetBytes($"/proc/self/fd/{descriptor}");
}
