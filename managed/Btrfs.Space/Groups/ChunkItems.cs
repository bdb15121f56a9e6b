using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.FreeSpace;
using Btrfs.Space.Usage;
using Btrfs.Storage;

namespace Btrfs.Space.Groups;

/// <summary>
/// The items that a chunk has in five trees: chunk, device extents, block group, free space, and the devices' own. They are inserted and removed in a
/// commit, when the chunk has been used, or has been empty, for a while already.
/// </summary>
internal sealed class ChunkItems(
    BlockGroupTable groups, ChunkAllocator chunks, Tree chunkTree, Tree deviceTree, Tree groupTree, FreeSpaceTree? freeSpace, Uuid chunkTreeUuid)
{
    private readonly List<BlockGroup> _removed = [];

    /// <summary>Told of each new system chunk, for the superblock's array.</summary>
    public required Action<Key, byte[]> AddToSystemArray { get; init; }

    /// <summary>Whether an empty group may go, or its space is promised to somebody.</summary>
    public required Predicate<BlockGroup> MaySpare { get; init; }

    /// <summary>Inserts the items of chunks that were made since. It may make more of them.</summary>
    /// <returns>Whether there was any.</returns>
    public bool InsertPending()
    {
        bool any = chunks.Pending.Count > 0;
        for (int i = 0; i < chunks.Pending.Count; i++)
            Insert(chunks.Pending[i].Group, chunks.Pending[i].Item);
        chunks.Pending.Clear();
        return any;
    }

    /// <summary>Writes the items of block groups and devices that have changed.</summary>
    /// <returns>Whether there was any.</returns>
    public bool WriteChanged()
    {
        bool any = false;
        foreach (BlockGroup group in groups.Groups)
        {
            if (!group.IsItemDirty || group.IsPending)
                continue;

            group.IsItemDirty = false;
            MemoryMarshal.AsRef<BlockGroupItem>(groupTree.Edit(GroupKey(group))).Used = group.Used;
            any = true;
        }

        foreach (DeviceSpace device in chunks.Devices)
        {
            if (!device.IsItemDirty)
                continue;

            device.IsItemDirty = false;
            MemoryMarshal.Write(chunkTree.Edit(new Key(ObjectIds.DevItems, ItemType.DevItem, device.Id)), device.Item);
            any = true;
        }

        return any;
    }

    /// <summary>
    /// Removes the items of groups that are empty, and from which no reader holds anything. One of each type and profile stays, so that its profile is not
    /// forgotten.
    /// </summary>
    /// <returns>Those that go.</returns>
    public IReadOnlyList<BlockGroup> RemoveUnused()
    {
        foreach (BlockGroup group in groups.Groups.ToArray())
        {
            if (IsUnused(group))
                Remove(group);
        }

        return _removed;
    }

    /// <summary>Whether the next commit will remove any.</summary>
    public bool HasUnused() => groups.Groups.Any(IsUnused);

    private bool IsUnused(BlockGroup group)
    {
        bool isEmpty = group.Used + group.Reserved + group.Pinned + group.Held == 0 && !group.IsPending && (group.Flags & BlockGroupFlags.System) == 0;
        return isEmpty && MaySpare(group) && groups.Groups.Count(other => other.Flags == group.Flags && !other.IsReadOnly) > 1;
    }

    /// <summary>The commit is durable: what removed chunks had of the devices, and their addresses, are free.</summary>
    public void ReleaseRemoved(LogicalVolume volume)
    {
        foreach (BlockGroup group in _removed)
        {
            volume.Discard(group.Chunk.Start, group.Length);
            volume.Chunks.Remove(group.Chunk.Start);
            foreach (ChunkStripe stripe in group.Chunk.Stripes)
                DeviceOf(stripe).Release(stripe.Offset);
            groups.Remove(group);
        }

        _removed.Clear();
    }

    private static Key GroupKey(BlockGroup group) => new(group.Start, ItemType.BlockGroupItem, group.Length);

    private static Key ChunkKey(BlockGroup group) => new(ObjectIds.FirstChunkTree, ItemType.ChunkItem, group.Start);

    private DeviceSpace DeviceOf(in ChunkStripe stripe)
    {
        ulong id = stripe.DeviceId;
        return chunks.Devices.First(device => device.Id == id);
    }

    private void Insert(BlockGroup group, byte[] item)
    {
        ulong stripeBytes = SpaceUsage.StripeBytes(group.Chunk);
        foreach (ChunkStripe stripe in group.Chunk.Stripes)
        {
            DevExtent extent = new()
            {
                ChunkTree = ObjectIds.ChunkTree,
                ChunkObjectId = ObjectIds.FirstChunkTree,
                ChunkOffset = group.Start,
                Length = stripeBytes,
                ChunkTreeUuid = chunkTreeUuid,
            };
            MemoryMarshal.Write(deviceTree.Insert(new Key(stripe.DeviceId, ItemType.DevExtent, stripe.Offset), DevExtent.Size), extent);
        }

        chunkTree.Insert(ChunkKey(group), item);
        if ((group.Flags & BlockGroupFlags.System) != 0)
            AddToSystemArray(ChunkKey(group), item);

        BlockGroupItem record = new() { Used = group.Used, ChunkObjectId = ObjectIds.FirstChunkTree, Flags = group.Flags };
        MemoryMarshal.Write(groupTree.Insert(GroupKey(group), BlockGroupItem.Size), record);
        freeSpace?.AddGroup(group);
        group.IsPending = false;
        group.IsItemDirty = true;
    }

    private void Remove(BlockGroup group)
    {
        group.IsReadOnly = true;
        group.IsItemDirty = false;
        groupTree.Delete(GroupKey(group));
        freeSpace?.RemoveGroup(group);
        chunkTree.Delete(ChunkKey(group));
        ulong stripeBytes = SpaceUsage.StripeBytes(group.Chunk);
        foreach (ChunkStripe stripe in group.Chunk.Stripes)
        {
            deviceTree.Delete(new Key(stripe.DeviceId, ItemType.DevExtent, stripe.Offset));
            DeviceOf(stripe).Give(stripeBytes);
        }

        _removed.Add(group);
    }
}
