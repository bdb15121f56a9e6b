using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Groups;

namespace Btrfs.Space.FreeSpace;

/// <summary>A group's free space as bitmaps: one bit a sector, 2048 bits an item, the last item shorter.</summary>
internal sealed class FreeSpaceBitmaps(Tree tree, int sectorSize)
{
    private const int BitmapBytes = 256;
    private const int BitmapBits = BitmapBytes * 8;

    private readonly ulong _range = (ulong)(BitmapBits * sectorSize);

    /// <summary>
    /// With more runs than the first number bitmaps take less room than extents; below the second, some way down, extents do: the gap keeps a group from
    /// going to and fro.
    /// </summary>
    public (uint ToBitmaps, uint ToExtents) Thresholds(BlockGroup group)
    {
        ulong bitmaps = (group.Length + _range - 1) / _range;
        uint high = (uint)(bitmaps * (ItemHeader.Size + BitmapBytes) / ItemHeader.Size);
        return (high, high > 100 ? high - 100 : 0);
    }

    /// <summary>Marks as free. Returns how many runs more there are.</summary>
    public int Set(BlockGroup group, ulong start, ulong bytes) => Change(group, start, bytes, free: true);

    /// <summary>Marks as taken. Returns how many runs more there are.</summary>
    public int Clear(BlockGroup group, ulong start, ulong bytes) => Change(group, start, bytes, free: false);

    public void ConvertFromExtents(BlockGroup group)
    {
        List<(ulong Start, ulong Length)> runs = [];
        TreeCursor cursor = tree.OpenCursor();
        for (cursor.Seek(new Key(group.Start, 0, 0)); cursor.IsValid && cursor.Key.ObjectId < group.End; cursor.MoveNext())
        {
            if (cursor.Key.Type == ItemType.FreeSpaceExtent)
                runs.Add((cursor.Key.ObjectId, cursor.Key.Offset));
        }

        foreach ((ulong start, ulong length) in runs)
            tree.Delete(new Key(start, ItemType.FreeSpaceExtent, length));
        for (ulong at = group.Start; at < group.End; at += _range)
        {
            ulong length = Math.Min(_range, group.End - at);
            tree.Insert(new Key(at, ItemType.FreeSpaceBitmap, length), (int)((length / (ulong)sectorSize + 7) / 8));
        }

        foreach ((ulong start, ulong length) in runs)
            Flip(group, start, length, free: true);
    }

    public void ConvertToExtents(BlockGroup group)
    {
        FreeSpaceMap map = new(group.Length, sectorSize);
        List<Key> items = [];
        TreeCursor cursor = tree.OpenCursor();
        for (cursor.Seek(new Key(group.Start, 0, 0)); cursor.IsValid && cursor.Key.ObjectId < group.End; cursor.MoveNext())
        {
            if (cursor.Key.Type != ItemType.FreeSpaceBitmap)
                continue;

            items.Add(cursor.Key);
            ReadOnlySpan<byte> bits = cursor.Data;
            int sectors = (int)(cursor.Key.Offset / (ulong)sectorSize);
            for (int bit = 0; bit < sectors; bit++)
            {
                if (IsSet(bits, bit))
                    map.Add(cursor.Key.ObjectId - group.Start + (ulong)(bit * sectorSize), (ulong)sectorSize);
            }
        }

        foreach (Key key in items)
            tree.Delete(key);
        foreach ((ulong offset, ulong length) in map.EnumerateRuns())
            tree.Insert(new Key(group.Start + offset, ItemType.FreeSpaceExtent, length), 0);
    }

    private int Change(BlockGroup group, ulong start, ulong bytes, bool free)
    {
        bool freeBefore = start > group.Start && IsFree(group, start - (ulong)sectorSize);
        bool freeBehind = start + bytes < group.End && IsFree(group, start + bytes);
        Flip(group, start, bytes, free);
        int joined = (freeBefore ? 1 : 0) + (freeBehind ? 1 : 0);
        return free ? 1 - joined : joined - 1;
    }

    private bool IsFree(BlockGroup group, ulong sector)
    {
        Key key = KeyAt(group, sector);
        if (!tree.TryGet(key, out ReadOnlySpan<byte> bits))
            throw new CorruptMetadataException($"corrupt metadata: the free-space tree has no bitmap {key} of {group}");
        return IsSet(bits, (int)((sector - key.ObjectId) / (ulong)sectorSize));
    }

    private void Flip(BlockGroup group, ulong start, ulong bytes, bool free)
    {
        while (bytes > 0)
        {
            Key key = KeyAt(group, start);
            ulong inItem = Math.Min(bytes, key.ObjectId + key.Offset - start);
            Span<byte> bits = tree.Edit(key);
            int first = (int)((start - key.ObjectId) / (ulong)sectorSize);
            int end = first + (int)(inItem / (ulong)sectorSize);
            for (int bit = first; bit < end; bit++)
            {
                if (IsSet(bits, bit) == free)
                    throw new CorruptMetadataException($"corrupt metadata: bit {bit} of free-space bitmap {key} is {(free ? "set" : "clear")} already");
                bits[bit >> 3] ^= (byte)(1 << (bit & 7));
            }

            start += inItem;
            bytes -= inItem;
        }
    }

    private Key KeyAt(BlockGroup group, ulong address)
    {
        ulong begin = group.Start + (address - group.Start) / _range * _range;
        return new Key(begin, ItemType.FreeSpaceBitmap, Math.Min(_range, group.End - begin));
    }

    private static bool IsSet(ReadOnlySpan<byte> bits, int bit) => (bits[bit >> 3] & (1 << (bit & 7))) != 0;
}
