using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Csums;

/// <summary>
/// Writes the csum tree: items hold a run of checksums each, a sector's after the other, under the address of the first sector. Data is checksummed once it is
/// written, and its checksums go with the last reference to its extent.
/// </summary>
internal sealed class ChecksumItems(Tree tree, int checksumSize, int sectorSize)
{
    /// <summary>The kernel stops at as many sums as a page has bytes, and keeps room for two items in a leaf.</summary>
    private const int MaxSums = 4096;

    private readonly int _maxSums = Math.Min((tree.NodeSize - BlockHeader.Size - 2 * ItemHeader.Size) / checksumSize - 1, MaxSums);

    /// <summary>Enters the checksums of a range, in place of any that it has: file systems are about in which some were left behind when their extent went.</summary>
    public void Insert(ulong start, ReadOnlySpan<byte> sums)
    {
        Invariant.That(sums.Length % checksumSize == 0);
        Delete(start, SpanOf(sums.Length));
        while (!sums.IsEmpty)
        {
            int count = sums.Length / checksumSize;
            int taken = Append(start, sums, count);
            if (taken == 0)
            {
                taken = Math.Min(count, _maxSums);
                tree.Insert(KeyAt(start), sums[..(taken * checksumSize)]);
            }

            start += (ulong)taken * (ulong)sectorSize;
            sums = sums[(taken * checksumSize)..];
        }
    }

    /// <summary>Takes away the checksums that a range has; parts of it may have none.</summary>
    public void Delete(ulong start, ulong bytes)
    {
        ulong end = start + bytes;
        while (TryFindOverlap(start, end, out ulong itemStart, out int itemBytes))
        {
            ulong itemEnd = itemStart + SpanOf(itemBytes);
            Key key = KeyAt(itemStart);
            if (itemStart >= start && itemEnd <= end)
            {
                tree.Delete(key);
            }
            else if (itemStart >= start)
            {
                tree.CutFront(key, BytesOf(end - itemStart), KeyAt(end));
            }
            else
            {
                if (itemEnd > end)
                {
                    tree.TryGet(key, out ReadOnlySpan<byte> all);
                    tree.Insert(KeyAt(end), all[BytesOf(end - itemStart)..].ToArray());
                }

                tree.Resize(key, BytesOf(start - itemStart));
            }
        }
    }

    private static Key KeyAt(ulong address) => new(ObjectIds.ExtentCsum, ItemType.ExtentCsum, address);

    private ulong SpanOf(int bytes) => (ulong)(bytes / checksumSize) * (ulong)sectorSize;

    private int BytesOf(ulong span) => (int)(span / (ulong)sectorSize) * checksumSize;

    // Makes the item that ends right where the new sums begin longer, as far as it may grow.
    private int Append(ulong start, ReadOnlySpan<byte> sums, int count)
    {
        TreeCursor cursor = tree.OpenCursor();
        if (!cursor.SeekFloor(KeyAt(start)) || cursor.Key.Type != ItemType.ExtentCsum)
            return 0;

        Key key = cursor.Key;
        int held = cursor.Data.Length;
        if (key.Offset + SpanOf(held) != start)
            return 0;

        int taken = Math.Min(count, _maxSums - held / checksumSize);
        if (taken <= 0)
            return 0;

        sums[..(taken * checksumSize)].CopyTo(tree.Resize(key, held + taken * checksumSize)[held..]);
        return taken;
    }

    // The last item that begins before the end of the range and reaches into it.
    private bool TryFindOverlap(ulong start, ulong end, out ulong itemStart, out int itemBytes)
    {
        itemStart = 0;
        itemBytes = 0;
        TreeCursor cursor = tree.OpenCursor();
        if (!cursor.SeekFloor(KeyAt(end - 1)) || cursor.Key.Type != ItemType.ExtentCsum)
            return false;

        itemStart = cursor.Key.Offset;
        itemBytes = cursor.Data.Length;
        return itemStart + SpanOf(itemBytes) > start;
    }
}
