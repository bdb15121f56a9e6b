using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>What fallocate is asked for.</summary>
public enum AllocateMode
{
    /// <summary>Space for the holes of a range; the file grows to the range's end.</summary>
    Preallocate,

    /// <summary>The same, and the size stays.</summary>
    PreallocateKeepSize,

    /// <summary>A range becomes a hole. The size stays.</summary>
    PunchHole,

    /// <summary>A range becomes preallocated space, which reads as zeros; the file grows to the range's end.</summary>
    ZeroRange,

    /// <summary>The same, and the size stays.</summary>
    ZeroRangeKeepSize,
}

/// <summary>Allocates space for ranges of files ahead of their data, and makes holes.</summary>
internal static class AllocateOperation
{
    /// <summary>Extents that one part allocates.</summary>
    private const int ExtentsPerStep = 16;

    /// <summary>One part of the work.</summary>
    /// <param name="change">The part.</param>
    /// <param name="inode">A regular file.</param>
    /// <param name="offset">Where the range begins, in bytes.</param>
    /// <param name="length">Bytes of the range.</param>
    /// <param name="mode">What becomes of it.</param>
    /// <param name="progress">0 at first: how far the parts before came, as a file offset.</param>
    /// <returns>Whether the work is done.</returns>
    public static bool Step(Change change, ulong inode, ulong offset, ulong length, AllocateMode mode, ref ulong progress)
    {
        InodeItem item = change.GetWritableFile(inode);
        if (length == 0)
            throw change.Refuse(FileError.Invalid, inode, "a range of 0 bytes can't be allocated");
        if (offset > long.MaxValue || length > long.MaxValue - offset)
            throw change.Refuse(FileError.TooLarge, inode, $"a file can't have {(UInt128)offset + length} bytes");
        if (mode is not (AllocateMode.Preallocate or AllocateMode.PreallocateKeepSize))
            change.RequireNotAppendOnly(inode, item);

        bool isDone = mode == AllocateMode.PunchHole
            ? Punch(change, inode, ref item, offset, offset + length, ref progress)
            : Allocate(change, inode, ref item, offset, offset + length, mode, ref progress);
        if (change.Part.HasChanged || item.FileSize.Value < offset + length)
        {
            item.MTime = change.Now;
            item.CTime = change.Now;
            change.PutInode(inode, ref item);
        }

        return isDone;
    }

    private static bool Punch(Change change, ulong inode, ref InodeItem item, ulong from, ulong to, ref ulong progress)
    {
        ulong end = change.AlignUp(item.FileSize);
        if (from >= end)
            return true;
        if (to >= item.FileSize.Value)
            to = Math.Max(to, end);
        return Clear(change, inode, ref item, from, to, evenPreallocated: true, ref progress);
    }

    /// <summary>Takes whole sectors out of a range and zeroes the rest of it.</summary>
    private static bool Clear(Change change, ulong inode, ref InodeItem item, ulong from, ulong to, bool evenPreallocated, ref ulong progress)
    {
        if (FileExtents.TryGetInline(change, inode, out _))
        {
            ulong inlineEnd = Math.Min(to, item.FileSize);
            if (from < inlineEnd)
                FileContent.Zero(change, inode, ref item, from, inlineEnd);
            from = Math.Max(from, (ulong)change.SectorSize);
            if (from >= to)
                return true;
        }

        ulong first = change.AlignUp(from);
        ulong last = change.AlignDown(to);
        if (first > last)
        {
            FileContent.Zero(change, inode, ref item, from, to, evenPreallocated);
            return true;
        }

        if (progress <= first)
        {
            progress = first;
            FileContent.Zero(change, inode, ref item, from, first, evenPreallocated);
            FileContent.Zero(change, inode, ref item, last, to, evenPreallocated);
        }

        ulong done = FileExtents.Drop(change, inode, progress, last, ref item, InodeRemoval.ExtentsPerStep);
        FileExtents.FillHoles(change, inode, progress, Math.Min(done, change.AlignUp(item.FileSize)));
        progress = done;
        return done >= last;
    }

    private static bool Allocate(Change change, ulong inode, ref InodeItem item, ulong from, ulong to, AllocateMode mode, ref ulong progress)
    {
        bool growsFile = mode is AllocateMode.Preallocate or AllocateMode.ZeroRange;
        ulong first = change.AlignDown(from);
        ulong last = change.AlignUp(to);
        if (progress < first)
        {
            progress = first;
            if (to > item.FileSize.Value)
                PrepareBehindEnd(change, inode, ref item, from, growsFile);
            FileExtents.FillHoles(change, inode, change.AlignUp(item.FileSize), first);
        }

        if (mode is AllocateMode.ZeroRange or AllocateMode.ZeroRangeKeepSize)
            ZeroStep(change, inode, ref item, from, to, ref progress);
        else
            progress = Preallocate(change, inode, ref item, progress, last, ExtentsPerStep);
        if (progress < last)
            return false;
        if (growsFile && to > item.FileSize.Value)
            item.FileSize = to;
        return true;
    }

    // What lies between the old end of the file and the range must read as zeros once the file has grown over it, now or later.
    private static void PrepareBehindEnd(Change change, ulong inode, ref InodeItem item, ulong from, bool growsFile)
    {
        DataEncoder encoder = DataEncoder.For(change, inode, item, WriteOptions.Default);
        if (growsFile && FileExtents.TryGetInline(change, inode, out _))
            FileContent.SpreadInline(change, inode, ref item, encoder);
        else if (!growsFile || from <= item.FileSize.Value)
            FileContent.RewriteEnd(change, inode, ref item, encoder, item.FileSize);
        if (growsFile)
            FileContent.Expand(change, inode, ref item, from);
    }

    private static void ZeroStep(Change change, ulong inode, ref InodeItem item, ulong from, ulong to, ref ulong progress)
    {
        ulong first = change.AlignUp(from);
        ulong last = change.AlignDown(to);
        ulong cleared = Math.Max(progress, Math.Min(first, last));
        if (first > last || Clear(change, inode, ref item, from, to, evenPreallocated: false, ref cleared))
        {
            if (first > last)
                FileContent.Zero(change, inode, ref item, from, to);
            progress = Preallocate(change, inode, ref item, change.AlignDown(from), change.AlignUp(to), ExtentsPerStep);
            return;
        }

        progress = Preallocate(change, inode, ref item, change.AlignDown(from), cleared, int.MaxValue);
    }

    /// <summary>Allocates space for the holes of a range of whole sectors.</summary>
    /// <returns>Up to where the range has space by now.</returns>
    private static ulong Preallocate(Change change, ulong inode, ref InodeItem item, ulong from, ulong to, int maxExtents)
    {
        item.Flags = item.Flags | (ulong)InodeFlags.Prealloc;
        for (int extents = 0; from < to && extents < maxExtents;)
        {
            bool found = FileExtents.TryFind(change, inode, from, out ExtentRun run);
            if (found && run.FileOffset <= from && (run.IsInline || run.IsOnDisk))
            {
                from = run.End(change);
                continue;
            }

            ulong gapEnd = !found ? to : Math.Min(to, run.FileOffset <= from ? run.End(change) : run.FileOffset);
            DataExtent place = change.Part.AllocateData(Math.Min(gapEnd - from, FormatLimits.MaxExtentSize), (ulong)change.SectorSize);
            FileExtents.Drop(change, inode, from, from + place.Bytes, ref item);
            change.Part.AddExtent(place, new DataReference(change.RootId, inode, from));
            FileExtentItem extent = new()
            {
                Generation = change.Generation,
                RamBytes = place.Bytes,
                Type = FileExtentType.Prealloc,
                DiskBytenr = place.Start.Value,
                DiskNumBytes = place.Bytes,
                NumBytes = place.Bytes,
            };
            FileExtents.Insert(change, inode, from, extent, ref item);
            from += place.Bytes;
            extents++;
        }

        return Math.Min(from, to);
    }
}
