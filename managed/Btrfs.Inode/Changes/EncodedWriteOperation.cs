using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>A compressed extent from elsewhere, and the part of it that a file is to show.</summary>
public readonly ref struct EncodedExtent
{
    /// <summary>Where the part begins in the file.</summary>
    public required ulong FileOffset { get; init; }

    /// <summary>Bytes of the part.</summary>
    public required ulong FileBytes { get; init; }

    /// <summary>Bytes that the whole extent has once it is decoded, at most <see cref="FormatLimits.MaxCompressedExtent"/>.</summary>
    public required ulong RamBytes { get; init; }

    /// <summary>Where in the decoded extent the part begins; with <see cref="FileBytes"/> it ends within.</summary>
    public required ulong Offset { get; init; }

    /// <summary>Not <see cref="CompressionType.None"/>.</summary>
    public required CompressionType Compression { get; init; }

    /// <summary>Bytes of the extent as it is to lie on the disk, without what fills its last sector.</summary>
    public required int DataBytes { get; init; }

    /// <summary>The extent, and zeros up to the end of its last sector.</summary>
    public required ReadOnlySpan<byte> Sectors { get; init; }

    /// <summary>The extent itself.</summary>
    public ReadOnlySpan<byte> Data => Sectors[..DataBytes];
}

/// <summary>Enters compressed extents as they come.</summary>
internal static class EncodedWriteOperation
{
    /// <summary>The kernel's limit for what it stores in a leaf.</summary>
    private const int MaxInline = 2048;

    public static bool TryWrite(Change change, ulong inode, EncodedExtent extent)
    {
        InodeItem item = change.GetWritableFile(inode);
        SubvolumeWriter.RequireWritable(change, inode, item, extent.FileOffset, extent.FileBytes);
        if (!CanBe(change, item, extent))
            return false;

        change.RequireFeature(Properties.FeatureOf(extent.Compression));
        if (IsInline(change, item, extent))
            WriteInline(change, inode, ref item, extent);
        else
            WriteRegular(change, inode, ref item, extent);
        item.MTime = change.Now;
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
        return true;
    }

    private static bool CanBe(Change change, in InodeItem item, EncodedExtent extent)
    {
        ulong end = extent.FileOffset + extent.FileBytes;
        bool isAligned = IsAligned(change, extent.FileOffset) && IsAligned(change, extent.Offset)
            && (IsAligned(change, end) || end >= item.FileSize.Value);
        bool isSmaller = (ulong)extent.Data.Length < extent.RamBytes && change.AlignUp((ulong)extent.Data.Length) <= FormatLimits.MaxCompressedExtent;
        return isAligned && isSmaller && change.AlignUp(extent.RamBytes) <= FormatLimits.MaxCompressedExtent
            && !Change.Has(item, InodeFlags.NoDataSum);
    }

    // Only a whole file, and no larger than a sector, lies in its leaf.
    private static bool IsInline(Change change, in InodeItem item, EncodedExtent extent) =>
        extent.FileOffset == 0 && extent.Offset == 0 && extent.RamBytes == extent.FileBytes && extent.FileBytes >= item.FileSize.Value
        && extent.FileBytes <= (ulong)change.SectorSize
        && extent.Data.Length <= Math.Min(MaxInline, change.Tree.MaxItemSize - FileExtentItem.InlineHeaderSize);

    private static void WriteInline(Change change, ulong inode, ref InodeItem item, EncodedExtent extent)
    {
        FileExtents.Drop(change, inode, 0, (ulong)change.SectorSize, ref item);
        FileExtents.InsertInline(change, inode, extent.Data, extent.FileBytes, extent.Compression);
        item.NBytes = item.NBytes + extent.FileBytes;
        item.FileSize = extent.FileBytes;
    }

    private static void WriteRegular(Change change, ulong inode, ref InodeItem item, EncodedExtent extent)
    {
        DataEncoder encoder = DataEncoder.For(change, item, null, WriteOptions.Default);
        DataExtent place = change.AllocateData((ulong)extent.Sectors.Length, (ulong)extent.Sectors.Length);
        byte[] sums = encoder.Sum(extent.Sectors);
        change.Part.Writer.WriteData(place.Start, extent.Sectors);
        FileContent.Expand(change, inode, ref item, extent.FileOffset);
        if (extent.FileOffset > 0)
            FileContent.SpreadInline(change, inode, ref item, encoder);
        ulong bytes = change.AlignUp(extent.FileBytes);
        FileExtents.Drop(change, inode, extent.FileOffset, extent.FileOffset + bytes, ref item);
        change.Part.AddExtent(place, new DataReference(change.RootId, inode, unchecked(extent.FileOffset - extent.Offset)));
        change.Part.InsertChecksums(place.Start, sums);
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
        item.FileSize = Math.Max(item.FileSize, extent.FileOffset + extent.FileBytes);
    }

    private static bool IsAligned(Change change, ulong value) => change.AlignDown(value) == value;
}
