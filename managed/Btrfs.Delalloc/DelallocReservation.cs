using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc;

/// <summary>
/// Room for what is in memory: that there is none is told at the write, and never later. The life of a reservation:
/// <list type="number">
/// <item>A write counts the pages that it makes dirty anew (overwriting dirty ones needs nothing) and reserves for them: their bytes as data, and for the trees an
/// extent with its references, a further one for every 128 KiB since it may be compressed, and checksums twice, since leaves are half full after they
/// split. The room comes out of a stock here, so that not every write waits for the writer's lock; the stock is filled with
/// <see cref="FsWriter.TryPromise"/>.</item>
/// <item>Where there is no room: the stock goes back, a commit frees what is pinned, then all dirty data is written back, which gives back what was reserved too
/// carefully, and another commit. Then <see cref="NoSpaceException"/>: the write has changed nothing. A file that may be written in place needs no data bytes:
/// that is looked at first.</item>
/// <item>The pages become dirty: the file holds the reservation (<c>BufferedInode</c>).</item>
/// <item>Truncating them away, or deleting the file, gives it back.</item>
/// <item>Writeback takes pages up (<see cref="OrderedBatch"/>) with their share. Allocating an extent turns promised bytes into reserved ones of a block group, in one
/// step under the writer's lock: nobody can come between. Compressed data takes fewer.</item>
/// <item>The I/O is done and the extent is in the tree: the rest of the share, and all that was meant for trees, goes back to the stock.</item>
/// <item>If the I/O fails, the extent's space is returned to its group; the data is lost, which fsync, commit or dispose tells. If the file is gone meanwhile, the same without
/// a word. After a failure that latches the file system, nothing more is allocated: dirty data is dropped, and its promises with it.</item>
/// </list>
/// </summary>
internal sealed class DelallocReservation
{
    private const ulong RefillData = 8UL << 20;
    private const ulong RefillMetadata = 256UL << 10;
    private const ulong MaxStockData = 4 * RefillData;
    private const ulong MaxStockMetadata = 16 * RefillMetadata;

    /// <summary>File extent (and what it splits), extent item, free space, an item of checksums: some 420 bytes, in leaves that are half full.</summary>
    private const ulong MetadataPerExtent = 1024;

    private readonly Lock _lock = new();
    private readonly FsWriter _writer;
    private readonly Action _writeBackAll;
    private readonly SpacePromise _stock = new();
    private readonly ulong _sectorSize;
    private readonly ulong _sumBytesPerSector;
    private readonly ulong _sectorsPerExtent;

    /// <param name="writer">The file system.</param>
    /// <param name="writeBackAll">Writes back all dirty data.</param>
    public DelallocReservation(FsWriter writer, Action writeBackAll)
    {
        _writer = writer;
        _writeBackAll = writeBackAll;
        _sectorSize = (ulong)writer.Committed.SectorSize;
        _sumBytesPerSector = 2 * (ulong)writer.Committed.Data.ChecksumSize;
        _sectorsPerExtent = (ulong)FormatLimits.MaxCompressedExtent / _sectorSize;
        writer.State.Promised.Reclaim = GiveBackStock;
    }

    /// <summary>Reserves for pages that one write makes dirty, out of what there is without effort.</summary>
    /// <param name="promise">Grows by what they need.</param>
    /// <param name="pages">How many.</param>
    /// <returns>Whether it could: else <see cref="Reserve"/> tries harder.</returns>
    public bool TryReserve(SpacePromise promise, int pages)
    {
        (ulong data, ulong metadata) = CostOf(pages);
        return TryTake(promise, data, metadata) || TryRefill(promise, data, metadata);
    }

    /// <summary>Does what can be done to reserve on a full disk: commits, asks whether space is needed at all, writes back what takes less than it was promised.</summary>
    /// <param name="promise">Grows by what the pages need.</param>
    /// <param name="pages">How many.</param>
    /// <param name="inPlace">Whether they will be written where they lie, and need no space of their own.</param>
    /// <exception cref="NoSpaceException">There is not enough room, whatever was tried.</exception>
    public void Reserve(SpacePromise promise, int pages, Func<bool> inPlace)
    {
        (ulong data, ulong metadata) = CostOf(pages);
        GiveBackStock();
        if (_writer.TryPromise(promise, data, metadata, mayCommit: true))
            return;
        if (inPlace() && _writer.TryPromise(promise, 0, metadata, mayCommit: true))
            return;

        _writeBackAll();
        GiveBackStock();
        if (!_writer.TryPromise(promise, data, metadata, mayCommit: true))
            throw new NoSpaceException($"no space left for {data} bytes of data and {metadata} of metadata");
    }

    /// <summary>Takes back what was not used.</summary>
    public void Release(SpacePromise promise)
    {
        if (promise.IsEmpty)
            return;

        lock (_lock)
        {
            _stock.Absorb(promise);
            if (_stock.DataBytes <= MaxStockData && _stock.MetadataBytes <= MaxStockMetadata)
                return;

            SpacePromise surplus = new();
            surplus.Absorb(
                _stock,
                _stock.DataBytes - Math.Min(_stock.DataBytes, RefillData),
                _stock.MetadataBytes - Math.Min(_stock.MetadataBytes, RefillMetadata));
            _writer.Return(surplus);
        }
    }

    /// <summary>Keeps nothing in stock: somebody else needs it.</summary>
    public void GiveBackStock()
    {
        lock (_lock)
            _writer.Return(_stock);
    }

    private (ulong Data, ulong Metadata) CostOf(int pages) => (
        (ulong)pages * _sectorSize,
        (MetadataPerExtent * (1 + ((ulong)pages / _sectorsPerExtent))) + (_sumBytesPerSector * (ulong)pages));

    private bool TryTake(SpacePromise promise, ulong data, ulong metadata)
    {
        lock (_lock)
        {
            if (_stock.DataBytes < data || _stock.MetadataBytes < metadata)
                return false;
            promise.Absorb(_stock, data, metadata);
            return true;
        }
    }

    // With less than enough for several refills, each write asks for itself: a stock would be what the next one lacks.
    private bool TryRefill(SpacePromise promise, ulong data, ulong metadata)
    {
        if (!_writer.TryPromise(promise, data + RefillData, metadata + RefillMetadata, mayCommit: false))
            return _writer.TryPromise(promise, data, metadata, mayCommit: false);

        SpacePromise refill = new();
        refill.Absorb(promise, RefillData, RefillMetadata);
        Release(refill);
        return true;
    }
}
