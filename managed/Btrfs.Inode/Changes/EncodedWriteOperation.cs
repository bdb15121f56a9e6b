using System.Buffers;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>Enters compressed extents as they come.</summary>
internal static class EncodedWriteOperation
{
    /// <summary>The kernel's limit for what it stores in a leaf.</summary>
    private const int MaxInline = 2048;

    public static bool TryWrite(Change change, ulong inode, in EncodedExtent extent, ReadOnlySpan<byte> data)
    {
        InodeItem item = change.GetWritableFile(inode);
        SubvolumeWriter.RequireWritable(change, inode, item, extent.FileOffset, extent.FileBytes);
        if (Change.Has(item, InodeFlags.NoDataSum) || !extent.IsStorable(data.Length, item.FileSize, change.SectorSize))
            return false;

        change.RequireFeature(Properties.FeatureOf(extent.Compression));
        if (IsInline(change, item, extent, data.Length))
            WriteInline(change, inode, ref item, extent, data);
        else
            WriteRegular(change, inode, ref item, extent, data);
        item.MTime = change.Now;
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
        return true;
    }

    /// <summary>Enters an extent in the trees that is on its way to the disk, all but its checksums.</summary>
    public static void EnterWithoutSums(Change change, ulong inode, ref InodeItem item, in EncodedExtent extent, DataExtent place)
    {
        ulong bytes = change.AlignUp(extent.FileBytes);
        FileExtents.Drop(change, inode, extent.FileOffset, extent.FileOffset + bytes, ref item);
        change.Part.AddExtent(place, new DataReference(change.RootId, inode, unchecked(extent.FileOffset - extent.Offset)));
        FileExtentItem entered = new()
        {
            Generation = change.Generation,
            RamBytes = change.AlignUp(extent.RamBytes),
            Compression = extent.Compression,
            Type = FileExtentType.Regular,
            DiskBytenr = place.Start.Value,
            DiskNumBytes = place.Bytes,
            Offset = extent.Offset,
            NumBytes = bytes,
        };
        FileExtents.Insert(change, inode, extent.FileOffset, entered, ref item);
        item.FileSize = Math.Max(item.FileSize, extent.FileEnd);
    }

    // Only a whole file, and no larger than a sector, lies in its leaf.
    private static bool IsInline(Change change, in InodeItem item, in EncodedExtent extent, int dataBytes) =>
        extent.FileOffset == 0 && extent.Offset == 0 && extent.RamBytes == extent.FileBytes && extent.FileBytes >= item.FileSize.Value
        && extent.FileBytes <= (ulong)change.SectorSize
        && dataBytes <= Math.Min(MaxInline, change.Tree.MaxItemSize - FileExtentItem.InlineHeaderSize);

    private static void WriteInline(Change change, ulong inode, ref InodeItem item, in EncodedExtent extent, ReadOnlySpan<byte> data)
    {
        FileExtents.Drop(change, inode, 0, (ulong)change.SectorSize, ref item);
        FileExtents.InsertInline(change, inode, data, extent.FileBytes, extent.Compression);
        item.NBytes = item.NBytes + extent.FileBytes;
        item.FileSize = extent.FileBytes;
    }

    private static void WriteRegular(Change change, ulong inode, ref InodeItem item, in EncodedExtent extent, ReadOnlySpan<byte> data)
    {
        DataEncoder encoder = DataEncoder.For(change, item, null, WriteOptions.Default);
        int bytes = (int)change.AlignUp((ulong)data.Length);
        DataExtent place = change.AllocateData((ulong)bytes, (ulong)bytes);
        byte[] sums = Store(change.Part.Writer, place, data, bytes, encoder);
        FileContent.Expand(change, inode, ref item, extent.FileOffset);
        if (extent.FileOffset > 0)
            FileContent.SpreadInline(change, inode, ref item, encoder);
        change.Part.InsertChecksums(place.Start, sums);
        EnterWithoutSums(change, inode, ref item, extent, place);
    }

    // With zeros up to the end of its last sector.
    private static byte[] Store(FsWriter writer, DataExtent place, ReadOnlySpan<byte> data, int bytes, DataEncoder encoder)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            Span<byte> sectors = buffer.AsSpan(0, bytes);
            data.CopyTo(sectors);
            sectors[data.Length..].Clear();
            writer.WriteData(place.Start, sectors);
            return encoder.Sum(sectors);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
