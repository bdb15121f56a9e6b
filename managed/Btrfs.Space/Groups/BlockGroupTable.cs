using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Usage;

namespace Btrfs.Space.Groups;

/// <summary>All block groups by address. Their free space is loaded group by group, when somebody first allocates from one.</summary>
internal sealed class BlockGroupTable
{
    private readonly SortedList<ulong, BlockGroup> _groups = [];
    private BlockGroup? _lastFound;

    public BlockGroupTable(FsInfo fs)
    {
        foreach (BlockGroupUsage usage in new SpaceUsage(fs).EnumerateBlockGroups())
        {
            BlockGroup group = new(usage.Chunk, usage.Used);
            if (group.Used > group.Length)
                throw new CorruptMetadataException($"corrupt metadata: {group} says that {group.Used} bytes are used");
            _groups.Add(group.Start, group);
        }
    }

    public IList<BlockGroup> Groups => _groups.Values;

    public void Add(BlockGroup group) => _groups.Add(group.Start, group);

    public void Remove(BlockGroup group)
    {
        _groups.Remove(group.Start);
        _lastFound = null;
    }

    /// <exception cref="CorruptMetadataException">No group has the address.</exception>
    public BlockGroup Find(ulong bytenr)
    {
        if (_lastFound is { } last && last.Contains(bytenr))
            return last;

        IList<ulong> starts = _groups.Keys;
        int low = 0;
        int high = starts.Count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) >> 1);
            if (starts[middle] <= bytenr)
                low = middle + 1;
            else
                high = middle;
        }

        if (low == 0 || !_groups.Values[low - 1].Contains(bytenr))
            throw new CorruptMetadataException($"corrupt metadata: no block group has logical address {bytenr}");

        return _lastFound = _groups.Values[low - 1];
    }

    /// <summary>
    /// The group's free space, loaded from the last commit. That is right at any time: what the running transaction has allocated came from the map, which
    /// was loaded before; and what it has freed is not free before its commit. What readers hold is free in the commit, and is left out here.
    /// </summary>
    public static FreeSpaceMap FreeSpaceOf(FsInfo committed, BlockGroup group)
    {
        if (group.Free is { } known)
            return known;

        FreeSpaceMap map = FreeSpaceLoader.Load(committed, group);
        group.ExcludeHeld(map);
        return group.Free = map;
    }

    /// <summary>The sum over the groups of one type.</summary>
    public ulong Sum(BlockGroupFlags type, Func<BlockGroup, ulong> what)
    {
        ulong sum = 0;
        foreach (BlockGroup group in _groups.Values)
        {
            if ((group.Flags & type) == type)
                sum += what(group);
        }

        return sum;
    }
}
