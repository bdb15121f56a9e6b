using Btrfs.Delalloc.Files;
using Btrfs.Delalloc.Pages;
using Btrfs.Delalloc.Writing;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc;

/// <summary>
/// The files of one file system as those see them who write them now: what was written and is not in the trees yet (delalloc), over what the trees have. Bytes
/// stay in memory, with room reserved for them, until writeback makes ordered extents of them, which enter the trees when they are on the disk. Any thread
/// may call; those who change one file take turns.
/// </summary>
/// <exception cref="ReadOnlyFileSystemException">Every method that changes: an earlier failure has latched the file system.</exception>
public sealed partial class DelallocFs : IDisposable
{
    private readonly SubvolumeWriters _subvolumes;
    private readonly FsWriter _writer;
    private readonly PagePool _pool;
    private readonly InodeTable _table;
    private readonly DelallocReservation _reservation;
    private readonly WritebackPass _pass;
    private readonly WritebackThreads _threads;
    private readonly int _sectorSize;

    /// <param name="subvolumes">The file system, open for writing. One of these for each.</param>
    /// <param name="options">Null for the defaults.</param>
    public DelallocFs(SubvolumeWriters subvolumes, DelallocOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(subvolumes);
        options ??= new DelallocOptions();
        _subvolumes = subvolumes;
        _writer = subvolumes.Writer;
        _sectorSize = _writer.Committed.SectorSize;
        _pool = new PagePool(_sectorSize, options.MaxDirtyBytes);
        _table = new InodeTable(_writer, node => Drop(node, 0));
        _reservation = new DelallocReservation(_writer, WriteBackAll);
        _pass = new WritebackPass(_writer, subvolumes, _pool, _reservation, Writeback);
        _threads = new WritebackThreads(options, _pool, _table, Writeback, WriteBack, _writer.Latch);
        subvolumes.Buffered = new BufferedInodes(_table, Drop);
    }

    /// <summary>Holds and watches writeback.</summary>
    public WritebackControl Writeback { get; } = new();

    /// <summary>Bytes of file data that are in memory and not in the trees.</summary>
    public long DirtyBytes => _pool.UsedBytes;

    /// <summary>Bytes of file data that left memory for the trees so far: whole sectors, before compression.</summary>
    public long WrittenBackBytes => _pass.WrittenBytes;

    /// <summary>Whether files of a subvolume have anything, data or times, that is not in its tree yet.</summary>
    public bool HasDelalloc(ulong rootId) => _table.AnyDirty(node => node.RootId == rootId);

    /// <summary>Writes everything to the trees that was written to files before the call, and waits for what is under way. A commit makes it durable.</summary>
    /// <exception cref="IOException">Data could not be written, now or earlier; it is lost, and this is told once.</exception>
    /// <exception cref="BtrfsException">The same for another reason.</exception>
    public void FlushAll() => Flush(_ => true);

    /// <summary>The same for the files of one subvolume, be it read-only or not.</summary>
    /// <inheritdoc cref="FlushAll"/>
    public void FlushRoot(ulong rootId) => Flush(node => node.RootId == rootId);

    /// <summary>The same for one file.</summary>
    /// <inheritdoc cref="FlushAll"/>
    public void FlushInode(ulong rootId, ulong inode)
    {
        if (_table.TryEnter(rootId, inode) is not { } node)
            return;
        try
        {
            Flush(node);
            ThrowErrorOf(node);
        }
        finally
        {
            _table.Leave(node);
        }
    }

    /// <summary>Makes one file durable, or a directory: <see cref="SubvolumeWriter.Sync"/>.</summary>
    /// <inheritdoc cref="FlushAll"/>
    public SyncOutcome Fsync(ulong rootId, ulong inode)
    {
        FlushInode(rootId, inode);
        return _subvolumes.Get(rootId).Sync(inode);
    }

    /// <summary>Ends writeback. What is still dirty is lost: flush first.</summary>
    public void Dispose()
    {
        _threads.Dispose();
        _subvolumes.Buffered = null;
        foreach (BufferedInode node in _table.EnterDirty(_ => true))
        {
            Drop(node, 0);
            _table.Leave(node);
        }

        _reservation.GiveBackStock();
    }

    private void Flush(Predicate<BufferedInode> which)
    {
        Exception? first = null;
        foreach (BufferedInode node in _table.EnterDirty(which))
        {
            try
            {
                Flush(node);
                ThrowErrorOf(node);
            }
            catch (Exception error) when (error is BtrfsException or IOException)
            {
                // One file's trouble must not keep the others in memory.
                first ??= error;
            }
            finally
            {
                _table.Leave(node);
            }
        }

        if (first is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
    }

    private void Flush(BufferedInode node)
    {
        _pass.Run(node, 0, ulong.MaxValue);
        _threads.NoticeRoom();
        if (_writer.Failure is null)
            _pass.StoreInode(node);
    }

    // A file's error is told to the first who asks.
    private static void ThrowErrorOf(BufferedInode node)
    {
        Exception? error;
        lock (node.State)
        {
            error = node.Error;
            node.Error = null;
        }

        if (error is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
    }

    private void WriteBackAll()
    {
        foreach (BufferedInode node in _table.EnterDirty(_ => true))
        {
            _pass.Run(node, 0, ulong.MaxValue);
            _table.Leave(node);
        }

        _threads.NoticeRoom();
    }

    private void WriteBack(BufferedInode node, bool whole)
    {
        if (whole)
            _pass.Run(node, 0, ulong.MaxValue);
        else
            _pass.RunSome(node);
    }

    /// <summary>Drops dirty data from a sector on.</summary>
    private void Drop(BufferedInode node, ulong firstSector)
    {
        SpacePromise promise = new();
        int[] pages;
        lock (node.State)
        {
            pages = node.DropDirty(firstSector, promise);
            if (node.DirtyPages == 0)
                node.DirtySince = 0;
        }

        _pool.Return(pages);
        _reservation.Release(promise);
    }
}
