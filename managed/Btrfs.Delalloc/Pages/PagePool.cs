using Btrfs.Format;

namespace Btrfs.Delalloc.Pages;

/// <summary>
/// Memory for file data: pages of a sector each, by number, so many and no more. What was used once is kept for the next, until the pool is dropped.
/// </summary>
internal sealed class PagePool
{
    private const int SlabBytes = 1 << 20;

    private readonly Lock _lock = new();
    private readonly byte[]?[] _slabs;
    private readonly int[] _free;
    private readonly int _pagesPerSlab;
    private int _freeCount;
    private int _made;
    private int _used;

    /// <param name="pageSize">The sector size, in bytes.</param>
    /// <param name="maxBytes">Rounded up to whole slabs of 1 MiB.</param>
    public PagePool(int pageSize, long maxBytes)
    {
        PageSize = pageSize;
        _pagesPerSlab = SlabBytes / pageSize;
        int slabs = checked((int)Math.Max((maxBytes + SlabBytes - 1) / SlabBytes, 1));
        _slabs = new byte[slabs][];
        Capacity = slabs * _pagesPerSlab;
        _free = new int[Capacity];
    }

    public int PageSize { get; }

    /// <summary>In pages.</summary>
    public int Capacity { get; }

    public long UsedBytes => (long)Volatile.Read(ref _used) * PageSize;

    /// <summary>The bytes of a page that was taken.</summary>
    public Span<byte> this[int page] => _slabs[page / _pagesPerSlab].AsSpan(page % _pagesPerSlab * PageSize, PageSize);

    /// <summary>Takes pages, whose bytes may be anything: all that are asked for, or none.</summary>
    public bool TryTake(Span<int> pages)
    {
        lock (_lock)
        {
            if (pages.Length > Capacity - _used)
                return false;

            while (_freeCount < pages.Length)
                MakeSlab();
            _freeCount -= pages.Length;
            _free.AsSpan(_freeCount, pages.Length).CopyTo(pages);
            _used += pages.Length;
            return true;
        }
    }

    public void Return(ReadOnlySpan<int> pages)
    {
        lock (_lock)
        {
            Invariant.That(pages.Length <= _used);
            pages.CopyTo(_free.AsSpan(_freeCount));
            _freeCount += pages.Length;
            _used -= pages.Length;
        }
    }

    // Pages are handed out by ascending number at first, so that what is written one after the other lies so in memory too.
    private void MakeSlab()
    {
        int slab = _made / _pagesPerSlab;
        _slabs[slab] = GC.AllocateUninitializedArray<byte>(SlabBytes, pinned: true);
        _free.AsSpan(0, _freeCount).CopyTo(_free.AsSpan(_pagesPerSlab));
        for (int i = 0; i < _pagesPerSlab; i++)
            _free[i] = _made + _pagesPerSlab - 1 - i;
        _made += _pagesPerSlab;
        _freeCount += _pagesPerSlab;
    }
}
