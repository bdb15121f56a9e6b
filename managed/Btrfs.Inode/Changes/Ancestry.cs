using Btrfs.Ctree;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Changes;

/// <summary>The way up from a directory, across subvolumes.</summary>
internal static class Ancestry
{
    /// <summary>The directory that holds another; null for the top level's top, and for what hangs nowhere.</summary>
    public static Location? Above(FsInfo fs, Location directory)
    {
        if (!directory.IsSubvolumeTop)
        {
            return directory.Subvolume.TryGetFirstName(directory.Inode, out NameRef name)
                ? directory with { Inode = name.Parent }
                : null;
        }

        SubvolumeInfo? info = new SubvolumeTable(fs).TryGet(directory.Subvolume.Id);
        if (info is null || info.ParentId == 0 || fs.TryFindRoot(info.ParentId) is not { } parent)
            return null;
        return new Location(new Subvolume(fs, parent), info.Directory);
    }
}
