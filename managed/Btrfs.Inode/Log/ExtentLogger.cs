using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Log;

namespace Btrfs.Inode.Log;

/// <summary>
/// Copies file extents into a log, with the checksums of their data. A replay lets each of them replace whatever lies in its range, one after the other in the
/// order of the file: so the log has them as they are now, none of an earlier fsync below or across them, and where the file has nothing it says so by a
/// hole, even on a file system whose holes go without items.
/// </summary>
internal sealed class ExtentLogger(Change change, SubvolumeLog log)
{
    /// <summary>Logs what a file has in the ranges.</summary>
    public void Log(ulong inode, in InodeItem item, ByteRanges ranges)
    {
        TreeCursor running = change.Tree.OpenCursor();
        bool hasSums = !Change.Has(item, InodeFlags.NoDataSum);
        ulong size = change.AlignUp(item.FileSize);
        foreach ((ulong from, ulong to) in ranges)
            LogRange(running, inode, from, to, size, hasSums);
    }

    private void LogRange(TreeCursor running, ulong inode, ulong from, ulong to, ulong size, bool hasSums)
    {
        while (Widen(running, inode, ref from, ref to) || Widen(log.Tree.OpenCursor(), inode, ref from, ref to))
        {
        }

        log.Tree.DeleteRange(FileExtents.KeyAt(inode, from), FileExtents.KeyAt(inode, to - 1));
        ulong at = from;
        running.Seek(FileExtents.KeyAt(inode, from));
        for (; IsExtent(running, inode) && running.Key.Offset < to; running.MoveNext())
        {
            FileExtent extent = FileExtent.At(running);
            AddHole(inode, at, Math.Min(extent.FileOffset, size));
            log.Tree.Insert(running.Key, running.Data);
            if (hasSums && extent.Type == FileExtentType.Regular && extent.DiskBytenr != 0)
                AddChecksums(extent);
            at = extent.End(change.SectorSize);
        }

        // Behind its end a file has what is allocated ahead, or nothing: a replay clears it before.
        AddHole(inode, at, Math.Min(to, size));
    }

    // Of an extent that isn't compressed a replay looks for the checksums of the part that the file uses; of others, for all.
    private void AddChecksums(in FileExtent extent)
    {
        if (extent.Compression == CompressionType.None)
            log.CopyChecksums(new LogicalAddress(extent.DiskBytenr + extent.ExtentOffset), extent.NumBytes);
        else
            log.CopyChecksums(new LogicalAddress(extent.DiskBytenr), extent.DiskNumBytes);
    }

    private void AddHole(ulong inode, ulong from, ulong to)
    {
        if (from >= to)
            return;
        FileExtentItem hole = new() { Generation = change.Generation, RamBytes = to - from, Type = FileExtentType.Regular, NumBytes = to - from };
        MemoryMarshal.Write(log.Tree.Insert(FileExtents.KeyAt(inode, from), FileExtentItem.Size), hole);
    }

    // To whole extents, at both ends.
    private bool Widen(TreeCursor tree, ulong inode, ref ulong from, ref ulong to)
    {
        (ulong oldFrom, ulong oldTo) = (from, to);
        if (TryFindAcross(tree, inode, from, out ulong start, out _))
            from = start;
        if (to != ulong.MaxValue && TryFindAcross(tree, inode, to, out _, out ulong end))
            to = end;
        return from != oldFrom || to != oldTo;
    }

    private bool TryFindAcross(TreeCursor tree, ulong inode, ulong offset, out ulong start, out ulong end)
    {
        start = 0;
        end = 0;
        if (offset == 0 || !tree.SeekFloor(FileExtents.KeyAt(inode, offset - 1)) || !IsExtent(tree, inode))
            return false;
        start = tree.Key.Offset;
        end = FileExtent.At(tree).End(change.SectorSize);
        return end > offset;
    }

    private static bool IsExtent(TreeCursor cursor, ulong inode) =>
        cursor.IsValid && cursor.Key.ObjectId == inode && cursor.Key.Type == ItemType.ExtentData;
}
