using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Inode;

/// <summary>
/// A walk through a directory and what lies below, subvolumes included, driven by its user: read the entries of a directory, enter one, leave again.
/// It keeps an inode and a position for each level, however large the directories are. It always ends: a directory is entered only from
/// the one entry that its own name points back to, so each is met once, and never the one where the walk began. Not thread-safe.
/// </summary>
public sealed class DirectoryWalk
{
    private readonly PathLookup _paths;
    private readonly Stack<(Location Directory, ulong Position)> _above = new();
    private readonly Location _start;
    private ulong _position;
    private Location _target;

    /// <param name="fs">The file system.</param>
    /// <param name="start">A directory.</param>
    public DirectoryWalk(FsInfo fs, Location start)
    {
        _paths = new PathLookup(fs);
        _start = Directory = start;
    }

    /// <summary>The directory whose entries are being read.</summary>
    public Location Directory { get; private set; }

    /// <summary>How many directories the walk is below its start.</summary>
    public int Depth => _above.Count;

    /// <summary>Where the entry last read leads.</summary>
    public Location Target => _target;

    /// <summary>What is known of the inode that the entry last read leads to.</summary>
    /// <exception cref="CorruptMetadataException">There is no such inode.</exception>
    public FileStatus TargetStatus => _target.GetStatus(Directory.Inode);

    /// <summary>Reads the next entry of the directory.</summary>
    /// <returns>False at its end.</returns>
    public bool TryRead(out DirEntry entry)
    {
        entry = default;
        if (Directory.IsEmptySubvolumeDirectory || !Directory.Subvolume.TryReadEntry(Directory.Inode, ref _position, out entry))
            return false;

        _target = _paths.Follow(Directory, entry);
        return true;
    }

    /// <summary>Starts the directory over.</summary>
    public void Rewind() => _position = 0;

    /// <summary>Goes into the directory that the entry last read leads to.</summary>
    /// <exception cref="CorruptMetadataException">That directory says that it hangs elsewhere.</exception>
    public void Enter()
    {
        if (!_target.IsEmptySubvolumeDirectory && !HangsHere(_target))
        {
            throw new CorruptMetadataException(
                $"corrupt metadata: root={Directory.Subvolume.Id} directory={Directory.Inode} has an entry at {_position} for directory {_target.Inode} of root {_target.Subvolume.Id}, which hangs elsewhere");
        }

        _above.Push((Directory, _position));
        Directory = _target;
        _position = 0;
    }

    /// <summary>Goes back up, to behind the entry that was entered.</summary>
    /// <returns>False at the start of the walk.</returns>
    public bool TryLeave()
    {
        if (!_above.TryPop(out (Location Directory, ulong Position) above))
            return false;
        (Directory, _position) = above;
        return true;
    }

    private bool HangsHere(Location child)
    {
        if (child.Subvolume.Id == _start.Subvolume.Id && child.Inode == _start.Inode)
            return false;
        if (child.Subvolume.Id != Directory.Subvolume.Id)
            return _paths.IndexOf(child.Subvolume) == _position;
        return child.Subvolume.TryGetFirstName(child.Inode, out NameRef name) && name.Parent == Directory.Inode && name.Index == _position;
    }
}
