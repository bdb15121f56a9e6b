using System.Text;
using Btrfs.Format;

namespace Btrfs.LoopTests.Reading;

/// <summary>What can be seen of one inode.</summary>
internal sealed class SeenInode
{
    public ulong Inode { get; init; }

    public uint Mode { get; init; }

    public uint Links { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    public ulong Size { get; init; }

    /// <summary>Of 512 bytes.</summary>
    public ulong Blocks { get; init; }

    public (uint Major, uint Minor) Device { get; init; }

    /// <summary>Of access, modification, change and birth.</summary>
    public DiskTime[] Times { get; init; } = [];

    /// <summary>The hash of a file's bytes, or a link's target.</summary>
    public string Content { get; set; } = "";

    public List<(byte[] Name, byte[] Value)> Xattrs { get; } = [];

    /// <summary>What a received copy has in common with what was sent.</summary>
    public string Sent()
    {
        IEnumerable<string> xattrs = Xattrs
            .Select(xattr => $"{Encoding.Latin1.GetString(xattr.Name)}={Convert.ToHexStringLower(xattr.Value)}")
            .Order(StringComparer.Ordinal);
        return $"mode={Convert.ToString(Mode, 8)} links={Links} owner={Uid}:{Gid} size={Size} modified={Times[1].Seconds}.{Times[1].Nanoseconds:D9} content={Content} xattrs={string.Join(',', xattrs)}";
    }

    public override string ToString()
    {
        // The kernel makes up the directory that stands for a subvolume at each look, with the time of the look.
        bool isMadeUp = Inode == ObjectIds.EmptySubvolDir;
        string times = isMadeUp ? "" : string.Join(',', Times.Select(time => $"{time.Seconds}.{time.Nanoseconds:D9}"));
        IEnumerable<string> xattrs = Xattrs
            .Select(xattr => $"{Encoding.Latin1.GetString(xattr.Name)}={Convert.ToHexStringLower(xattr.Value)}")
            .Order(StringComparer.Ordinal);
        return $"inode={Inode} mode={Convert.ToString(Mode, 8)} links={Links} owner={Uid}:{Gid} size={Size} blocks={Blocks} device={Device} times={times} content={Content} xattrs={string.Join(',', xattrs)}";
    }
}
