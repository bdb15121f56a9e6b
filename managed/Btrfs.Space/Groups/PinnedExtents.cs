namespace Btrfs.Space.Groups;

/// <summary>
/// What the running transaction has freed. The last commit still uses it, and a crash must find that commit whole: nothing may be written there before
/// the next one is durable. What readers hold then still stays with its group.
/// </summary>
internal sealed class PinnedExtents(BlockGroupTable groups)
{
    private readonly List<(BlockGroup Group, FreedExtent Extent)> _extents = [];

    /// <summary>Pins what the last commit has.</summary>
    public void Pin(BlockGroup group, in FreedExtent extent)
    {
        group.Pinned += extent.Bytes;
        _extents.Add((group, extent));
    }

    /// <summary>Pins what no commit has, and nobody can hold.</summary>
    public void Pin(BlockGroup group, ulong start, ulong bytes) =>
        Pin(group, new FreedExtent(start, bytes, Born: ulong.MaxValue, Freed: ulong.MaxValue, IsData: false));

    /// <summary>The commit is durable: all of it is free but for what readers of earlier commits hold.</summary>
    public void Unpin(HeldGenerations held)
    {
        foreach ((BlockGroup group, FreedExtent extent) in _extents)
        {
            group.Pinned -= extent.Bytes;
            if (held.Reach(extent))
                group.Hold(extent);
            else
                group.Free?.Add(extent.Start - group.Start, extent.Bytes);
        }

        _extents.Clear();
    }

    /// <summary>Frees what was held and is not any more.</summary>
    public void Release(HeldGenerations held)
    {
        foreach (BlockGroup group in groups.Groups)
        {
            if (group.Held > 0)
                group.ReleaseHeld(held);
        }
    }
}
