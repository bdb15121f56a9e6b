namespace Btrfs.Space.Refs;

/// <summary>What the running transaction has changed about one extent, and the extent tree does not know yet: the kernel's delayed ref head.</summary>
internal sealed class DelayedExtent(ulong bytenr, ulong bytes, int level)
{
    /// <summary>Up to so many changes are looked through faster than looked up.</summary>
    private const int Few = 16;

    private readonly List<(ReferenceKey Key, int Count)> _changes = [];
    private Dictionary<ReferenceKey, int>? _places;

    public ulong Bytenr { get; } = bytenr;

    public ulong Bytes { get; } = bytes;

    /// <summary>Of a tree block; -1 for data.</summary>
    public int Level { get; } = level;

    public bool IsData => Level < 0;

    /// <summary>Allocated in this transaction: the extent tree has no item yet.</summary>
    public bool IsNew { get; init; }

    /// <summary>Its children are from now on held by the block itself, not by its owner's root.</summary>
    public bool SetsFullBackref { get; set; }

    /// <summary>The tree that the extent was made for, which simple quotas charge; 0 where nobody said.</summary>
    public ulong OwnerRoot { get; set; }

    /// <summary>References added less those dropped.</summary>
    public int Sum { get; private set; }

    /// <summary>What changed by reference; a count may be zero.</summary>
    public IReadOnlyList<(ReferenceKey Key, int Count)> Changes => _changes;

    public void Change(in ReferenceKey key, int count)
    {
        Sum += count;
        int place = PlaceOf(key);
        if (place >= 0)
        {
            _changes[place] = (key, _changes[place].Count + count);
            return;
        }

        _places?.Add(key, _changes.Count);
        _changes.Add((key, count));
    }

    private int PlaceOf(in ReferenceKey key)
    {
        if (_places is not null)
            return _places.GetValueOrDefault(key, -1);

        for (int i = 0; i < _changes.Count; i++)
        {
            if (_changes[i].Key == key)
                return i;
        }

        if (_changes.Count == Few)
            _places = _changes.Index().ToDictionary(static change => change.Item.Key, static change => change.Index);
        return -1;
    }
}
