using System.Text;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Inode;

/// <summary>
/// Where a path leads: an inode of a subvolume. <see cref="ObjectIds.EmptySubvolDir"/> is the empty directory that stands for
/// a subvolume that is not there; it has no inode item.
/// </summary>
public readonly record struct Location(Subvolume Subvolume, ulong Inode)
{
    public bool IsEmptySubvolumeDirectory => Inode == ObjectIds.EmptySubvolDir;

    /// <summary>What is known of the inode.</summary>
    /// <param name="above">The directory that holds it: an empty subvolume directory takes after that one.</param>
    /// <exception cref="CorruptMetadataException">There is no such inode.</exception>
    public FileStatus GetStatus(ulong above) =>
        IsEmptySubvolumeDirectory ? FileStatus.OfEmptySubvolumeDirectory(Subvolume.GetStatus(above)) : Subvolume.GetStatus(Inode);

    public bool IsSubvolumeTop => Inode == ObjectIds.FirstFree;
}

/// <summary>
/// Follows paths from the top level of the file system (subvolume 5) and across subvolumes, whatever the default subvolume is. Symbolic links
/// are not followed. Not thread-safe.
/// </summary>
public sealed class PathLookup(FsInfo fs)
{
    private readonly SubvolumeTable _subvolumes = new(fs);

    /// <exception cref="InvalidRequestException">There is nothing at the path; the message says which part is missing.</exception>
    public Location Find(FsPath path) => Find(path, out _);

    /// <summary>Null where nothing is at the path.</summary>
    public Location? TryFind(FsPath path)
    {
        try
        {
            return Find(path);
        }
        catch (InvalidRequestException)
        {
            return null;
        }
    }

    /// <param name="path">The path.</param>
    /// <param name="above">The directory that holds the last part; for the top itself the top.</param>
    /// <exception cref="InvalidRequestException">There is nothing at the path; the message says which part is missing.</exception>
    public Location Find(FsPath path, out Location above)
    {
        Location at = above = Top(ObjectIds.FsTree);
        ReadOnlySpan<byte> bytes = path.Bytes;
        foreach (Range range in bytes.Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = bytes[range];
            if (name.IsEmpty || name.SequenceEqual("."u8))
                continue;
            if (at.IsEmptySubvolumeDirectory || !at.Subvolume.TryLookup(at.Inode, name, out DirEntry entry))
                throw new InvalidRequestException($"no such file or directory: '{Encoding.UTF8.GetString(bytes[..range.End.Value])}'");
            above = at;
            at = Follow(at, entry);
        }

        if (path.MeansDirectory && !at.IsEmptySubvolumeDirectory && !at.GetStatus(at.Inode).IsDirectory)
            throw new InvalidRequestException($"'{path}' is not a directory");
        return at;
    }

    /// <summary>The subvolume whose top directory is at the path.</summary>
    /// <exception cref="InvalidRequestException">There is nothing, or something else, at the path.</exception>
    public Subvolume FindSubvolume(FsPath path)
    {
        Location at = Find(path);
        if (!at.IsSubvolumeTop)
            throw new InvalidRequestException($"'{path}' is not a subvolume");
        return at.Subvolume;
    }

    /// <summary>The top directory of a subvolume.</summary>
    /// <exception cref="InvalidRequestException">There is no such subvolume.</exception>
    public Location Top(ulong subvolumeId)
    {
        RootRecord? root = ObjectIds.IsFileTree(subvolumeId) ? fs.TryFindRoot(subvolumeId) : null;
        if (root is null || root.IsDead)
            throw new InvalidRequestException($"there is no subvolume {subvolumeId}");
        return new Location(new Subvolume(fs, root), ObjectIds.FirstFree);
    }

    /// <summary>
    /// Where an entry of a directory leads. The entry of a subvolume counts only if the root tree hangs that subvolume in this very place: in
    /// a snapshot the entries of nested subvolumes stay behind, and the kernel shows an empty directory for them.
    /// </summary>
    public Location Follow(Location directory, in DirEntry entry)
    {
        ulong target = entry.Location.ObjectId;
        if (!entry.IsSubvolume)
            return directory with { Inode = target };
        if (_subvolumes.TryGet(target) is { Root.IsDead: false } subvolume && subvolume.HangsAt(directory, entry.Name))
            return new Location(new Subvolume(fs, subvolume.Root), ObjectIds.FirstFree);
        return directory with { Inode = ObjectIds.EmptySubvolDir };
    }

    /// <summary>The place of a subvolume's entry in the directory that holds it; 0 where there is none.</summary>
    internal ulong IndexOf(Subvolume subvolume) => _subvolumes.TryGet(subvolume.Id)?.Index ?? 0;
}
