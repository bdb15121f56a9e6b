using Btrfs.Format;
using Btrfs.Space.Groups;

namespace Btrfs.Space.Transactions;

/// <summary>
/// How much room is promised to data that is still in memory. A promise is backed by block groups that exist, since what devices could still be made into is
/// an estimate; other allocators leave it alone. Guarded by the writer's lock, but for giving back.
/// </summary>
internal sealed class PromisedSpace(SpaceState state)
{
    /// <summary>Nearer to the end than this, groups are counted by their maps: before, places of superblocks count as free.</summary>
    private const ulong Exactly = 64UL << 20;

    private long _dataBytes;
    private long _metadataBytes;

    /// <summary>Called when somebody lacks what may be promised and unused: who keeps promises in stock gives them back.</summary>
    public Action? Reclaim { get; set; }

    public ulong DataBytes => (ulong)Interlocked.Read(ref _dataBytes);

    public ulong MetadataBytes => (ulong)Interlocked.Read(ref _metadataBytes);

    /// <summary>Whether nothing would lack a group that is about to go.</summary>
    public bool CanSpare(BlockGroup group)
    {
        ulong promised = 0;
        if ((group.Flags & BlockGroupFlags.Data) != 0)
            promised += DataBytes;
        if ((group.Flags & BlockGroupFlags.Metadata) != 0)
            promised += MetadataBytes;
        return promised == 0 || FreeOf(group.Flags & BlockGroupFlags.TypeMask) >= promised + group.Allocatable;
    }

    /// <summary>Data bytes that are free or could be, and promised to nobody else.</summary>
    public ulong Spare(SpacePromise? own)
    {
        ulong others = DataBytes - (own?.DataBytes ?? 0);
        ulong free = FreeOf(state.DataType) + state.Chunks.Available(state.DataType);
        return free - Math.Min(free, others);
    }

    /// <summary>Whether data bytes are there, or a new chunk has them, beside what is promised and <paramref name="keptBytes"/>.</summary>
    public bool HasData(ulong bytes, ulong keptBytes)
    {
        ulong needed = bytes + keptBytes + DataBytes;
        while (FreeOf(state.DataType) < needed)
        {
            if (!state.Allocator.TryGrow(state.DataType))
                return false;
        }

        if (FreeOf(state.DataType) - needed < Exactly)
            LoadMaps();
        return FreeOf(state.DataType) >= needed;
    }

    public void Add(ulong dataBytes, ulong metadataBytes)
    {
        Interlocked.Add(ref _dataBytes, (long)dataBytes);
        Interlocked.Add(ref _metadataBytes, (long)metadataBytes);
    }

    /// <summary>Needs no lock: it can only make more room.</summary>
    public void Return(ulong dataBytes, ulong metadataBytes)
    {
        Invariant.That(Interlocked.Add(ref _dataBytes, -(long)dataBytes) >= 0);
        Invariant.That(Interlocked.Add(ref _metadataBytes, -(long)metadataBytes) >= 0);
    }

    private ulong FreeOf(BlockGroupFlags type) => state.Groups.Sum(type, static group => group.Allocatable);

    private void LoadMaps()
    {
        foreach (BlockGroup group in state.Groups.Groups)
        {
            if ((group.Flags & BlockGroupFlags.TypeMask) == state.DataType)
                BlockGroupTable.FreeSpaceOf(state.Committed, group);
        }
    }
}
