using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Delalloc;

/// <summary>
/// What was written to the files of one file system and is not in its trees yet. Any thread may call.
/// </summary>
public sealed class DelallocFs(SubvolumeWriters subvolumes) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<(ulong Root, ulong Inode), List<(ulong Offset, byte[] Data, WriteOptions? Options)>> _dirty = [];

    /// <summary>Holds and watches writeback.</summary>
    public WritebackControl Writeback { get; } = new();

    /// <summary>Writes bytes to a file, in memory.</summary>
    public void Write(ulong rootId, ulong inode, ulong offset, ReadOnlySpan<byte> data, WriteOptions? options = null)
    {
        lock (_lock)
        {
            if (!_dirty.TryGetValue((rootId, inode), out List<(ulong Offset, byte[] Data, WriteOptions? Options)>? writes))
                _dirty.Add((rootId, inode), writes = []);
            writes.Add((offset, data.ToArray(), options));
        }
    }

    /// <summary>Whether files of a subvolume have data that is not in its tree yet.</summary>
    public bool HasDelalloc(ulong rootId)
    {
        lock (_lock)
            return _dirty.Keys.Any(key => key.Root == rootId);
    }

    /// <summary>Writes everything to the trees that was written to files before the call.</summary>
    public void FlushAll() => Flush(_ => true);

    /// <summary>The same for the files of one subvolume, be it read-only or not.</summary>
    public void FlushRoot(ulong rootId) => Flush(key => key.Root == rootId);

    /// <summary>The same for one file.</summary>
    public void FlushInode(ulong rootId, ulong inode) => Flush(key => key == (rootId, inode));

    /// <summary>Makes one file durable.</summary>
    public void Fsync(ulong rootId, ulong inode)
    {
        FlushInode(rootId, inode);
        subvolumes.Writer.Commit();
    }

    public void Dispose()
    {
    }

    private void Flush(Predicate<(ulong Root, ulong Inode)> which)
    {
        lock (_lock)
        {
            foreach ((ulong root, ulong inode) in _dirty.Keys.Where(key => which(key)).ToArray())
            {
                Writeback.Begins?.Invoke(root, inode);
                foreach ((ulong offset, byte[] data, WriteOptions? options) in _dirty[(root, inode)])
                    Enter(root, inode, offset, data, options);
                _dirty.Remove((root, inode));
                Writeback.Ended?.Invoke(root, inode);
            }
        }
    }

    private void Enter(ulong root, ulong inode, ulong offset, byte[] data, WriteOptions? options)
    {
        try
        {
            subvolumes.Get(root).WriteBatch(inode, offset, data, options ?? WriteOptions.Default, evenReadOnly: true);
        }
        catch (Exception error) when (error is FileOperationException { Error: FileError.NotFound } or InvalidRequestException)
        {
            // Deleted meanwhile.
        }
    }
}
