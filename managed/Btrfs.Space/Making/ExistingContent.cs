using Btrfs.Storage;

namespace Btrfs.Space.Making;

/// <summary>Tells whether a device looks as if somebody still wants what is on it: by the marks of file systems, partition tables and volume managers.</summary>
public static class ExistingContent
{
    // Where a partition table may be meant: boot sectors of some file systems have its mark as well, so these come last.
    private static readonly Mark[] s_marks =
    [
        new("btrfs", 0x10040, "_BHRfS_M"u8.ToArray()),
        new("ext2, ext3 or ext4", 0x438, [0x53, 0xEF]),
        new("xfs", 0, "XFSB"u8.ToArray()),
        new("ntfs", 3, "NTFS    "u8.ToArray()),
        new("exfat", 3, "EXFAT   "u8.ToArray()),
        new("vfat", 0x36, "FAT1"u8.ToArray()),
        new("vfat", 0x52, "FAT32"u8.ToArray()),
        new("f2fs", 0x400, [0x10, 0x20, 0xF5, 0xF2]),
        new("erofs", 0x400, [0xE2, 0xE1, 0xF5, 0xE0]),
        new("bcachefs", 0x1018, [0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA]),
        new("squashfs", 0, "hsqs"u8.ToArray()),
        new("cramfs", 0, [0x45, 0x3D, 0xCD, 0x28]),
        new("iso9660", 0x8001, "CD001"u8.ToArray()),
        new("udf", 0x8001, "BEA01"u8.ToArray()),
        new("reiserfs", 0x10034, "ReIsEr"u8.ToArray()),
        new("jfs", 0x8000, "JFS1"u8.ToArray()),
        new("swap", 0xFF6, "SWAPSPACE2"u8.ToArray()),
        new("crypto_LUKS", 0, [0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE]),
        new("LVM2_member", 0x200, "LABELONE"u8.ToArray()),
        new("linux_raid_member", 0x1000, [0xFC, 0x4E, 0x2B, 0xA9]),
        new("gpt partition table", 0x200, "EFI PART"u8.ToArray()),
        new("dos partition table", 0x1FE, [0x55, 0xAA]),
    ];

    /// <summary>The name of the first mark that is found, or null.</summary>
    /// <exception cref="IOException">The device could not be read.</exception>
    public static string? Find(IBlockDevice device)
    {
        foreach (Mark mark in s_marks)
        {
            byte[] found = new byte[mark.Bytes.Length];
            if (mark.Offset + (ulong)found.Length > device.SizeBytes)
                continue;

            device.Read(mark.Offset, found);
            if (found.AsSpan().SequenceEqual(mark.Bytes))
                return mark.Name;
        }

        return null;
    }

    private sealed record Mark(string Name, ulong Offset, byte[] Bytes);
}
