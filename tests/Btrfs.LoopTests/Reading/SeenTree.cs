using System.Security.Cryptography;
using System.Text;
using Btrfs.Ctree;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Inode.Names;

namespace Btrfs.LoopTests.Reading;

/// <summary>
/// All that can be seen of a tree of files, a line for each path, in the order in which directories list their entries. Two trees are compared as text, so a
/// difference shows the path and both sides. Bytes stand as Latin-1.
/// </summary>
internal static class SeenTree
{
    /// <summary>What this engine sees of a file system.</summary>
    public static List<string> OfImage(FsInfo fs) =>
        [.. Walk(fs, new PathLookup(fs).Find(FsPath.Root)).Select(found => $"{found.Path} {found.Inode}")];

    /// <summary>All paths below a directory, directories before what is in them.</summary>
    public static List<(string Path, SeenInode Inode)> Walk(FsInfo fs, Location directory)
    {
        DirectoryWalk walk = new(fs, directory);
        FileReader reader = new(fs);
        List<(string Path, SeenInode Inode)> found = [];
        Stack<string> above = new();
        string path = "";
        while (true)
        {
            if (!walk.TryRead(out DirEntry entry))
            {
                if (!walk.TryLeave())
                    return found;
                path = above.Pop();
                continue;
            }

            string name = $"{path}/{Encoding.Latin1.GetString(entry.Name)}";
            FileStatus status = walk.TargetStatus;
            found.Add((name, Describe(fs, walk.Target, status, reader)));
            if (!status.IsDirectory)
                continue;
            above.Push(path);
            path = name;
            walk.Enter();
        }
    }

    private static SeenInode Describe(FsInfo fs, Location at, FileStatus status, FileReader reader)
    {
        SeenInode seen = new()
        {
            Inode = status.Inode,
            Mode = status.Mode,
            Links = status.LinkCount,
            Uid = status.Uid,
            Gid = status.Gid,
            Size = status.Size,
            Blocks = (status.AllocatedBytes + (ulong)fs.SectorSize - 1) / (ulong)fs.SectorSize * (ulong)fs.SectorSize / 512,
            Device = status.IsDeviceNode ? (status.DeviceMajor, status.DeviceMinor) : default,
            Times = [status.ATime, status.MTime, status.CTime, status.OTime],
        };
        if (at.IsEmptySubvolumeDirectory)
            return seen;

        seen.Xattrs.AddRange(at.Subvolume.EnumerateXattrs(at.Inode).Select(xattr => (xattr.Name.ToArray(), xattr.Value.ToArray())));
        if (status.IsSymbolicLink)
            seen.Content = Encoding.Latin1.GetString(at.Subvolume.ReadLink(at.Inode));
        if (status.IsRegular)
        {
            using InodeStream content = new(at.Subvolume, at.Inode, reader);
            seen.Content = Convert.ToHexStringLower(SHA256.HashData(content));
        }

        return seen;
    }
}
