
namespace Btrfs.Format;

/// <summary>Block groups, free space, and devices with their extents.</summary>
internal static class SpaceCheck
{
    /// <summary>Bits of the longest run of free space that one bitmap item describes.</summary>
    private const int FreeSpaceBitmapBits = 256 * 8;

    public static void VerifyBlockGroup(in LeafCursor item)
    {
        RequireRange(in item, "block group");
        item.RequireSize(BlockGroupItem.Size);
        ref readonly BlockGroupItem group = ref item.Record<BlockGroupItem>();
        if (group.ChunkObjectId != ObjectIds.FirstChunkTree)
            throw item.Corrupt($"invalid block group chunk objectid, have {group.ChunkObjectId} expect {ObjectIds.FirstChunkTree}");
        if (group.Used > item.Key.Offset)
            throw item.Corrupt($"invalid block group used, have {group.Used} expect at most {item.Key.Offset}");
        if (!ChunkItem.IsSingleProfile(group.Flags))
            throw item.Corrupt($"invalid block group profile, have 0x{(ulong)group.Flags:x} expect at most one profile bit");

        BlockGroupFlags type = group.Flags & BlockGroupFlags.TypeMask;
        if (type is not (BlockGroupFlags.Data or BlockGroupFlags.Metadata or BlockGroupFlags.System
            or (BlockGroupFlags.Data | BlockGroupFlags.Metadata)))
            throw item.Corrupt($"invalid block group type, have 0x{(ulong)type:x}");
    }

    public static void VerifyFreeSpaceExtent(in LeafCursor item)
    {
        item.RequireSize(0);
        RequireSectors(in item);
    }

    public static void VerifyFreeSpaceBitmap(in LeafCursor item)
    {
        RequireSectors(in item);
        ulong bits = item.Key.Offset / (ulong)item.Context.SectorSize;
        if (bits > FreeSpaceBitmapBits)
            throw item.Corrupt($"free space bitmap too long, have {bits} bits expect at most {FreeSpaceBitmapBits}");
        item.RequireSize((int)((bits + 7) / 8));
    }

    public static void VerifyDevice(in LeafCursor item)
    {
        if (item.Key.ObjectId != ObjectIds.DevItems)
            throw item.Corrupt($"invalid device objectid, have {item.Key.ObjectId} expect {ObjectIds.DevItems}");
        item.RequireSize(DevItem.Size);
        ref readonly DevItem device = ref item.Record<DevItem>();
        if (device.DeviceId != item.Key.Offset)
            throw item.Corrupt($"device id mismatch with key, have {device.DeviceId} expect {item.Key.Offset}");
        if (device.BytesUsed > device.TotalBytes)
            throw item.Corrupt($"invalid device bytes_used, have {device.BytesUsed} expect at most {device.TotalBytes}");
    }

    public static void VerifyDevExtent(in LeafCursor item)
    {
        item.RequireSize(DevExtent.Size);
        ref readonly DevExtent extent = ref item.Record<DevExtent>();
        item.RequireAligned(item.Key.Offset, "device extent start");
        item.RequireAligned(extent.Length, "device extent length");
        item.RequireAligned(extent.ChunkOffset, "device extent chunk offset");
        if (extent.Length == 0 || item.Key.Offset + extent.Length < item.Key.Offset)
            throw item.Corrupt($"invalid device extent length, have {extent.Length} at {item.Key.Offset}");
        if (extent.ChunkTree != ObjectIds.ChunkTree || extent.ChunkObjectId != ObjectIds.FirstChunkTree)
            throw item.Corrupt($"invalid device extent chunk, have {extent.ChunkTree} {extent.ChunkObjectId} expect {ObjectIds.ChunkTree} {ObjectIds.FirstChunkTree}");
        VerifyOrder(in item);
    }

    private static void VerifyOrder(in LeafCursor item)
    {
        if (!item.HasPrevious || item.PreviousKey.Type != ItemType.DevExtent || item.PreviousKey.ObjectId != item.Key.ObjectId)
            return;

        ulong length = Overlay.At<DevExtent>(item.PreviousData).Length;
        ulong end = item.PreviousKey.Offset + length;
        if (end > item.Key.Offset)
            throw item.Corrupt($"device extent overlaps the previous one, have {item.Key.Offset} expect at least {end}");
    }

    private static void RequireSectors(in LeafCursor item)
    {
        item.RequireAligned(item.Key.ObjectId, "free space start");
        item.RequireAligned(item.Key.Offset, "free space length");
        RequireRange(in item, "free space");
    }

    private static void RequireRange(in LeafCursor item, string what)
    {
        if (item.Key.Offset == 0 || item.Key.ObjectId + item.Key.Offset < item.Key.ObjectId)
            throw item.Corrupt($"invalid {what} length, have {item.Key.Offset} at {item.Key.ObjectId}");
    }
}
