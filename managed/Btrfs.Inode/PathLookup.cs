using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Inode;

/// <summary>Where a path leads: an inode of a subvolume.</summary>
public readonly record struct Location(Subvolume Subvolume, ulong Inode);

/// <summary>
/// Follows paths from the top level of the file system (subvolume 5) and across subvolumes, whatever the default subvolume is. A leading slash
/// makes no difference. Symbolic links are not followed.
/// </summary>
public sealed class PathLookup(FsInfo fs)
{
    /// <exception cref="InvalidRequestException">There is nothing at the path; the message says which part is missing.</exception>
    public Location Find(string path)
    {
        Location at = Top(ObjectIds.FsTree);
        string walked = "";
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".")
                continue;
            walked += "/" + part;
            at = Child(at, part, walked);
        }

        return at;
    }

    /// <summary>The subvolume whose top directory is at the path.</summary>
    /// <exception cref="InvalidRequestException">There is nothing, or something else, at the path.</exception>
    public Subvolume FindSubvolume(string path)
    {
        Location at = Find(path);
        if (at.Inode != ObjectIds.FirstFree)
            throw new InvalidRequestException($"'{path}' is not a subvolume");
        return at.Subvolume;
    }

    /// <summary>The top directory of a subvolume.</summary>
    /// <exception cref="InvalidRequestException">There is no such subvolume.</exception>
    public Location Top(ulong subvolumeId)
    {
        RootRecord? root = ObjectIds.IsFileTree(subvolumeId) ? fs.TryFindRoot(subvolumeId) : null;
        if (root is null || root.Item.Refs.Value == 0)
            throw new InvalidRequestException($"there is no subvolume {subvolumeId}");
        return new Location(new Subvolume(fs, root), ObjectIds.FirstFree);
    }

    private Location Child(Location at, string name, string walked)
    {
        if (!at.Subvolume.TryLookup(at.Inode, System.Text.Encoding.UTF8.GetBytes(name), out DirEntry entry))
            throw new InvalidRequestException($"no such file or directory: '{walked}'");
        return entry.IsSubvolume ? Top(entry.Location.ObjectId) : at with { Inode = entry.Location.ObjectId };
    }
}
