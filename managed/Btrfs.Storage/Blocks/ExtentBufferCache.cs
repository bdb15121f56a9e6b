using System.Diagnostics.CodeAnalysis;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// A fixed number of places for extent buffers, in sets of <see cref="Ways"/>: a block has one set, by the hash of its address, and the
/// clock of that set chooses who leaves. Readers take no lock: a place is one reference, and a buffer knows its own address.
/// </summary>
internal sealed class ExtentBufferCache
{
    private const int Ways = 8;

    // The table of places itself takes memory, whatever limit is asked for.
    private const int MaxPlaces = 1 << 22;
    private readonly ExtentBuffer?[] _places;
    private readonly byte[] _wasUsed;
    private readonly byte[] _hands;
    private readonly int _ways;
    private readonly Lock _lock = new();

    /// <param name="limitBytes">Of block content; at least one block is always kept.</param>
    /// <param name="nodeSize">Bytes of a block.</param>
    public ExtentBufferCache(long limitBytes, int nodeSize)
    {
        int places = (int)Math.Clamp(limitBytes / nodeSize, 1, MaxPlaces);
        _ways = Math.Min(Ways, places);
        int sets = places / _ways;
        _places = new ExtentBuffer?[sets * _ways];
        _wasUsed = new byte[sets * _ways];
        _hands = new byte[sets];
    }

    /// <summary>How many blocks fit.</summary>
    public int Capacity => _places.Length;

    public bool TryGet(LogicalAddress bytenr, [NotNullWhen(true)] out ExtentBuffer? buffer)
    {
        int first = SetOf(bytenr) * _ways;
        for (int place = first; place < first + _ways; place++)
        {
            buffer = Volatile.Read(ref _places[place]);
            if (buffer is not null && buffer.Bytenr == bytenr)
            {
                _wasUsed[place] = 1;
                return true;
            }
        }

        buffer = null;
        return false;
    }

    public void Put(ExtentBuffer buffer)
    {
        int set = SetOf(buffer.Bytenr);
        lock (_lock)
        {
            int place = ChoosePlace(set, buffer.Bytenr);
            Volatile.Write(ref _places[place], buffer);
            _wasUsed[place] = 0;
        }
    }

    private int ChoosePlace(int set, LogicalAddress bytenr)
    {
        int first = set * _ways;
        for (int place = first; place < first + _ways; place++)
        {
            if (_places[place] is not { } held || held.Bytenr == bytenr)
                return place;
        }

        // Each step clears a mark, but readers set them meanwhile without the lock: the second round takes what it finds.
        int chosen = first + _hands[set];
        for (int step = 0; step < 2 * _ways && _wasUsed[chosen] != 0; step++)
        {
            _wasUsed[chosen] = 0;
            chosen = first + (chosen - first + 1) % _ways;
        }

        _hands[set] = (byte)((chosen - first + 1) % _ways);
        return chosen;
    }

    private int SetOf(LogicalAddress bytenr)
    {
        // Fibonacci hashing: blocks are multiples of the node size, so the low bits say nothing.
        ulong hash = (bytenr.Value >> 12) * 0x9E3779B97F4A7C15;
        return (int)(((hash >> 32) * (ulong)_hands.Length) >> 32);
    }
}
