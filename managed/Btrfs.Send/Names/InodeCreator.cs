using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;
using Btrfs.Send.Emit;
using Btrfs.Send.State;
using Btrfs.Space.Backrefs;

namespace Btrfs.Send.Names;

/// <summary>Makes inodes under their temporary names.</summary>
internal sealed class InodeCreator(SendContext context, ReceiverView view, CommandEmitter emitter)
{
    private readonly LruCache<ulong, byte> _createdDirectories = new(64);
    private TreeCursor? _entries;

    /// <summary>Makes the inode at work, unless it is a directory that was made out of turn.</summary>
    public void CreateCurrent()
    {
        CurrentInode current = context.Current;
        if (current.IsDirectory && WasCreated(current.Number))
            return;

        Create(current.Id, current.Mode, current.RDev);
        if (current.IsDirectory)
            _createdDirectories.TryAdd(current.Number, 0);
    }

    /// <summary>Makes a directory before its turn, unless an earlier inode needed it already.</summary>
    public void CreateDirectoryIfNeeded(ulong directory)
    {
        if (WasCreated(directory))
            return;

        if (!context.Send.TryGetInode(directory, out InodeItem item))
            throw new CorruptMetadataException($"corrupt metadata: root={context.Send.Id} inode={directory}, the inode item is missing");
        Create(new InodeId(directory, item.Generation), item.Mode, item.RDev);
        _createdDirectories.TryAdd(directory, 0);
    }

    private void Create(InodeId inode, uint mode, ulong rdev)
    {
        ReadOnlySpan<byte> target = InodeMode.IsSymbolicLink(mode) ? context.Send.ReadLink(inode.Number) : default;
        emitter.Create(view.UniqueName(inode), inode.Number, mode, rdev, target);
    }

    // An inode that was processed and lies in the directory had to have it made.
    private bool WasCreated(ulong directory)
    {
        if (_createdDirectories.TryGet(directory, out _))
            return true;

        TreeCursor entries = _entries ??= context.Send.OpenCursor();
        entries.Seek(new Key(directory, ItemType.DirIndex, 0));
        for (; entries.IsValid && entries.Key.ObjectId == directory && entries.Key.Type == ItemType.DirIndex; entries.MoveNext())
        {
            foreach (DirEntry entry in new DirEntryEnumerator(entries.Data))
            {
                if (!entry.IsSubvolume && entry.Location.ObjectId < context.Progress)
                {
                    _createdDirectories.TryAdd(directory, 0);
                    return true;
                }
            }
        }

        return false;
    }
}
