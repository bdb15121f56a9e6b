using System.Runtime.InteropServices;

namespace Btrfs.Fidelity.Kernel;

/// <summary>The C library's calls as they are: -1 and errno on failure. <see cref="Syscall"/> gives them a C# face.</summary>
internal static unsafe partial class Libc
{
    private const string Name = "libc";

    [LibraryImport(Name, EntryPoint = "openat", SetLastError = true)]
    internal static partial int OpenAt(int directory, byte* path, int flags, uint mode);

    [LibraryImport(Name, EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport(Name, EntryPoint = "mkdirat", SetLastError = true)]
    internal static partial int MkdirAt(int directory, byte* path, uint mode);

    [LibraryImport(Name, EntryPoint = "mknodat", SetLastError = true)]
    internal static partial int MknodAt(int directory, byte* path, uint mode, ulong device);

    [LibraryImport(Name, EntryPoint = "symlinkat", SetLastError = true)]
    internal static partial int SymlinkAt(byte* target, int directory, byte* path);

    [LibraryImport(Name, EntryPoint = "linkat", SetLastError = true)]
    internal static partial int LinkAt(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, int flags);

    [LibraryImport(Name, EntryPoint = "unlinkat", SetLastError = true)]
    internal static partial int UnlinkAt(int directory, byte* path, int flags);

    [LibraryImport(Name, EntryPoint = "renameat2", SetLastError = true)]
    internal static partial int RenameAt2(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, uint flags);

    [LibraryImport(Name, EntryPoint = "ftruncate", SetLastError = true)]
    internal static partial int Ftruncate(int descriptor, long size);

    [LibraryImport(Name, EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Fallocate(int descriptor, int mode, long offset, long length);

    [LibraryImport(Name, EntryPoint = "pwrite", SetLastError = true)]
    internal static partial nint Pwrite(int descriptor, byte* data, nint count, long offset);

    [LibraryImport(Name, EntryPoint = "pread", SetLastError = true)]
    internal static partial nint Pread(int descriptor, byte* data, nint count, long offset);

    [LibraryImport(Name, EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Lseek(int descriptor, long offset, int whence);

    [LibraryImport(Name, EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Fsync(int descriptor);

    [LibraryImport(Name, EntryPoint = "fdatasync", SetLastError = true)]
    internal static partial int Fdatasync(int descriptor);

    [LibraryImport(Name, EntryPoint = "syncfs", SetLastError = true)]
    internal static partial int Syncfs(int descriptor);

    [LibraryImport(Name, EntryPoint = "sync_file_range", SetLastError = true)]
    internal static partial int SyncFileRange(int descriptor, long offset, long length, uint flags);

    [LibraryImport(Name, EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Ioctl(int descriptor, ulong request, void* argument);

    [LibraryImport(Name, EntryPoint = "setxattr", SetLastError = true)]
    internal static partial int SetXattr(byte* path, byte* name, byte* value, nint size, int flags);

    [LibraryImport(Name, EntryPoint = "removexattr", SetLastError = true)]
    internal static partial int RemoveXattr(byte* path, byte* name);

    [LibraryImport(Name, EntryPoint = "fchmodat", SetLastError = true)]
    internal static partial int FchmodAt(int directory, byte* path, uint mode, int flags);

    [LibraryImport(Name, EntryPoint = "fchownat", SetLastError = true)]
    internal static partial int FchownAt(int directory, byte* path, uint owner, uint group, int flags);

    [LibraryImport(Name, EntryPoint = "utimensat", SetLastError = true)]
    internal static partial int UtimensAt(int directory, byte* path, long* times, int flags);

    [LibraryImport(Name, EntryPoint = "statx", SetLastError = true)]
    internal static partial int Statx(int directory, byte* path, int flags, uint mask, byte* result);

    [LibraryImport(Name, EntryPoint = "mount", SetLastError = true)]
    internal static partial int Mount(byte* source, byte* target, byte* type, ulong flags, byte* options);

    [LibraryImport(Name, EntryPoint = "umount2", SetLastError = true)]
    internal static partial int Umount2(byte* target, int flags);

    [LibraryImport(Name, EntryPoint = "geteuid")]
    internal static partial uint Geteuid();
}
