namespace Btrfs.Stream.Replay;

/// <summary>
/// The runs of a file in order, none overlapping. Streams write files from their begin to their end, so what is changed next lies near what was changed last: the free room of the array
/// lies there (a gap buffer), and a change moves only what is between the two places.
/// </summary>
internal sealed class ExtentList
{
    private const int FirstCapacity = 4;

    private ContentExtent[] _runs = [];

    // Runs lie in [0, _gapStart) and [_gapEnd, length).
    private int _gapStart;
    private int _gapEnd;

    public int Count => _gapStart + (_runs.Length - _gapEnd);

    /// <summary>Bytes that the array takes.</summary>
    public long MemoryBytes => 32L * _runs.Length;

    public ContentExtent this[int index] => _runs[index < _gapStart ? index : index + (_gapEnd - _gapStart)];

    public ExtentList Clone()
    {
        ExtentList copy = new() { _runs = new ContentExtent[Count], _gapStart = Count, _gapEnd = Count };
        for (int i = 0; i < copy._runs.Length; i++)
            copy._runs[i] = this[i];
        return copy;
    }

    /// <summary>The index of the first run that ends behind an offset; <see cref="Count"/> where there is none.</summary>
    public int IndexAt(long offset)
    {
        // Mostly the end is asked for.
        int low = 0;
        int high = Count;
        if (high > 0 && this[high - 1].End <= offset)
            return high;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (this[middle].End <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>Makes [<paramref name="start"/>, <paramref name="end"/>) a hole.</summary>
    public void Clear(long start, long end) => Replace(start, end, []);

    /// <summary>Puts runs, in order and within the range, in the place of what [<paramref name="start"/>, <paramref name="end"/>) has.</summary>
    public void Replace(long start, long end, ReadOnlySpan<ContentExtent> runs)
    {
        if (start >= end)
            return;

        int first = IndexAt(start);
        int last = first;
        ContentExtent? before = null;
        ContentExtent? behind = null;
        for (; last < Count && this[last].FileOffset < end; last++)
        {
            ContentExtent old = this[last];
            if (old.FileOffset < start)
                before = old.Part(0, start);
            if (old.End > end)
                behind = old.Part(end, long.MaxValue);
        }

        MoveGap(first);
        _gapEnd += last - first;
        Reserve(runs.Length + 2);
        if (before is { } left)
            _runs[_gapStart++] = left;
        runs.CopyTo(_runs.AsSpan(_gapStart));
        _gapStart += runs.Length;
        if (behind is { } right)
            _runs[--_gapEnd] = right;
    }

    /// <summary>The parts of the runs in [<paramref name="start"/>, <paramref name="end"/>), moved by a distance.</summary>
    public ContentExtent[] Parts(long start, long end, long move)
    {
        int first = IndexAt(start);
        int last = first;
        while (last < Count && this[last].FileOffset < end)
            last++;
        ContentExtent[] parts = new ContentExtent[last - first];
        for (int i = 0; i < parts.Length; i++)
            parts[i] = this[first + i].Part(start, end, move);
        return parts;
    }

    private void MoveGap(int index)
    {
        int count = index - _gapStart;
        if (count > 0)
            Array.Copy(_runs, _gapEnd, _runs, _gapStart, count);
        else if (count < 0)
            Array.Copy(_runs, index, _runs, _gapEnd + count, -count);
        _gapStart += count;
        _gapEnd += count;
    }

    private void Reserve(int needed)
    {
        if (_gapEnd - _gapStart >= needed)
            return;

        int behind = _runs.Length - _gapEnd;
        ContentExtent[] grown = new ContentExtent[Math.Max(FirstCapacity, Math.Max(_runs.Length + (_runs.Length / 2), Count + needed))];
        Array.Copy(_runs, grown, _gapStart);
        Array.Copy(_runs, _gapEnd, grown, grown.Length - behind, behind);
        _runs = grown;
        _gapEnd = grown.Length - behind;
    }
}
