using System.Numerics;
using Btrfs.Format;

namespace Btrfs.Space.Groups;

/// <summary>
/// The free sectors of one block group, a bit each: 32 KiB for a group of 1 GiB. Bits merge by themselves, so that freeing costs no search.
/// </summary>
internal sealed class FreeSpaceMap
{
    private readonly ulong[] _words;
    private readonly int _sectors;
    private readonly int _sectorShift;

    // Where the last allocation ended: the next one goes on from there, so that what is written together lies together.
    private int _hint;

    /// <param name="lengthBytes">Of the block group.</param>
    /// <param name="sectorSize">Bytes of a bit.</param>
    public FreeSpaceMap(ulong lengthBytes, int sectorSize)
    {
        _sectorShift = BitOperations.Log2((uint)sectorSize);
        _sectors = checked((int)(lengthBytes >> _sectorShift));
        _words = new ulong[(_sectors + 63) / 64];
    }

    public ulong FreeBytes { get; private set; }

    /// <summary>Marks a range as free. It must have been taken.</summary>
    public void Add(ulong offsetBytes, ulong lengthBytes) => Set(offsetBytes, lengthBytes, free: true, mayAlreadyBe: false);

    /// <summary>Marks a range as taken. It must have been free.</summary>
    public void Remove(ulong offsetBytes, ulong lengthBytes) => Set(offsetBytes, lengthBytes, free: false, mayAlreadyBe: false);

    /// <summary>Marks a range as taken, if all of it was free.</summary>
    public bool TryRemove(ulong offsetBytes, ulong lengthBytes)
    {
        int sector = (int)(offsetBytes >> _sectorShift);
        int end = (int)((offsetBytes + lengthBytes) >> _sectorShift);
        if (end > _sectors || NextTaken(sector, end) != end)
            return false;

        Remove(offsetBytes, lengthBytes);
        return true;
    }

    /// <summary>Marks a range as taken, whatever it was.</summary>
    public void Exclude(ulong offsetBytes, ulong lengthBytes) => Set(offsetBytes, lengthBytes, free: false, mayAlreadyBe: true);

    /// <summary>Takes a free run: the first behind the last one taken that has all that is wanted, else the longest that has the least.</summary>
    /// <param name="wantedBytes">A multiple of the sector size.</param>
    /// <param name="leastBytes">The same, at most wanted.</param>
    /// <param name="alignBytes">A power of two: runs begin on a multiple of it from the group's begin.</param>
    /// <param name="offsetBytes">Where the run begins in the group.</param>
    /// <param name="lengthBytes">How much was taken.</param>
    public bool TryTake(ulong wantedBytes, ulong leastBytes, ulong alignBytes, out ulong offsetBytes, out ulong lengthBytes)
    {
        offsetBytes = 0;
        lengthBytes = 0;
        if (FreeBytes < leastBytes)
            return false;

        int wanted = (int)(wantedBytes >> _sectorShift);
        int least = (int)(leastBytes >> _sectorShift);
        int align = (int)Math.Max(alignBytes >> _sectorShift, 1);
        int best = -1;
        int bestLength = 0;
        if (!Scan(_hint, _sectors, wanted, align, ref best, ref bestLength))
            Scan(0, Math.Min(_hint + wanted, _sectors), wanted, align, ref best, ref bestLength);
        if (bestLength < least)
            return false;

        offsetBytes = (ulong)best << _sectorShift;
        lengthBytes = (ulong)bestLength << _sectorShift;
        Remove(offsetBytes, lengthBytes);
        _hint = best + bestLength;
        return true;
    }

    /// <summary>The free runs in order, in bytes from the group's begin.</summary>
    public IEnumerable<(ulong Offset, ulong Length)> EnumerateRuns()
    {
        for (int start = NextFree(0, _sectors); start < _sectors;)
        {
            int end = NextTaken(start, _sectors);
            yield return ((ulong)start << _sectorShift, (ulong)(end - start) << _sectorShift);
            start = NextFree(end, _sectors);
        }
    }

    // True when a run with all that is wanted was found; else the longest so far is in best.
    private bool Scan(int from, int to, int wanted, int align, ref int best, ref int bestLength)
    {
        int start = NextFree(from, to);
        while (start < to)
        {
            int end = NextTaken(start, Math.Min(to, start + wanted + align));
            int aligned = (start + align - 1) & ~(align - 1);
            int length = Math.Min(end - aligned, wanted);
            if (length > bestLength)
            {
                best = aligned;
                bestLength = length;
                if (length == wanted)
                    return true;
            }

            start = NextFree(end, to);
        }

        return false;
    }

    private int NextFree(int from, int to) => Next(from, to, flip: 0);

    private int NextTaken(int from, int to) => Next(from, to, flip: ulong.MaxValue);

    private int Next(int from, int to, ulong flip)
    {
        if (from >= to)
            return to;

        int word = from >> 6;
        ulong bits = (_words[word] ^ flip) & (ulong.MaxValue << (from & 63));
        while (bits == 0)
        {
            if (++word << 6 >= to)
                return to;
            bits = _words[word] ^ flip;
        }

        return Math.Min((word << 6) + BitOperations.TrailingZeroCount(bits), to);
    }

    private void Set(ulong offsetBytes, ulong lengthBytes, bool free, bool mayAlreadyBe)
    {
        int sector = (int)(offsetBytes >> _sectorShift);
        int end = (int)Math.Min((offsetBytes + lengthBytes + (1UL << _sectorShift) - 1) >> _sectorShift, (ulong)_sectors);
        int changed = 0;
        int asked = end - sector;
        Invariant.That(asked >= 0);
        while (sector < end)
        {
            int inWord = Math.Min(64 - (sector & 63), end - sector);
            ulong mask = (inWord == 64 ? ulong.MaxValue : (1UL << inWord) - 1) << (sector & 63);
            ref ulong word = ref _words[sector >> 6];
            changed += BitOperations.PopCount((free ? ~word : word) & mask);
            word = free ? word | mask : word & ~mask;
            sector += inWord;
        }

        Invariant.That(mayAlreadyBe || changed == asked);
        ulong bytes = (ulong)changed << _sectorShift;
        FreeBytes = free ? FreeBytes + bytes : FreeBytes - bytes;
    }
}
