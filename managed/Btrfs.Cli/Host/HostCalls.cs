using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Btrfs.Cli.Host;

/// <summary>What the runtime has no call for, or only with names that are UTF-8: calls of the C library of 64-bit x86 Linux.</summary>
internal static unsafe partial class HostCalls
{
    public const int CurrentDirectory = -100;
    public const int NoFollow = 0x100;
    public const int OpenReadOnly = 0;
    public const int OpenWriteOnly = 1;
    public const int OpenCreate = 0x40;
    public const int OpenExclusive = 0x80;
    public const int OpenDirectory = 0x10000;
    public const int OpenNoFollow = 0x20000;
    public const int OpenCloseOnExec = 0x80000;

    private const string Library = "libc";
    private const uint TypeMask = 0xF000;
    private const uint Regular = 0x8000;

    public const int SeekData = 3;
    public const int SeekHole = 4;

    // struct statx is the same everywhere: 256 bytes, the mode 28 bytes in.
    public const int StatSize = 256;
    private const int StatModeOffset = 28;
    private const uint StatType = 1;

    public static bool IsSuperuser => Geteuid() == 0;

    /// <summary>Whether a path, symbolic links followed, is a file on a disk rather than a device or a pipe.</summary>
    public static bool IsRegularFile(string path)
    {
        byte* stat = stackalloc byte[StatSize];
        fixed (byte* text = Terminated(Encoding.UTF8.GetBytes(path)))
        {
            return Statx(CurrentDirectory, text, 0, StatType, stat) == 0
                && (BinaryPrimitives.ReadUInt16LittleEndian(new ReadOnlySpan<byte>(stat + StatModeOffset, sizeof(ushort))) & TypeMask) == Regular;
        }
    }

    /// <summary>The reason of the last failed call.</summary>
    public static string LastReason() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()).ToLowerInvariant();

    /// <summary>The bytes and the null byte that C wants behind them.</summary>
    public static byte[] Terminated(ReadOnlySpan<byte> name) => [.. name, 0];

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, byte* data, nint count);

    [LibraryImport(Library, EntryPoint = "openat", SetLastError = true)]
    public static partial int OpenAt(int directory, byte* path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MkdirAt(int directory, byte* path, uint mode);

    [LibraryImport(Library, EntryPoint = "mknodat", SetLastError = true)]
    public static partial int MknodAt(int directory, byte* path, uint mode, ulong device);

    [LibraryImport(Library, EntryPoint = "symlinkat", SetLastError = true)]
    public static partial int SymlinkAt(byte* target, int directory, byte* path);

    [LibraryImport(Library, EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAt(int oldDirectory, byte* oldPath, int directory, byte* path, int flags);

    [LibraryImport(Library, EntryPoint = "unlinkat", SetLastError = true)]
    public static partial int UnlinkAt(int directory, byte* path, int flags);

    [LibraryImport(Library, EntryPoint = "fchmodat", SetLastError = true)]
    public static partial int FchmodAt(int directory, byte* path, uint mode, int flags);

    [LibraryImport(Library, EntryPoint = "fchownat", SetLastError = true)]
    public static partial int FchownAt(int directory, byte* path, uint owner, uint group, int flags);

    /// <summary>Times are pairs of seconds and nanoseconds: of access, then of change.</summary>
    [LibraryImport(Library, EntryPoint = "utimensat", SetLastError = true)]
    public static partial int UtimensAt(int directory, byte* path, long* times, int flags);

    [LibraryImport(Library, EntryPoint = "lsetxattr", SetLastError = true)]
    public static partial int SetXattr(byte* path, byte* name, byte* value, nint size, int flags);

    [LibraryImport(Library, EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int descriptor, byte* data, nint count, long offset);

    /// <summary>Returns -1 where the rest of the file is a hole, for data, and behind the end.</summary>
    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int descriptor, long offset, int what);

    [LibraryImport(Library, EntryPoint = "getdents64", SetLastError = true)]
    public static partial nint ReadDirectory(int descriptor, byte* records, nint size);

    [LibraryImport(Library, EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAt(int directory, byte* path, byte* target, nint size);

    [LibraryImport(Library, EntryPoint = "llistxattr", SetLastError = true)]
    public static partial nint ListXattr(byte* path, byte* names, nint size);

    [LibraryImport(Library, EntryPoint = "lgetxattr", SetLastError = true)]
    public static partial nint GetXattr(byte* path, byte* name, byte* value, nint size);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true)]
    public static partial int Statx(int directory, byte* path, int flags, uint mask, byte* result);

    [LibraryImport(Library, EntryPoint = "geteuid")]
    private static partial uint Geteuid();
}
