using Btrfs.Format;

namespace Btrfs.Crash.Models;

/// <summary>All that can be known of a file or directory through its path, by us and by who mounts the file system alike.</summary>
/// <param name="Inode">Its number in its subvolume.</param>
/// <param name="Mode">Type and permissions.</param>
/// <param name="Links">How many names it has.</param>
/// <param name="Uid">Its owner.</param>
/// <param name="Gid">Its group.</param>
/// <param name="Size">As stat tells it.</param>
/// <param name="MTime">In nanoseconds.</param>
/// <param name="CTime">In nanoseconds.</param>
/// <param name="Xattrs">Names and values, by name.</param>
/// <param name="Content">The hash of a file's bytes, or a link's target.</param>
internal sealed record FileEntry(
    ulong Inode, uint Mode, uint Links, uint Uid, uint Gid, ulong Size, Int128 MTime, Int128 CTime, string Xattrs, string Content)
{
    /// <summary>A time in nanoseconds.</summary>
    public static Int128 Nanoseconds(long seconds, uint nanoseconds) => ((Int128)seconds * 1_000_000_000) + nanoseconds;

    public static string Describe(IEnumerable<(byte[] Name, byte[] Value)> xattrs) =>
        string.Join(' ', xattrs.Select(xattr => $"{System.Text.Encoding.UTF8.GetString(xattr.Name)}={Convert.ToHexString(xattr.Value)}").Order(StringComparer.Ordinal));

    public bool IsDirectory => InodeMode.IsDirectory(Mode);
}
