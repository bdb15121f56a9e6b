using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Send.State;

namespace Btrfs.Send.Data;

/// <summary>Compares extents of the inode at work with what the parent snapshot has in the same place.</summary>
internal sealed class ExtentComparison(SendContext context)
{
    private TreeCursor? _parent;

    private TreeCursor Parent => _parent ??= context.Parent!.OpenCursor();

    /// <summary>Whether the receiver has the extent there already: the parent snapshot's runs over the same range lead to the same bytes on the disk.</summary>
    public bool IsUnchanged(in FileExtent extent)
    {
        if (extent.Type != FileExtentType.Regular)
            return false;

        TreeCursor cursor = Parent;
        ulong start = extent.FileOffset;
        ulong end = start + extent.NumBytes;
        if (!cursor.SeekFloor(extent.Key))
            return false;

        // Nothing at or before it: only a hole is nothing new.
        if (!IsExtentOfSame(cursor, extent))
            return extent.DiskBytenr == 0;

        ulong at = cursor.Key.Offset;
        while (at < end)
        {
            FileExtent old = FileExtent.At(cursor);
            if (old.Type == FileExtentType.Prealloc)
                return false;

            ulong oldLength = old.End(context.Fs.SectorSize) - old.FileOffset;
            if (old.FileOffset + oldLength <= start)
                return extent.DiskBytenr == 0;
            if (old.IsInline)
                return false;

            ulong oldDataOffset = old.ExtentOffset + (at < start ? start - at : 0);
            ulong newDataOffset = extent.ExtentOffset + (at < start ? 0 : at - start);
            if (extent.DiskBytenr != old.DiskBytenr || newDataOffset != oldDataOffset || extent.Generation != old.Generation)
                return false;

            if (!cursor.MoveNext() || !IsExtentOfSame(cursor, extent))
                return at + oldLength >= end;
            if (cursor.Key.Offset != at + oldLength)
                return false;
            at = cursor.Key.Offset;
        }

        return true;
    }

    /// <summary>Whether the parent snapshot has nothing but holes in [<paramref name="start"/>, <paramref name="end"/>) of the inode at work.</summary>
    public bool IsHoleInParent(ulong start, ulong end)
    {
        TreeCursor cursor = Parent;
        ulong inode = context.Current.Number;
        cursor.SeekNear(new Key(inode, ItemType.ExtentData, start));
        for (; cursor.IsValid; cursor.MoveNext())
        {
            Key key = cursor.Key;
            if (key.ObjectId < inode || key.Type < ItemType.ExtentData)
                continue;
            if (key.ObjectId > inode || key.Type > ItemType.ExtentData || key.Offset >= end)
                return true;

            FileExtent extent = FileExtent.At(cursor);
            ulong extentEnd = extent.End(context.Fs.SectorSize);
            if (extentEnd <= start)
                continue;
            if (!extent.IsHole)
                return false;
            if (extentEnd >= end)
                return true;
        }

        return true;
    }

    private static bool IsExtentOfSame(TreeCursor cursor, in FileExtent extent) =>
        cursor.Key.ObjectId == extent.Key.ObjectId && cursor.Key.Type == ItemType.ExtentData;
}
