using Btrfs.Format;

namespace Btrfs.Sequences.Actors;

/// <summary>The flags of chattr (FS_*_FL of linux/fs.h) and what they are in an inode item.</summary>
internal static class FlagNumbers
{
    public static readonly (uint Bit, InodeFlags Flag)[] All =
    [
        (0x4, InodeFlags.Compress),
        (0x8, InodeFlags.Sync),
        (0x10, InodeFlags.Immutable),
        (0x20, InodeFlags.Append),
        (0x40, InodeFlags.NoDump),
        (0x80, InodeFlags.NoATime),
        (0x400, InodeFlags.NoCompress),
        (0x10000, InodeFlags.DirSync),
        (0x800000, InodeFlags.NoDataCow),
    ];
}
