using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Groups;

namespace Btrfs.Space.FreeSpace;

/// <summary>
/// Keeps the free-space tree exact. A group's free space lies there as extents, or, once those take more room than bitmaps would, as bitmaps; an info item
/// counts the runs, and says which.
/// </summary>
internal sealed class FreeSpaceTree(Tree tree, int sectorSize)
{
    private readonly FreeSpaceBitmaps _bitmaps = new(tree, sectorSize);

    /// <summary>A new group, all of it free.</summary>
    public void AddGroup(BlockGroup group)
    {
        group.FreeSpaceInfo = new FreeSpaceInfo { ExtentCount = 1 };
        tree.Insert(InfoKey(group), Bytes(group.FreeSpaceInfo.Value));
        tree.Insert(new Key(group.Start, ItemType.FreeSpaceExtent, group.Length), 0);
    }

    /// <summary>Writes what is free in a group of which the tree has nothing.</summary>
    public void AddGroup(BlockGroup group, FreeSpaceMap free)
    {
        FreeSpaceInfo info = default;
        tree.Insert(InfoKey(group), Bytes(info));
        foreach ((ulong offset, ulong length) in free.EnumerateRuns())
        {
            tree.Insert(new Key(group.Start + offset, ItemType.FreeSpaceExtent, length), 0);
            info.ExtentCount++;
        }

        Store(group, info);
    }

    /// <summary>A group that is no more.</summary>
    public void RemoveGroup(BlockGroup group) =>
        tree.DeleteRange(new Key(group.Start, 0, 0), new Key(group.End - 1, (ItemType)byte.MaxValue, ulong.MaxValue));

    /// <summary>A range was taken.</summary>
    /// <exception cref="CorruptMetadataException">The tree says that it was not free.</exception>
    public void Remove(BlockGroup group, ulong start, ulong bytes)
    {
        FreeSpaceInfo info = Load(group);
        int runs = IsBitmap(info) ? _bitmaps.Clear(group, start, bytes) : RemoveFromExtents(group, start, bytes);
        Count(group, info, runs);
    }

    /// <summary>A range is free again.</summary>
    /// <exception cref="CorruptMetadataException">The tree says that it was free already.</exception>
    public void Add(BlockGroup group, ulong start, ulong bytes)
    {
        FreeSpaceInfo info = Load(group);
        int runs = IsBitmap(info) ? _bitmaps.Set(group, start, bytes) : AddToExtents(group, start, bytes);
        Count(group, info, runs);
    }

    private static Key InfoKey(BlockGroup group) => new(group.Start, ItemType.FreeSpaceInfo, group.Length);

    private static bool IsBitmap(in FreeSpaceInfo info) => (info.Flags & FreeSpaceInfo.UsingBitmaps) != 0;

    private static ReadOnlySpan<byte> Bytes(FreeSpaceInfo info) => MemoryMarshal.AsBytes([info]).ToArray();

    private FreeSpaceInfo Load(BlockGroup group)
    {
        if (group.FreeSpaceInfo is { } known)
            return known;
        if (!tree.TryGet(InfoKey(group), out ReadOnlySpan<byte> data))
            throw new CorruptMetadataException($"corrupt metadata: the free-space tree has nothing on {group}");

        FreeSpaceInfo info = MemoryMarshal.Read<FreeSpaceInfo>(data);
        group.FreeSpaceInfo = info;
        return info;
    }

    private void Store(BlockGroup group, FreeSpaceInfo info)
    {
        group.FreeSpaceInfo = info;
        MemoryMarshal.Write(tree.Edit(InfoKey(group)), info);
    }

    private void Count(BlockGroup group, FreeSpaceInfo info, int runs)
    {
        info.ExtentCount = (uint)((int)info.ExtentCount.Value + runs);
        if (runs != 0)
            Store(group, info);

        (uint toBitmaps, uint toExtents) = _bitmaps.Thresholds(group);
        if (!IsBitmap(info) && info.ExtentCount > toBitmaps)
        {
            _bitmaps.ConvertFromExtents(group);
            info.Flags |= FreeSpaceInfo.UsingBitmaps;
            Store(group, info);
        }
        else if (IsBitmap(info) && info.ExtentCount < toExtents)
        {
            _bitmaps.ConvertToExtents(group);
            info.Flags &= ~FreeSpaceInfo.UsingBitmaps;
            Store(group, info);
        }
    }

    private int RemoveFromExtents(BlockGroup group, ulong start, ulong bytes)
    {
        TreeCursor cursor = tree.OpenCursor();
        if (!cursor.SeekFloor(new Key(start, (ItemType)byte.MaxValue, ulong.MaxValue)) || cursor.Key.Type != ItemType.FreeSpaceExtent
            || start - cursor.Key.ObjectId >= cursor.Key.Offset || bytes > cursor.Key.Offset - (start - cursor.Key.ObjectId))
        {
            throw new CorruptMetadataException($"corrupt metadata: the free-space tree does not have {bytes} bytes at {start} of {group} as free");
        }

        Key key = cursor.Key;
        ulong before = start - key.ObjectId;
        ulong behind = key.Offset - before - bytes;
        if (before == 0 && behind == 0)
        {
            tree.Delete(key);
            return -1;
        }

        Key head = key with { Offset = before };
        Key tail = new(start + bytes, ItemType.FreeSpaceExtent, behind);
        tree.Rekey(key, before > 0 ? head : tail);
        if (before == 0 || behind == 0)
            return 0;

        tree.Insert(tail, 0);
        return 1;
    }

    private int AddToExtents(BlockGroup group, ulong start, ulong bytes)
    {
        ulong end = start + bytes;
        Key? left = null;
        Key? right = null;
        TreeCursor cursor = tree.OpenCursor();
        if (cursor.SeekFloor(new Key(start, (ItemType)byte.MaxValue, ulong.MaxValue)) && cursor.Key.Type == ItemType.FreeSpaceExtent
            && cursor.Key.ObjectId >= group.Start)
        {
            ulong reach = cursor.Key.ObjectId + cursor.Key.Offset;
            if (reach > start)
                throw AlreadyFree(group, start, bytes);
            if (reach == start)
                left = cursor.Key;
        }

        if (end < group.End)
        {
            cursor.Seek(new Key(start, ItemType.FreeSpaceExtent, 0));
            if (cursor.IsValid && cursor.Key.ObjectId < end)
                throw AlreadyFree(group, start, bytes);
            if (cursor.IsValid && cursor.Key.ObjectId == end && cursor.Key.Type == ItemType.FreeSpaceExtent)
                right = cursor.Key;
        }

        Key whole = new(left?.ObjectId ?? start, ItemType.FreeSpaceExtent, (left?.Offset ?? 0) + bytes + (right?.Offset ?? 0));
        switch (left, right)
        {
            case ({ } before, { } behind):
                tree.Delete(behind);
                tree.Rekey(before, whole);
                return -1;
            case ({ } before, null):
                tree.Rekey(before, whole);
                return 0;
            case (null, { } behind):
                tree.Rekey(behind, whole);
                return 0;
            default:
                tree.Insert(whole, 0);
                return 1;
        }
    }

    private static CorruptMetadataException AlreadyFree(BlockGroup group, ulong start, ulong bytes) =>
        new($"corrupt metadata: the free-space tree has part of {bytes} bytes at {start} of {group} as free already");
}
