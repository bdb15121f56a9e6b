using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Usage;

namespace Btrfs.Space.Groups;

/// <summary>Reads what is free in a block group, from the free-space tree where there is a valid one, else from the gaps of the extent tree.</summary>
internal static class FreeSpaceLoader
{
    /// <summary>What may be allocated: all that is free, but for the places of superblock copies.</summary>
    /// <exception cref="CorruptMetadataException">An item contradicts the group.</exception>
    public static FreeSpaceMap Load(FsInfo committed, BlockGroup group)
    {
        FreeSpaceMap map = LoadWhole(committed, group);
        foreach ((ulong start, ulong length) in SuperblockPlaces.In(group.Chunk, SpaceUsage.StripeBytes(group.Chunk)))
        {
            if (start < group.End)
                map.Exclude(start - group.Start, Math.Min(length, group.End - start));
        }

        return map;
    }

    /// <summary>All that no extent has.</summary>
    /// <inheritdoc cref="Load"/>
    public static FreeSpaceMap LoadWhole(FsInfo committed, BlockGroup group)
    {
        FreeSpaceMap map = new(group.Length, committed.SectorSize);
        const CompatRoFlags Valid = CompatRoFlags.FreeSpaceTree | CompatRoFlags.FreeSpaceTreeValid;
        if ((committed.Superblock.CompatRo & Valid) == Valid)
            LoadFromFreeSpaceTree(committed, group, map);
        else
            LoadFromExtentTree(committed, group, map);

        ulong used = group.Length - map.FreeBytes;
        if (used != group.Used + group.Pinned + group.Reserved)
            throw new CorruptMetadataException($"corrupt metadata: {group} has {map.FreeBytes} bytes free, but says that {group.Used} are used");

        return map;
    }

    private static void LoadFromFreeSpaceTree(FsInfo committed, BlockGroup group, FreeSpaceMap map)
    {
        TreeCursor cursor = committed.OpenCursor(committed.GetRoot(ObjectIds.FreeSpaceTree).Tree);
        if (!cursor.Seek(new Key(group.Start, ItemType.FreeSpaceInfo, group.Length)))
            throw new CorruptMetadataException($"corrupt metadata: the free-space tree has nothing on {group}");

        ulong behind = group.Start;
        while (cursor.MoveNext() && cursor.Key.ObjectId < group.End)
        {
            Key key = cursor.Key;
            ulong offset = key.ObjectId - group.Start;
            if (key.ObjectId < behind || key.Offset > group.Length - offset)
                throw new CorruptMetadataException($"corrupt metadata: free space {key} overlaps or leaves {group}");

            behind = key.ObjectId + key.Offset;
            if (key.Type == ItemType.FreeSpaceExtent)
                map.Add(offset, key.Offset);
            else if (key.Type == ItemType.FreeSpaceBitmap)
                AddBits(cursor.Data, offset, key.Offset, committed.SectorSize, map);
        }
    }

    private static void AddBits(ReadOnlySpan<byte> bits, ulong offset, ulong length, int sectorSize, FreeSpaceMap map)
    {
        int sectors = (int)(length / (ulong)sectorSize);
        for (int bit = 0; bit < sectors; bit++)
        {
            if ((bits[bit >> 3] & (1 << (bit & 7))) != 0)
                map.Add(offset + (ulong)bit * (ulong)sectorSize, (ulong)sectorSize);
        }
    }

    private static void LoadFromExtentTree(FsInfo committed, BlockGroup group, FreeSpaceMap map)
    {
        TreeCursor cursor = committed.OpenCursor(committed.GetRoot(ObjectIds.ExtentTree).Tree);
        cursor.Seek(new Key(group.Start, 0, 0));
        ulong behind = group.Start;
        for (; cursor.IsValid && cursor.Key.ObjectId < group.End; cursor.MoveNext())
        {
            Key key = cursor.Key;
            if (key.Type is not (ItemType.ExtentItem or ItemType.MetadataItem))
                continue;

            ulong length = key.Type == ItemType.ExtentItem ? key.Offset : (ulong)committed.NodeSize;
            if (key.ObjectId < behind || length > group.End - key.ObjectId)
                throw new CorruptMetadataException($"corrupt metadata: extent {key} overlaps another or leaves {group}");

            if (key.ObjectId > behind)
                map.Add(behind - group.Start, key.ObjectId - behind);
            behind = key.ObjectId + length;
        }

        if (behind < group.End)
            map.Add(behind - group.Start, group.End - behind);
    }
}
