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
/// <param name="Content">The hash of a file's bytes, a link's target, or <see cref="InPlace"/>.</param>
internal sealed record FileEntry(
    ulong Inode, uint Mode, uint Links, uint Uid, uint Gid, ulong Size, Int128 MTime, Int128 CTime, string Xattrs, string Content)
{
    /// <summary>The content of a file that is written in place (nodatacow): what a commit or an fsync has of it may be old or new, sector by sector.</summary>
    public const string InPlace = "in place";

    /// <summary>A time in nanoseconds.</summary>
    public static Int128 Nanoseconds(long seconds, uint nanoseconds) => ((Int128)seconds * 1_000_000_000) + nanoseconds;

    public static string Describe(IEnumerable<(byte[] Name, byte[] Value)> xattrs) =>
        string.Join(' ', xattrs.Select(xattr => $"{System.Text.Encoding.UTF8.GetString(xattr.Name)}={Convert.ToHexString(xattr.Value)}").Order(StringComparer.Ordinal));

    /// <summary>Whether another reader has found the same.</summary>
    public bool IsAlso(FileEntry other) => this == (Content == InPlace ? other with { Content = InPlace } : other);

    public bool IsDirectory => InodeMode.IsDirectory(Mode);
}
