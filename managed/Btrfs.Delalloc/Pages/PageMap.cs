using System.Numerics;
using Btrfs.Format;

namespace Btrfs.Delalloc.Pages;

/// <summary>
/// The dirty pages of a file by sector, 64 sectors to a chunk: an overwrite finds its page with one look-up, and a run of pages is followed without any. Guarded by
/// the owner's lock.
/// </summary>
internal sealed class PageMap
{
    private const int ChunkShift = 6;
    private const int ChunkSectors = 1 << ChunkShift;

    private readonly Dictionary<ulong, Chunk> _chunks = [];
    private (ulong Index, Chunk? Chunk) _last;

    /// <summary>In pages.</summary>
    public int Count { get; private set; }

    public bool TryGet(ulong sector, out int page)
    {
        Chunk? chunk = Find(sector >> ChunkShift);
        int slot = SlotOf(sector);
        bool found = chunk is not null && (chunk.Mask & (1UL << slot)) != 0;
        page = found ? chunk!.Pages[slot] : -1;
        return found;
    }

    public void Add(ulong sector, int page)
    {
        ulong index = sector >> ChunkShift;
        Chunk? chunk = Find(index);
        if (chunk is null)
        {
            chunk = new Chunk();
            _chunks.Add(index, chunk);
            _last = (index, chunk);
        }

        int slot = SlotOf(sector);
        Invariant.That((chunk.Mask & (1UL << slot)) == 0);
        chunk.Mask |= 1UL << slot;
        chunk.Pages[slot] = page;
        Count++;
    }

    /// <summary>The indexes of the chunks that have pages in a range of sectors, in order: what <see cref="Take"/> goes along.</summary>
    public ulong[] ChunksBetween(ulong firstSector, ulong endSector)
    {
        ulong first = firstSector >> ChunkShift;
        ulong end = endSector == 0 ? 0 : ((endSector - 1) >> ChunkShift) + 1;
        List<ulong> found = new(_chunks.Count);
        foreach (ulong index in _chunks.Keys)
        {
            if (index >= first && index < end)
                found.Add(index);
        }

        ulong[] sorted = [.. found];
        Array.Sort(sorted);
        return sorted;
    }

    /// <summary>The first sector that has a page; <see cref="ulong.MaxValue"/> if none has.</summary>
    public ulong FirstSector
    {
        get
        {
            ulong first = ulong.MaxValue;
            foreach ((ulong index, Chunk chunk) in _chunks)
                first = Math.Min(first, (index << ChunkShift) + (ulong)BitOperations.TrailingZeroCount(chunk.Mask));
            return first;
        }
    }

    /// <summary>Takes the pages of a chunk that lie in a range of sectors out of the map, in order.</summary>
    /// <param name="index">Of the chunk.</param>
    /// <param name="firstSector">Where the range begins.</param>
    /// <param name="endSector">Where it ends.</param>
    /// <param name="taken">Called with each sector and its page; false ends it, and that page stays.</param>
    /// <returns>Whether the end was reached.</returns>
    public bool Take(ulong index, ulong firstSector, ulong endSector, Func<ulong, int, bool> taken)
    {
        if (Find(index) is not { } chunk)
            return true;

        bool isDone = true;
        for (ulong rest = chunk.Mask; rest != 0 && isDone; rest &= rest - 1)
        {
            int slot = BitOperations.TrailingZeroCount(rest);
            ulong sector = (index << ChunkShift) + (ulong)slot;
            if (sector < firstSector || sector >= endSector)
                continue;

            isDone = taken(sector, chunk.Pages[slot]);
            if (isDone)
            {
                chunk.Mask &= ~(1UL << slot);
                Count--;
            }
        }

        if (chunk.Mask == 0)
        {
            _chunks.Remove(index);
            _last = default;
        }

        return isDone;
    }

    private Chunk? Find(ulong index)
    {
        if (_last.Chunk is { } last && _last.Index == index)
            return last;
        if (!_chunks.TryGetValue(index, out Chunk? chunk))
            return null;
        _last = (index, chunk);
        return chunk;
    }

    private static int SlotOf(ulong sector) => (int)(sector & (ChunkSectors - 1));

    private sealed class Chunk
    {
        public readonly int[] Pages = new int[ChunkSectors];
        public ulong Mask;
    }
}
