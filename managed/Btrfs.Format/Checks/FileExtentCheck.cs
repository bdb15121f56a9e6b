using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>File extents: that each alone makes sense, and none begins before the one in front of it ends.</summary>
internal static class FileExtentCheck
{
    public static void Verify(in LeafCursor item)
    {
        InodeCheck.RequireSameInode(in item);
        item.RequireAligned(item.Key.Offset, "file offset");
        if (item.Data.Length < FileExtentItem.InlineHeaderSize)
            throw item.Corrupt($"invalid file extent size, have {item.Data.Length} expect at least {FileExtentItem.InlineHeaderSize}");

        ref readonly FileExtentItem head = ref Head(item.Data);
        if (head.Type > FileExtentType.Prealloc)
            throw item.Corrupt($"invalid file extent type, have {(byte)head.Type} expect at most {(byte)FileExtentType.Prealloc}");
        if (head.Compression > CompressionType.Zstd)
            throw item.Corrupt($"invalid compression, have {(byte)head.Compression} expect at most {(byte)CompressionType.Zstd}");
        if (head.Encryption != 0)
            throw item.Corrupt($"invalid encryption, have {head.Encryption} expect 0");

        if (head.Type == FileExtentType.Inline)
            VerifyInline(in item, in head);
        else
            VerifyRegular(in item);
        VerifyOrder(in item);
    }

    private static void VerifyInline(in LeafCursor item, in FileExtentItem head)
    {
        if (item.Key.Offset != 0)
            throw item.Corrupt($"invalid file offset of an inline extent, have {item.Key.Offset} expect 0");

        int dataSize = item.Data.Length - FileExtentItem.InlineHeaderSize;
        if (head.Compression == CompressionType.None && head.RamBytes != (ulong)dataSize)
            throw item.Corrupt($"invalid ram_bytes of an inline extent, have {head.RamBytes} expect {dataSize}");
        if (head.RamBytes > FormatLimits.MaxCompressedExtent)
            throw item.Corrupt($"invalid ram_bytes of an inline extent, have {head.RamBytes} expect at most {FormatLimits.MaxCompressedExtent}");
    }

    private static void VerifyRegular(in LeafCursor item)
    {
        item.RequireSize(FileExtentItem.Size);
        ref readonly FileExtentItem extent = ref item.Record<FileExtentItem>();
        item.RequireAligned(extent.RamBytes, "ram_bytes");
        item.RequireAligned(extent.DiskBytenr, "disk_bytenr");
        item.RequireAligned(extent.DiskNumBytes, "disk_num_bytes");
        item.RequireAligned(extent.Offset, "extent offset");
        item.RequireAligned(extent.NumBytes, "num_bytes");
        if (extent.NumBytes == 0)
            throw item.Corrupt("invalid num_bytes, have 0 expect at least a sector");
        if (item.Key.Offset + extent.NumBytes < item.Key.Offset)
            throw item.Corrupt($"file extent end overflows, file offset {item.Key.Offset} num_bytes {extent.NumBytes}");
        if (extent.DiskBytenr != 0)
            VerifyOnDisk(in item, in extent);
    }

    /// <summary>What a run shows must lie inside of its extent, and a compressed extent must stay within the bounds of a buffer.</summary>
    private static void VerifyOnDisk(in LeafCursor item, in FileExtentItem extent)
    {
        if (extent.DiskNumBytes == 0 || extent.DiskBytenr + extent.DiskNumBytes < extent.DiskBytenr)
            throw item.Corrupt($"invalid disk_num_bytes, have {extent.DiskNumBytes} at {extent.DiskBytenr}");

        bool compressed = extent.Compression != CompressionType.None;
        ulong limit = compressed ? extent.RamBytes : extent.DiskNumBytes;
        if (extent.Offset > limit || extent.NumBytes > limit - extent.Offset)
            throw item.Corrupt($"file extent exceeds its extent, have offset {extent.Offset} num_bytes {extent.NumBytes} expect at most {limit}");
        if (compressed && Math.Max(extent.RamBytes, extent.DiskNumBytes) > FormatLimits.MaxCompressedExtent)
            throw item.Corrupt($"compressed extent too large, have ram_bytes {extent.RamBytes} disk_num_bytes {extent.DiskNumBytes} expect at most {FormatLimits.MaxCompressedExtent}");
    }

    private static void VerifyOrder(in LeafCursor item)
    {
        if (!item.HasPrevious || item.PreviousKey.Type != ItemType.ExtentData || item.PreviousKey.ObjectId != item.Key.ObjectId)
            return;

        ulong end = End(item.PreviousKey, item.PreviousData, item.Context.SectorSize);
        if (end > item.Key.Offset)
            throw item.Corrupt($"file extent overlaps the previous one, have offset {item.Key.Offset} expect at least {end}");
    }

    private static ulong End(Key key, ReadOnlySpan<byte> checkedData, int sectorSize)
    {
        ref readonly FileExtentItem head = ref Head(checkedData);
        if (head.Type != FileExtentType.Inline)
            return key.Offset + Overlay.At<FileExtentItem>(checkedData).NumBytes;

        ulong mask = (ulong)sectorSize - 1;
        return (head.RamBytes + mask) & ~mask;
    }

    /// <summary>An inline extent may be shorter than the record: only the members of the inline header may be read through this.</summary>
    private static ref readonly FileExtentItem Head(ReadOnlySpan<byte> data) =>
        ref Unsafe.As<byte, FileExtentItem>(ref MemoryMarshal.GetReference(data));
}
