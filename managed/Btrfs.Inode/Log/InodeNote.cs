namespace Btrfs.Inode.Log;

/// <summary>How much of an inode the log has.</summary>
internal enum LoggedPart
{
    Nothing,

    /// <summary>That it exists, under which names and with which attributes: as something else in the log leads to it.</summary>
    Existence,

    /// <summary>All that an fsync of it promises.</summary>
    Whole,
}

/// <summary>What has happened to one inode in the running transaction: since its begin, and since the inode was last logged.</summary>
internal sealed class InodeNote
{
    /// <summary>More names than these are not told one by one.</summary>
    private const int MaxEntries = 512;

    private List<byte[]>? _entries;

    /// <summary>Its item or its attributes have changed since they were logged.</summary>
    public bool IsChanged { get; set; }

    public bool AreXattrsChanged { get; set; }

    /// <summary>Where its extents have changed since they were logged.</summary>
    public ByteRanges Extents { get; } = [];

    /// <summary>Whether it has got or lost names in this transaction.</summary>
    public bool AreNamesChanged { get; set; }

    /// <summary>Of a directory: names that have come, gone, or changed what they lead to, since it was logged.</summary>
    public IReadOnlyList<byte[]> Entries => _entries ?? [];

    /// <summary>Of a directory: more entries have changed than it is worth to log.</summary>
    public bool HasTooManyEntries { get; private set; }

    public LoggedPart Logged { get; set; }

    /// <summary>The size that the log says.</summary>
    public ulong LoggedSize { get; set; }

    /// <summary>The log says which names it has, all of them.</summary>
    public bool AreNamesLogged { get; set; }

    public void AddEntry(ReadOnlySpan<byte> name)
    {
        _entries ??= [];
        if (_entries.Count < MaxEntries)
            _entries.Add(name.ToArray());
        else
            HasTooManyEntries = true;
    }

    public void ClearEntries() => _entries = null;
}
