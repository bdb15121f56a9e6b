namespace Btrfs.Check.Extents;

/// <summary>Which bytes of the logical address space have checksums: runs in order, those that touch made one.</summary>
internal sealed class ChecksumRanges
{
    private readonly List<ulong> _starts = [];
    private readonly List<ulong> _ends = [];
    private int _lastFound;

    public int Count => _starts.Count;

    public ulong Start(int run) => _starts[run];

    public ulong End(int run) => _ends[run];

    /// <summary>Adds a range behind all others; one that begins before the last one's end is cut, and false comes back.</summary>
    public bool Add(ulong start, ulong end)
    {
        bool isInOrder = Count == 0 || start >= _ends[^1];
        if (Count > 0 && start <= _ends[^1])
        {
            _ends[^1] = Math.Max(_ends[^1], end);
            return isInOrder;
        }

        _starts.Add(start);
        _ends.Add(end);
        return true;
    }

    /// <summary>How many of the bytes have a checksum.</summary>
    public ulong Covered(ulong start, ulong length)
    {
        ulong end = start + length;
        ulong covered = 0;
        for (int run = FirstEndingBehind(start); run < Count && _starts[run] < end; run++)
        {
            covered += Math.Min(_ends[run], end) - Math.Max(_starts[run], start);
            _lastFound = run;
        }

        return covered;
    }

    private int FirstEndingBehind(ulong address)
    {
        if (_lastFound < Count && _starts[_lastFound] <= address && address < _ends[_lastFound])
            return _lastFound;

        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) >> 1);
            if (_ends[middle] <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
