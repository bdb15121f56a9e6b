using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>A point in time: seconds since 1970, and nanoseconds below a second. 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct DiskTime(long seconds, uint nanoseconds)
{
    private readonly Le64 _seconds = unchecked((ulong)seconds);
    private readonly Le32 _nanoseconds = nanoseconds;

    public long Seconds => unchecked((long)_seconds.Value);

    public uint Nanoseconds => _nanoseconds;
}

/// <summary>What stat() tells of an inode, and the inode's flags. Key: (inode, InodeItem, 0). 160 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct InodeItem
{
    public Le64 Generation;
    public Le64 TransId;

    /// <summary>Bytes of a file; for a directory twice the sum of its name lengths.</summary>
    public Le64 FileSize;
    public Le64 NBytes;
    public Le64 BlockGroup;
    public Le32 NLink;
    public Le32 Uid;
    public Le32 Gid;
    public Le32 Mode;

    /// <summary>Device number of a device node: major above bit 20, minor below.</summary>
    public Le64 RDev;

    /// <summary>Low half <see cref="InodeFlags"/>; high half the read-only-compatible flags, of which verity is one.</summary>
    public Le64 Flags;
    public Le64 Sequence;
    private Reserved32 _reserved;
    public DiskTime ATime;
    public DiskTime CTime;
    public DiskTime MTime;
    public DiskTime OTime;

    public const int Size = 160;
}

[System.Runtime.CompilerServices.InlineArray(32)]
public struct Reserved32
{
    private byte _first;
}

/// <summary>Flags of an inode item, as chattr and properties set them.</summary>
[Flags]
public enum InodeFlags : ulong
{
    None = 0,
    NoDataSum = 1 << 0,
    NoDataCow = 1 << 1,
    ReadOnly = 1 << 2,
    NoCompress = 1 << 3,
    Prealloc = 1 << 4,
    Sync = 1 << 5,
    Immutable = 1 << 6,
    Append = 1 << 7,
    NoDump = 1 << 8,
    NoATime = 1 << 9,
    DirSync = 1 << 10,
    Compress = 1 << 11,
    RootItemInit = 1UL << 31,
    ReadOnlyVerity = 1UL << 32,
}

/// <summary>The file type bits of a mode, as POSIX numbers them on Linux.</summary>
public static class InodeMode
{
    public const uint TypeMask = 0xF000;
    public const uint Fifo = 0x1000;
    public const uint CharacterDevice = 0x2000;
    public const uint Directory = 0x4000;
    public const uint BlockDevice = 0x6000;
    public const uint Regular = 0x8000;
    public const uint SymbolicLink = 0xA000;
    public const uint Socket = 0xC000;

    public static bool IsDirectory(uint mode) => (mode & TypeMask) == Directory;

    public static bool IsRegular(uint mode) => (mode & TypeMask) == Regular;

    public static bool IsSymbolicLink(uint mode) => (mode & TypeMask) == SymbolicLink;
}
