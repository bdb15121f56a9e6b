using Btrfs.Format;
using Btrfs.Send.Emit;
using Btrfs.Send.State;
using Btrfs.Space.Backrefs;

namespace Btrfs.Send.Names;

/// <summary>
/// Puts off the times of directories, since every entry that is made in one changes them again. They are sent when too many wait, and at the end.
/// </summary>
internal sealed class DirectoryTimes(SendContext context, PathResolver paths, CommandEmitter emitter)
{
    private const int MaxWaiting = 64;

    // Trimmed only between inodes: while one is at work, paths of others may be about to change.
    private readonly LruCache<InodeId, byte> _waiting = new(int.MaxValue);

    public void Defer(InodeId directory)
    {
        if (!_waiting.TryGet(directory, out _))
            _waiting.TryAdd(directory, 0);
    }

    public void Trim()
    {
        while (_waiting.Count > MaxWaiting)
        {
            InodeId oldest = _waiting.PeekOldest().Key;
            Send(oldest);
            _waiting.Remove(oldest);
        }
    }

    public void SendAll()
    {
        foreach ((InodeId directory, _) in _waiting.NewestFirst)
            Send(directory);
    }

    /// <exception cref="CorruptMetadataException">The send snapshot does not have the inode.</exception>
    public void Send(InodeId inode)
    {
        if (!context.Send.TryGetInode(inode.Number, out InodeItem item))
            throw new CorruptMetadataException($"corrupt metadata: root={context.Send.Id} inode={inode.Number}, the inode item is missing");
        emitter.Utimes(paths.Of(inode), item);
    }
}
