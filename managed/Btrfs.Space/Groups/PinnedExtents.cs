namespace Btrfs.Space.Groups;

/// <summary>
/// What the running transaction has freed. The last commit still uses it, and a crash must find that commit whole: nothing may be written there before
/// the next one is durable.
/// </summary>
internal sealed class PinnedExtents
{
    private readonly List<(BlockGroup Group, ulong Start, ulong Bytes)> _extents = [];

    public void Pin(BlockGroup group, ulong start, ulong bytes)
    {
        group.Pinned += bytes;
        _extents.Add((group, start, bytes));
    }

    public bool IsEmpty => _extents.Count == 0;

    /// <summary>The commit is durable: all of it is free.</summary>
    public void Unpin()
    {
        foreach ((BlockGroup group, ulong start, ulong bytes) in _extents)
        {
            group.Pinned -= bytes;
            group.Free?.Add(start - group.Start, bytes);
        }

        _extents.Clear();
    }
}
