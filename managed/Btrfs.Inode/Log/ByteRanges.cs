using System.Collections;

namespace Btrfs.Inode.Log;

/// <summary>
/// Ranges of a file, in order, none touching another. Too many of them become one that covers all: who asks where something has changed may be told too much.
/// </summary>
internal sealed class ByteRanges : IEnumerable<(ulong From, ulong To)>
{
    private const int MaxCount = 512;

    private readonly List<(ulong From, ulong To)> _ranges = [];

    public bool IsEmpty => _ranges.Count == 0;

    public void Add(ulong from, ulong to)
    {
        if (from >= to)
            return;

        // Mostly the file grows, or is written in order.
        int first = _ranges.Count;
        while (first > 0 && _ranges[first - 1].To >= from)
            first--;
        int end = first;
        for (; end < _ranges.Count && _ranges[end].From <= to; end++)
        {
            from = Math.Min(from, _ranges[end].From);
            to = Math.Max(to, _ranges[end].To);
        }

        if (end > first)
        {
            _ranges[first] = (from, to);
            _ranges.RemoveRange(first + 1, end - first - 1);
            return;
        }

        _ranges.Insert(first, (from, to));
        if (_ranges.Count <= MaxCount)
            return;

        (ulong From, ulong To) all = (_ranges[0].From, _ranges[^1].To);
        _ranges.Clear();
        _ranges.Add(all);
    }

    public void Clear() => _ranges.Clear();

    public IEnumerator<(ulong From, ulong To)> GetEnumerator() => _ranges.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
