namespace Btrfs.Format;

/// <summary>Runs of data checksums: whole checksums, whole sectors, and no run over the next.</summary>
internal static class ChecksumItemCheck
{
    public static void Verify(in LeafCursor item)
    {
        if (item.Key.ObjectId != ObjectIds.ExtentCsum)
            throw item.Corrupt($"invalid objectid of a csum item, have {item.Key.ObjectId} expect {ObjectIds.ExtentCsum}");
        item.RequireAligned(item.Key.Offset, "csum offset");

        int size = ChecksumTypes.Size(item.Context.Csum);
        if (item.Data.IsEmpty || item.Data.Length % size != 0)
            throw item.Corrupt($"invalid csum item size, have {item.Data.Length} expect a multiple of {size}");

        ulong covered = (ulong)(item.Data.Length / size) * (ulong)item.Context.SectorSize;
        if (item.Key.Offset + covered < item.Key.Offset)
            throw item.Corrupt($"csum end overflows, csum offset {item.Key.Offset} bytes {covered}");

        if (!item.HasPrevious || item.PreviousKey.Type != ItemType.ExtentCsum)
            return;

        ulong previousEnd = item.PreviousKey.Offset + (ulong)(item.PreviousData.Length / size) * (ulong)item.Context.SectorSize;
        if (previousEnd > item.Key.Offset)
            throw item.Corrupt($"csum range overlaps the previous one, have offset {item.Key.Offset} expect at least {previousEnd}");
    }
}
