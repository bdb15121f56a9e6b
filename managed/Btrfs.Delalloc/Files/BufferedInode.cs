using Btrfs.Delalloc.Pages;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Files;

/// <summary>
/// A file that is open or dirty: what is newer in memory than in the tree. Locks, outermost first: <see cref="Gate"/> puts those in order who change the file;
/// <see cref="WritebackGate"/> those who write it back; then the writer's lock of the file system; then <see cref="State"/>, which is never held
/// while waiting for anything. So a writer may wait for writeback, and writeback never for a writer. What the file reads as is changed by the holder of the gate only.
/// </summary>
internal sealed class BufferedInode(ulong rootId, ulong inode, int sectorSize)
{
    private readonly PageMap _dirty = new();
    private readonly SpacePromise _reserved = new();
    private OrderedBatch? _underWay;
    private int _timesVersion;
    private int _overlaidVersion;

    public ulong RootId { get; } = rootId;

    public ulong Inode { get; } = inode;

    public Lock Gate { get; } = new();

    public Lock WritebackGate { get; } = new();

    public Lock State { get; } = new();

    /// <summary>What is remembered of the file; null where it has to be looked up.</summary>
    public FileFacts? Facts { get; set; }

    /// <summary>How the last writer wants it stored; null if that is as the rest of the file system.</summary>
    public WriteOptions? Options { get; set; }

    /// <summary>As those see it who read and write the file: i_size.</summary>
    public ulong Size { get; set; }

    /// <summary>As its tree has it: no more than what is there without a gap of data that is still in memory.</summary>
    public ulong DiskSize { get; set; }

    /// <summary>Times that are newer than those in the tree.</summary>
    public DiskTime? Time { get; private set; }

    /// <summary>Handles and calls that use it; guarded by the table.</summary>
    public int Users { get; set; }

    /// <summary>How many of the users are handles: they keep the file when its last name goes. Guarded by the table.</summary>
    public int Handles { get; set; }

    /// <summary>Its last name is gone, and so is it, or will be with the last handle.</summary>
    public bool IsUnlinked { get; set; }

    /// <summary>Why data was lost that was not told yet.</summary>
    public Exception? Error { get; set; }

    /// <summary>When it became dirty, in milliseconds of <see cref="Environment.TickCount64"/>; 0 while it is clean.</summary>
    public long DirtySince { get; set; }

    /// <summary>One of the threads has chosen it.</summary>
    public bool IsBeingWritten { get; set; }

    /// <summary>Where background writeback goes on, in sectors.</summary>
    public ulong WritebackSector { get; set; }

    public int DirtyPages => _dirty.Count;

    public bool HasData => _dirty.Count > 0 || _underWay is not null;

    /// <summary>Whether the tree lacks anything of it.</summary>
    public bool IsDirty => HasData || Time is not null || DiskSize != Size;

    /// <summary>Notes that the file was written at a time.</summary>
    public void Touch(DiskTime time)
    {
        Time = time;
        _timesVersion++;
    }

    public void Overlay(ref InodeItem item)
    {
        _overlaidVersion = _timesVersion;
        if (Time is not { } time)
            return;
        item.MTime = time;
        item.CTime = time;
    }

    // Who wrote between the two has a newer time, which is still to be stored.
    public void Stored()
    {
        if (_overlaidVersion == _timesVersion)
            Time = null;
    }

    /// <summary>There is no inode any more whose item could tell size and times.</summary>
    public void ForgetInode()
    {
        Time = null;
        DiskSize = Size;
    }

    public bool TryGetDirty(ulong sector, out int page) => _dirty.TryGet(sector, out page);

    /// <summary>The page that a sector has in memory, dirty or on its way to the disk.</summary>
    public bool TryGetPage(ulong sector, out int page) =>
        _dirty.TryGet(sector, out page) || (_underWay is { } batch && batch.TryGetPage(sector, out page));

    /// <summary>How many sectors of a range have no dirty page.</summary>
    public int CountClean(ulong sector, int count)
    {
        int clean = 0;
        for (int i = 0; i < count; i++)
        {
            if (!_dirty.TryGet(sector + (ulong)i, out _))
                clean++;
        }

        return clean;
    }

    public void AddDirty(ulong sector, int page) => _dirty.Add(sector, page);

    /// <summary>Takes over, out of a promise, what was reserved for pages that are dirty now.</summary>
    public void Keep(SpacePromise promise, ulong dataBytes, ulong metadataBytes) => _reserved.Absorb(promise, dataBytes, metadataBytes);

    /// <summary>Where the data begins that the tree doesn't have, in bytes; the highest number if it has all.</summary>
    public ulong FirstPendingByte
    {
        get
        {
            ulong sector = Math.Min(_dirty.Count > 0 ? _dirty.FirstSector : ulong.MaxValue, _underWay?.FirstSector ?? ulong.MaxValue);
            return sector > ulong.MaxValue / (ulong)sectorSize ? ulong.MaxValue : sector * (ulong)sectorSize;
        }
    }

    /// <summary>Where the run of dirty pages ends that reaches over a sector's begin; that sector, if none does.</summary>
    public ulong EndOfRun(ulong sector)
    {
        while (sector > 0 && _dirty.TryGet(sector - 1, out _) && _dirty.TryGet(sector, out _))
            sector++;
        return sector;
    }

    /// <summary>The chunks of the page map in a range of sectors, in order.</summary>
    public ulong[] DirtyChunks(ulong firstSector, ulong endSector) => _dirty.ChunksBetween(firstSector, endSector);

    /// <summary>Takes up dirty pages for writing back: they are under way from now on.</summary>
    /// <param name="chunks">Where to look, in order.</param>
    /// <param name="next">Which of the chunks is the next; moved on.</param>
    /// <param name="firstSector">Pages before stay.</param>
    /// <param name="endSector">Pages from here on stay.</param>
    /// <param name="maxPages">At most so many.</param>
    /// <param name="maxExtents">In at most so many runs.</param>
    /// <returns>Null if there are none.</returns>
    public OrderedBatch? TakeUp(ReadOnlySpan<ulong> chunks, ref int next, ulong firstSector, ulong endSector, int maxPages, int maxExtents)
    {
        Invariant.That(_underWay is null);
        List<OrderedExtent> extents = [];
        List<int> pages = [];
        int before = _dirty.Count;
        bool Add(ulong sector, int page)
        {
            if (pages.Count == maxPages)
                return false;
            if (extents.Count > 0 && extents[^1].EndSector == sector)
                extents[^1] = extents[^1] with { Count = extents[^1].Count + 1 };
            else if (extents.Count == maxExtents)
                return false;
            else
                extents.Add(new OrderedExtent(sector, pages.Count, 1));
            pages.Add(page);
            return true;
        }

        while (next < chunks.Length && _dirty.Take(chunks[next], firstSector, endSector, Add))
            next++;
        if (extents.Count == 0)
            return null;

        SpacePromise share = new();
        TakeShare(share, pages.Count, before);
        return _underWay = new OrderedBatch(extents, [.. pages], share);
    }

    /// <summary>Drops dirty pages from a sector on.</summary>
    /// <param name="firstSector">The first.</param>
    /// <param name="share">Gets what was reserved for them.</param>
    /// <returns>The pages.</returns>
    public int[] DropDirty(ulong firstSector, SpacePromise share)
    {
        List<int> pages = [];
        int before = _dirty.Count;
        foreach (ulong chunk in _dirty.ChunksBetween(firstSector, ulong.MaxValue))
        {
            _dirty.Take(chunk, firstSector, ulong.MaxValue, (_, page) =>
            {
                pages.Add(page);
                return true;
            });
        }

        if (pages.Count > 0)
            TakeShare(share, pages.Count, before);
        return [.. pages];
    }

    /// <summary>What was under way is in the tree, or lost.</summary>
    public void EndBatch() => _underWay = null;

    // Pages that will be written in place may have no data bytes of their own, so a share is what there is, up to what the pages hold.
    private void TakeShare(SpacePromise share, int pages, int dirtyBefore)
    {
        bool all = pages == dirtyBefore;
        ulong data = all ? _reserved.DataBytes : Math.Min(_reserved.DataBytes, (ulong)pages * (ulong)sectorSize);
        ulong metadata = all ? _reserved.MetadataBytes : _reserved.MetadataBytes / (ulong)dirtyBefore * (ulong)pages;
        share.Absorb(_reserved, data, metadata);
    }
}
