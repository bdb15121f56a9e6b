using Btrfs.Format;

namespace Btrfs.Space.Transactions;

/// <summary>
/// Says before a change begins whether there is room for what it takes, so that a change never ends half done for want of space. Each item may
/// copy a path of blocks, and each block copied changes the extent tree in turn. Below that lies the global reserve: it is kept for commits, and for changes
/// that free more than they take. So files can be deleted on a full disk.
/// </summary>
internal sealed class MetadataReserve(SpaceState state)
{
    private static readonly ulong[] s_treesOfSpace = [ObjectIds.ExtentTree, ObjectIds.CsumTree, ObjectIds.FreeSpaceTree];

    private const ulong MaxGlobal = 512UL << 20;
    private const ulong MinGlobal = 2UL << 20;

    /// <summary>Blocks for each item: a leaf that splits, its parents now and then, and the same for the extent and free-space trees.</summary>
    private const ulong BlocksPerItem = 4;

    /// <summary>What frees copies paths and leaves fewer items behind: more than so many blocks it does not take at once.</summary>
    private const ulong MaxBlocksToFree = 64;

    /// <summary>While anything is promised, so many blocks are kept for the next part that makes use of it: it copies before it frees.</summary>
    private const ulong BlocksToKeepPromises = 64;

    /// <summary>What a part that allocates data may still change.</summary>
    private const int ItemsBesideData = 64;

    private readonly ulong _nodeSize = (ulong)state.Committed.NodeSize;

    /// <summary>Whether there is room. What is still no chunk becomes one if it is needed, or data would take it before the change comes to use it.</summary>
    public bool HasRoom(int items, ReservePolicy policy) => HasRoomFor(Needed(items, policy));

    /// <summary>For the message when there is none.</summary>
    public string Describe(int items, ReservePolicy policy) =>
        $"{items} items take {Needed(items, policy)} bytes with what is kept, {FreeBytes} are free and {state.Chunks.Available(state.MetadataType)} unallocated";

    private bool HasRoomFor(ulong needed)
    {
        if (FreeBytes >= needed)
            return true;
        if (FreeBytes + state.Chunks.Available(state.MetadataType) < needed)
            return false;

        while (FreeBytes < needed && state.Allocator.TryGrow(state.MetadataType))
        {
        }

        return FreeBytes >= needed;
    }

    /// <summary>Whether there is room without a new chunk: blocks of a log must lie where the last commit has one.</summary>
    public bool HasRoomForLog(int items) => FreeBytes >= Needed(items, ReservePolicy.Normal);

    /// <summary>How many bytes data may take where it shares its groups with tree blocks.</summary>
    public ulong SpareBytes()
    {
        ulong needed = Needed(ItemsBesideData, ReservePolicy.Normal);
        ulong free = FreeBytes + state.Chunks.Available(state.MetadataType);
        return free - Math.Min(free, needed);
    }

    /// <summary>Promises room for data and for the growth of trees that comes with it, if there is any. A data chunk is made if one is needed.</summary>
    public bool TryPromise(ulong dataBytes, ulong metadataBytes)
    {
        bool isMixed = (state.DataType & BlockGroupFlags.Metadata) != 0;
        ulong kept = isMixed ? Needed(ItemsBesideData, ReservePolicy.Normal) + metadataBytes : 0;
        if (!state.Promised.HasData(dataBytes, kept) || (!isMixed && !HasRoomFor(Needed(0, ReservePolicy.Normal) + metadataBytes)))
            return false;

        state.Promised.Add(dataBytes, metadataBytes);
        return true;
    }

    /// <summary>Room for tree blocks, less what is promised to data where both share their groups.</summary>
    private ulong FreeBytes
    {
        get
        {
            ulong free = state.Groups.Sum(BlockGroupFlags.Metadata, static group => group.Allocatable);
            return (state.DataType & BlockGroupFlags.Metadata) == 0 ? free : free - Math.Min(free, state.Promised.DataBytes);
        }
    }

    private ulong Needed(int items, ReservePolicy policy)
    {
        ulong blocks = (ulong)items * BlocksPerItem;
        if (policy == ReservePolicy.Freeing)
            blocks = Math.Min(blocks, MaxBlocksToFree);
        ulong total = state.Groups.Sum(BlockGroupFlags.Metadata, static group => group.Length);
        ulong kept = Math.Clamp(total / 8, MinGlobal, MaxGlobal);
        kept = Math.Min(kept, total / 4);

        // What was promised must not take what a deletion needs; and Linux fills a disk further than we do, and leaves less.
        if (policy != ReservePolicy.Normal)
            kept /= policy == ReservePolicy.Freeing ? 8u : 4u;
        else if (state.Promised.MetadataBytes is > 0 and var promised)
            kept += promised + (BlocksToKeepPromises * _nodeSize);
        return ((blocks + BlocksOfCommit()) * _nodeSize) + kept;
    }

    // Each extent whose references wait may lie in a leaf of its own; but leaves that a commit copies are at most all there are, and a few that split.
    private ulong BlocksOfCommit()
    {
        ulong waiting = (ulong)state.Delayed.Count;
        ulong leaves = 0;
        foreach (ulong id in s_treesOfSpace)
            leaves += (state.Roots.TryGet(id)?.Item.BytesUsed ?? 0) / _nodeSize;
        return Math.Min(waiting, leaves + waiting / 32);
    }
}
