using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Files;

/// <summary>The files that are open or dirty. One that is neither is forgotten, so the table is as large as what is going on.</summary>
/// <param name="writer">The file system.</param>
/// <param name="drop">Drops what a file that is gone has in memory: somebody may have been writing to it when it went.</param>
internal sealed class InodeTable(FsWriter writer, Action<BufferedInode> drop)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ulong Root, ulong Inode), BufferedInode> _inodes = [];
    private readonly int _sectorSize = writer.Committed.SectorSize;

    /// <summary>Finds or makes the entry of a file, and uses it until <see cref="Leave"/>.</summary>
    /// <exception cref="FileOperationException">There is no such inode.</exception>
    /// <exception cref="InvalidRequestException">There is no such subvolume.</exception>
    public BufferedInode Enter(ulong rootId, ulong inode, bool asHandle = false)
    {
        if (TryEnter(rootId, inode, asHandle) is { } known)
            return known;

        // Under the writer's lock, so that the file can't be deleted between the look and the entry.
        using (writer.HoldRunning())
        {
            Subvolume subvolume = OpenRunning(rootId);
            if (!subvolume.TryGetInode(inode, out InodeItem item))
                throw FileOperationException.OfInode(FileError.NotFound, rootId, inode, "there is no such inode");
            lock (_lock)
            {
                if (TryEnter(rootId, inode, asHandle) is { } other)
                    return other;
                BufferedInode made = new(rootId, inode, _sectorSize) { Size = item.FileSize, DiskSize = item.FileSize, Users = 1, Handles = asHandle ? 1 : 0 };
                _inodes.Add((rootId, inode), made);
                return made;
            }
        }
    }

    /// <summary>The entry of a file if it has one, without using it.</summary>
    public BufferedInode? TryFind(ulong rootId, ulong inode)
    {
        lock (_lock)
            return _inodes.GetValueOrDefault((rootId, inode));
    }

    /// <summary>As <see cref="Enter"/> for a file that is open or dirty already; null for any other.</summary>
    public BufferedInode? TryEnter(ulong rootId, ulong inode, bool asHandle = false)
    {
        lock (_lock)
        {
            if (!_inodes.TryGetValue((rootId, inode), out BufferedInode? found))
                return null;
            found.Users++;
            found.Handles += asHandle ? 1 : 0;
            return found;
        }
    }

    /// <summary>Notes that a file has lost its last name, if it is open; or that it is gone.</summary>
    /// <returns>Its entry, if it has one.</returns>
    public BufferedInode? Unlink(ulong rootId, ulong inode, bool isGone)
    {
        lock (_lock)
        {
            BufferedInode? node = _inodes.GetValueOrDefault((rootId, inode));
            if (node is not null && (isGone || node.Handles > 0))
                node.IsUnlinked = true;

            // Nobody will leave what nobody uses.
            if (node is { Users: 0 } && isGone)
                _inodes.Remove((rootId, inode));
            return node;
        }
    }

    /// <summary>Ends a use.</summary>
    /// <returns>Whether it was the last handle of a file without a name, which is to be deleted now.</returns>
    public bool Leave(BufferedInode node, bool asHandle = false)
    {
        bool isOrphan;
        bool isForgotten;
        lock (_lock)
        {
            node.Users--;
            node.Handles -= asHandle ? 1 : 0;
            isOrphan = asHandle && node.Handles == 0 && node.IsUnlinked;
            isForgotten = node.Users == 0 && (node.IsUnlinked || !IsDirty(node)) && _inodes.Remove((node.RootId, node.Inode));
        }

        if (isForgotten)
            drop(node);
        return isOrphan;
    }

    /// <summary>Those that the tree lacks something of, by subvolume and number; each is in use until it is left.</summary>
    public List<BufferedInode> EnterDirty(Predicate<BufferedInode> which)
    {
        lock (_lock)
        {
            List<BufferedInode> found = [];
            foreach (BufferedInode node in _inodes.Values)
            {
                if (which(node) && IsDirty(node))
                {
                    node.Users++;
                    found.Add(node);
                }
            }

            found.Sort(static (left, right) => (left.RootId, left.Inode).CompareTo((right.RootId, right.Inode)));
            return found;
        }
    }

    /// <summary>The file with data that has been dirty for longest, since before a time; in use until it is left, and marked as being written. Null if there is none.</summary>
    public BufferedInode? EnterOldest(long before)
    {
        lock (_lock)
        {
            BufferedInode? oldest = null;
            foreach (BufferedInode node in _inodes.Values)
            {
                long since = node.DirtySince;
                if (since != 0 && since < before && !node.IsBeingWritten && (oldest is null || since < oldest.DirtySince))
                    oldest = node;
            }

            if (oldest is null)
                return null;
            oldest.Users++;
            lock (oldest.State)
                oldest.IsBeingWritten = true;
            return oldest;
        }
    }

    /// <summary>Whether there is any whose tree lacks something of it.</summary>
    public bool AnyDirty(Predicate<BufferedInode> which)
    {
        lock (_lock)
        {
            foreach (BufferedInode node in _inodes.Values)
            {
                if (which(node) && IsDirty(node))
                    return true;
            }

            return false;
        }
    }

    /// <summary>The running state of a subvolume; the caller holds the writer's lock.</summary>
    public Subvolume OpenRunning(ulong rootId)
    {
        FsInfo running = writer.Running;
        return running.TryFindRoot(rootId) is { IsDead: false } root
            ? new Subvolume(running, root)
            : throw new InvalidRequestException($"there is no subvolume {rootId}");
    }

    private static bool IsDirty(BufferedInode node)
    {
        lock (node.State)
            return node.IsDirty || node.Error is not null;
    }
}
