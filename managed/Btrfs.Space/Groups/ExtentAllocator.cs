using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Groups;

/// <summary>Finds room for tree blocks and file data: in the group that was used last, then in the others, then in a new chunk.</summary>
internal sealed class ExtentAllocator(BlockGroupTable groups, ChunkAllocator chunks, Func<FsInfo> committed, int nodeSize)
{
    /// <summary>A chunk's items need blocks of the system chunks themselves: so many are always kept free.</summary>
    private const int SystemBlocksKept = 8;

    private const ulong LongEnough = 16UL << 20;

    private readonly Dictionary<BlockGroupFlags, BlockGroup> _lastUsed = [];
    private bool _isMakingSystemChunk;

    /// <summary>Asked at each allocation whether it shall find the disk full: for tests of what comes of that, wherever it happens.</summary>
    public Func<bool>? FindsFull { get; set; }

    private bool IsFull => FindsFull?.Invoke() == true;

    /// <summary>Room for one tree block, reserved.</summary>
    /// <exception cref="NoSpaceException">There is none.</exception>
    public LogicalAddress AllocateBlock(BlockGroupFlags type)
    {
        if (!IsFull && TryAllocate(type, (ulong)nodeSize, (ulong)nodeSize, (ulong)nodeSize, out ulong start, out _))
            return new LogicalAddress(start);

        throw new NoSpaceException($"no space left for {(type & BlockGroupFlags.System) switch { 0 => "metadata", _ => "system" }} blocks");
    }

    /// <summary>The same where no chunk may be made for it.</summary>
    public bool TryAllocateBlock(BlockGroupFlags type, out LogicalAddress bytenr)
    {
        bytenr = default;
        if (IsFull)
            return false;

        ulong size = (ulong)nodeSize;
        bool found = (_lastUsed.TryGetValue(type, out BlockGroup? last) && TryTake(last, size, size, size, out ulong start, out _))
            || TryAnyGroup(type, size, size, size, out start, out _);
        bytenr = new LogicalAddress(start);
        return found;
    }

    /// <summary>Room for data in one piece, reserved: all that is wanted if some group has it, else the longest run that some group has.</summary>
    public bool TryAllocateData(BlockGroupFlags type, ulong wantedBytes, ulong leastBytes, out ulong start, out ulong length)
    {
        start = 0;
        length = 0;
        return !IsFull && TryAllocate(type, wantedBytes, leastBytes, align: 1, out start, out length);
    }

    /// <summary>Makes one more chunk of a type, if there is room for it.</summary>
    public bool TryGrow(BlockGroupFlags type) => TryMakeChunk(type) is not null;

    private bool TryAllocate(BlockGroupFlags type, ulong wanted, ulong least, ulong align, out ulong start, out ulong length)
    {
        if (_lastUsed.TryGetValue(type, out BlockGroup? last) && TryTake(last, wanted, wanted, align, out start, out length))
            return true;
        if (TryAnyGroup(type, wanted, wanted, align, out start, out length))
            return true;

        // A run that is long enough serves large data well, and leaves the unallocated space to whoever needs it more.
        ulong longEnough = Math.Max(least, Math.Min(wanted, LongEnough));
        if (longEnough < wanted && TryAnyGroup(type, wanted, longEnough, align, out start, out length))
            return true;
        if (TryMakeChunk(type) is { } made && TryTake(made, wanted, least, align, out start, out length))
            return true;

        return TryAnyGroup(type, wanted, least, align, out start, out length);
    }

    private bool TryAnyGroup(BlockGroupFlags type, ulong wanted, ulong least, ulong align, out ulong start, out ulong length)
    {
        foreach (BlockGroup group in groups.Groups)
        {
            if ((group.Flags & BlockGroupFlags.TypeMask) == type && TryTake(group, wanted, least, align, out start, out length))
                return true;
        }

        start = 0;
        length = 0;
        return false;
    }

    private bool TryTake(BlockGroup group, ulong wanted, ulong least, ulong align, out ulong start, out ulong length)
    {
        start = 0;
        length = 0;
        if (group.Allocatable < least)
            return false;

        FreeSpaceMap map = BlockGroupTable.FreeSpaceOf(committed(), group);
        if (!map.TryTake(wanted, least, align, out ulong offset, out length))
            return false;

        start = group.Start + offset;
        group.Reserved += length;
        _lastUsed[group.Flags & BlockGroupFlags.TypeMask] = group;
        return true;
    }

    private BlockGroup? TryMakeChunk(BlockGroupFlags type)
    {
        if ((type & BlockGroupFlags.System) == 0)
            EnsureSystemSpace();
        return chunks.TryAllocate(type);
    }

    private void EnsureSystemSpace()
    {
        if (_isMakingSystemChunk || groups.Sum(BlockGroupFlags.System, group => group.Allocatable) >= (ulong)(SystemBlocksKept * nodeSize))
            return;

        _isMakingSystemChunk = true;
        chunks.TryAllocate(BlockGroupFlags.System);
        _isMakingSystemChunk = false;
    }
}
