using System.Diagnostics;
using System.Runtime.CompilerServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Transactions;

/// <summary>What a change may use when space is short.</summary>
public enum ReservePolicy
{
    /// <summary>It fails with <see cref="NoSpaceException"/> before it touches the global reserve.</summary>
    Normal,

    /// <summary>It frees more than it takes (unlink, truncate, dropping a snapshot), so it may use the global reserve.</summary>
    Freeing,

    /// <summary>It does what was promised room before: data that was written to memory is entered in the trees. It may use the global reserve.</summary>
    Promised,
}

/// <summary>
/// A file system opened for writing: one running transaction that writers join one after the other, and commits that make it durable. The last committed
/// state stays readable beside it without locks.
/// </summary>
public sealed partial class FsWriter : IDisposable
{
    /// <summary>Blocks of a transaction are kept in memory until its commit; beyond so many bytes of them a commit comes by itself.</summary>
    private const long MaxDirtyBytes = 96L << 20;

    /// <summary>The same for references that wait.</summary>
    private const int MaxDelayed = 200_000;

    /// <summary>So many items a part that was promised room gets in any case.</summary>
    private const int LeastItems = 16;

    /// <summary>A part that could do no more than this lets a commit come first, which frees what was copied.</summary>
    private const int FewItems = 512;

    private readonly Lock _writer = new();
    private readonly SpaceState _state;
    private readonly Commit _commit;
    private readonly MetadataReserve _reserve;
    private Exception? _failure;
    private volatile bool _hasUnflushedData;
    private bool _hasCommitted;
    private bool _isDisposed;

    private FsWriter(FsInfo opened)
    {
        _state = new SpaceState(opened);
        _commit = new Commit(_state);
        _reserve = new MetadataReserve(_state);
    }

    /// <summary>
    /// The last durable state. Who reads it while it is the last needs no more than this; who reads on beside writers takes a <see cref="Hold"/>, since two commits later its
    /// blocks may be overwritten.
    /// </summary>
    public FsInfo Committed => _state.Committed;

    /// <summary>Keeps the last durable state readable, whatever is changed and committed meanwhile. Waits for nobody.</summary>
    /// <param name="includesData">Whether the data of files is kept too, and not only trees. Snapshots that stay need it not: they keep their data themselves.</param>
    public CommitHold Hold(bool includesData = false) => _state.Holds.Take(includesData);

    /// <summary>How many bytes are free on the disk, and can't be allocated because of a <see cref="Hold"/>.</summary>
    public ulong HeldBytes()
    {
        lock (_writer)
        {
            ReleaseHeld();
            return _state.Groups.Sum(BlockGroupFlags.None, static group => group.Held);
        }
    }

    /// <summary>The state so far, not durable yet: for the one who changes it, between two changes.</summary>
    public FsInfo Running => _state.Running;

    /// <summary>Why the file system does not take changes any more; null while it does.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Told of each commit, with its generation and how long it took. It is called in the midst of things: it looks, and calls nothing here.</summary>
    public Action<ulong, TimeSpan>? CommitMade { get; set; }

    /// <summary>Told, likewise, of the failure after which nothing is written any more.</summary>
    public Action<Exception>? Failed { get; set; }

    internal SpaceState State => _state;

    private bool MustCommit => (long)_state.Blocks.DirtyCount * _state.Committed.NodeSize > MaxDirtyBytes || _state.Delayed.Count > MaxDelayed;

    /// <inheritdoc cref="Transaction.HasRoom"/>
    internal bool HasRoom(int items, ReservePolicy policy) => !MustCommit && _reserve.HasRoom(items, policy);

    /// <inheritdoc cref="MetadataReserve.SpareBytes"/>
    internal ulong SpareBytes() => _reserve.SpareBytes();

    /// <summary>Opens for writing. Takes over <paramref name="devices"/>, which are writable, also when it throws.</summary>
    /// <exception cref="BtrfsException">The file system is broken, or has a feature that the engine can't write.</exception>
    /// <exception cref="IOException">A device failed.</exception>
    public static FsWriter Open(DeviceSet devices, FsOpenOptions? options = null)
    {
        FsInfo opened = FsInfo.Open(devices, options);
        try
        {
            WriteSupport.Require(opened);
            devices.LeaveAbsenteesBehind();
            devices.Volume.VerifyWritable();

            // Where there is a log, not before it turns out that it can be replayed.
            if (opened.Superblock.LogRoot.Value == 0)
                devices.RestoreSuperblockCopies();
            FsWriter writer = new(opened);
            if (FreeSpace.FreeSpaceRebuild.IsNeeded(opened))
                writer.Rebuild();
            return writer;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Joins the running transaction, or begins the next one. Waits for the writer before.</summary>
    /// <param name="items">How many items the change will insert or change at most, as an estimate of the metadata that it takes.</param>
    /// <param name="policy">What it may use when space is short.</param>
    /// <param name="what">Who changes, for the message should the change be left half done.</param>
    /// <exception cref="NoSpaceException">There is not enough room for metadata.</exception>
    /// <exception cref="ReadOnlyFileSystemException">An earlier failure has latched the file system.</exception>
    public Transaction Begin(int items, ReservePolicy policy = ReservePolicy.Normal, [CallerMemberName] string what = "")
    {
        Invariant.That(!_writer.IsHeldByCurrentThread);
        _writer.Enter();
        try
        {
            BeginAny();
            if (!_reserve.HasRoom(items, policy))
                _state.Promised.Reclaim?.Invoke();
            if (!_reserve.HasRoom(items, policy) && !TryMakeRoom(items, policy))
                throw new NoSpaceException($"no space left for metadata: {what} has no room, {_reserve.Describe(items, policy)}{HeldNote()}");
            return new Transaction(this, what);
        }
        catch
        {
            _writer.Exit();
            throw;
        }
    }

    // What comes before every part, whatever room it wants.
    private void BeginAny()
    {
        RequireUsable();
        ReleaseHeld();
        if (MustCommit)
            CommitLocked();
    }

    /// <summary>As <see cref="Begin"/>, for work that can be cut into parts: where there is no room for all that it would do at once, it gets room for less.</summary>
    /// <param name="wanted">How many items it would change.</param>
    /// <param name="least">How many it must be able to.</param>
    /// <param name="policy">What it may use when space is short.</param>
    /// <param name="items">How many it may.</param>
    /// <param name="what">Who changes.</param>
    /// <exception cref="NoSpaceException">There is not enough room for the least.</exception>
    /// <exception cref="ReadOnlyFileSystemException">An earlier failure has latched the file system.</exception>
    public Transaction BeginPart(int wanted, int least, ReservePolicy policy, out int items, [CallerMemberName] string what = "")
    {
        Transaction part = Begin(least, policy, what);
        items = FittingItems(wanted, least, policy);
        return part;
    }

    /// <summary>
    /// Holds off all changes while somebody reads the running state: for look-ups, not for long. It holds also after a failure, when that state may be half changed.
    /// </summary>
    /// <returns>To be disposed of on the same thread.</returns>
    public Lock.Scope HoldRunning() => _writer.EnterScope();

    /// <summary>Makes everything so far durable. Nothing happens where nothing was changed.</summary>
    /// <exception cref="IOException">A device failed; the file system is latched read-only.</exception>
    /// <exception cref="BtrfsException">The commit failed; the file system is latched read-only.</exception>
    public void Commit()
    {
        lock (_writer)
        {
            RequireUsable();
            ReleaseHeld();
            CommitLocked();
        }
    }

    /// <summary>A data write to space that <see cref="Transaction.AllocateData(ulong, ulong)"/> gave; needs no transaction. Durable after the next commit.</summary>
    /// <exception cref="IOException">A device failed.</exception>
    public void WriteData(LogicalAddress start, ReadOnlySpan<byte> data)
    {
        _state.Volume.Write(start, data);
        _hasUnflushedData = true;
    }

    /// <summary>Makes data durable that was written before and that no tree needs to tell of anew. Nothing happens where none was written.</summary>
    /// <exception cref="IOException">A device failed; the file system is latched read-only, since nobody knows whose data is lost.</exception>
    public void FlushData()
    {
        if (!_hasUnflushedData)
            return;

        NoteFlush();
        try
        {
            _state.Volume.Flush();
        }
        catch (IOException error)
        {
            Latch(error);
            throw;
        }
    }

    /// <summary>A flush is about to come: told before it, so that what is written beside it counts as unflushed.</summary>
    internal void NoteFlush() => _hasUnflushedData = false;

    /// <inheritdoc cref="MetadataReserve.HasRoomForLog"/>
    internal bool HasRoomForLog(int items) => _reserve.HasRoomForLog(items);

    /// <summary>Closes the devices. What was not committed is not durable: call <see cref="Commit"/> first.</summary>
    public void Dispose()
    {
        lock (_writer)
        {
            if (_isDisposed)
                return;

            _isDisposed = true;
            _failure ??= new ObjectDisposedException(nameof(FsWriter));
            _state.Committed.Dispose();
        }
    }

    /// <summary>Ends a part: called by <see cref="Transaction"/>.</summary>
    internal void End(bool mustCommit)
    {
        try
        {
            if (mustCommit && _failure is null)
                CommitLocked();
        }
        finally
        {
            _writer.Exit();
        }
    }

    /// <summary>Nothing is written from here on: the disk keeps the last commit.</summary>
    internal void Latch(Exception cause)
    {
        if (Interlocked.CompareExchange(ref _failure, cause, null) is null)
            Failed?.Invoke(cause);
    }

    /// <exception cref="ReadOnlyFileSystemException">An earlier failure has latched the file system.</exception>
    public void RequireUsable()
    {
        if (_failure is not null)
            throw new ReadOnlyFileSystemException($"the file system takes no more changes since a failure: {_failure.Message}", _failure);
    }

    private void CommitLocked()
    {
        if (!_state.TreeBlocks.HasChanged)
            return;

        ulong generation = _state.Generation;
        long start = Stopwatch.GetTimestamp();
        try
        {
            NoteFlush();
            while (_commit.Run())
                generation = _state.Generation;
        }
        catch (Exception error)
        {
            Latch(error);
            throw;
        }

        _hasCommitted = true;
        CommitMade?.Invoke(generation, Stopwatch.GetElapsedTime(start));
    }

    private void Rebuild()
    {
        using Transaction transaction = Begin(items: 0, ReservePolicy.Freeing);
        FreeSpace.FreeSpaceRebuild.Run(_state);
        transaction.Complete();
    }
}
