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

/// <summary>Allocates space for a range of a file ahead of its data, or makes a hole of it: a piece of work of one or more parts.</summary>
/// <param name="inode">A regular file.</param>
/// <param name="offset">Bytes.</param>
/// <param name="length">Bytes.</param>
/// <param name="mode">Which.</param>
/// <param name="sizeInMemory">
/// The file's size, if its end is kept in memory and may be larger than the tree has it: the size, and what the file's last sector holds, are then the caller's.
/// </param>
/// <param name="zeroLater">With that, gets the parts of sectors that are to read as zeros.</param>
internal sealed class AllocateOperation(
    ulong inode, ulong offset, ulong length, AllocateMode mode, ulong? sizeInMemory = null, List<(ulong From, ulong To)>? zeroLater = null)
{
    /// <summary>Extents that one part allocates at most.</summary>
    private const int MaxExtentsPerStep = 16;

    /// <summary>What a part changes beside the extents that it drops or allocates: the inode, holes, an extent that is split; and what is written of sectors in part.</summary>
    private const int ItemsBeside = 8;
    private const int ItemsOfZeroing = 48;

    private readonly bool _growsFile = mode is AllocateMode.Preallocate or AllocateMode.ZeroRange;
    private readonly ulong _end = unchecked(offset + length);
    private bool _isPrepared;
    private bool _hasAllocated;

    // Up to where whole sectors were taken out, and space allocated; null before the first.
    private ulong? _cleared;
    private ulong? _allocated;

    /// <summary>How many items one part changes, if there is room for them all.</summary>
    public int WantedItems => LeastItems + (Clears ? InodeRemoval.ExtentsPerStep : MaxExtentsPerStep);

    /// <summary>How many a part must be able to change to get on.</summary>
    public int LeastItems => Beside + 2;

    public ReservePolicy Policy => mode == AllocateMode.PunchHole ? ReservePolicy.Freeing : ReservePolicy.Normal;

    private int Beside => zeroLater is null ? ItemsOfZeroing : ItemsBeside;

    private bool Clears => mode is not (AllocateMode.Preallocate or AllocateMode.PreallocateKeepSize);

    /// <summary>One part of the work.</summary>
    /// <param name="change">The part.</param>
    /// <param name="items">How many items it may change.</param>
    /// <returns>Whether it is done.</returns>
    public bool Step(Change change, int items)
    {
        int extents = Math.Max(items - Beside, 1);
        InodeItem item = change.GetWritableFile(inode);
        if (length == 0)
            throw change.Refuse(FileError.Invalid, inode, "a range of 0 bytes can't be allocated");
        if (offset > long.MaxValue || length > long.MaxValue - offset)
            throw change.Refuse(FileError.TooLarge, inode, $"a file can't have {(UInt128)offset + length} bytes");
        if (Clears)
            change.RequireNotAppendOnly(inode, item);
        if (mode == AllocateMode.PunchHole && _cleared is null && IsOneHole(change))
            return true;

        bool isDone;
        try
        {
            isDone = mode == AllocateMode.PunchHole ? Clear(change, ref item, _end, extents) : Allocate(change, ref item, extents);
        }
        catch (NoSpaceException) when (change.IsCutShort)
        {
            Stamp(change, ref item);
            change.KeepCutShort(inode, ref item);
            throw;
        }

        Stamp(change, ref item);
        change.PutInode(inode, ref item);
        return isDone;
    }

    private static void Stamp(Change change, ref InodeItem item)
    {
        item.MTime = change.Now;
        item.CTime = change.Now;
    }

    // To punch a hole into a hole is nothing, and the times stay. Where the range reaches into a second hole, behind the border of an item or of the file,
    // the kernel does its work and stamps the file all the same.
    private bool IsOneHole(Change change)
    {
        ulong first = change.AlignDown(offset);
        if (!FileExtents.TryFind(change, inode, first, out ExtentRun run) || run.FileOffset >= _end)
            return true;
        return run.FileOffset <= first && !run.IsInline && !run.IsOnDisk && run.End(change) >= _end;
    }

    private bool Allocate(Change change, ref InodeItem item, int extents)
    {
        // A file with preallocated space stores nothing in its leaf any more. Where none turns out to be wanted the mark goes again.
        bool isMarked = Change.Has(item, InodeFlags.Prealloc);
        item.Flags = item.Flags | (ulong)InodeFlags.Prealloc;
        bool isDone = AllocateMarked(change, ref item, extents);
        if (!isMarked && !_hasAllocated)
            item.Flags = item.Flags & ~(ulong)InodeFlags.Prealloc;
        return isDone;
    }

    private bool AllocateMarked(Change change, ref InodeItem item, int extents)
    {
        if (!_isPrepared && sizeInMemory is null)
            Prepare(change, ref item);
        _isPrepared = true;
        if (Clears && !Clear(change, ref item, _end, extents))
            return false;

        ulong last = change.AlignUp(_end);
        _allocated = Preallocate(change, ref item, _allocated ?? change.AlignDown(offset), last, extents);
        if (_allocated < last)
            return false;
        if (sizeInMemory is null && _growsFile && _end > item.FileSize.Value)
            item.FileSize = _end;
        return true;
    }

    /// <summary>Takes whole sectors out of a range and zeroes the rest of it.</summary>
    private bool Clear(Change change, ref InodeItem item, ulong to, int extents)
    {
        ulong from = offset;
        bool takesFirstSector = from == 0 && to >= (ulong)change.SectorSize;
        if (!takesFirstSector && FileExtents.TryGetInline(change, inode, out _))
        {
            // The kernel leaves such bytes in the leaf of a file that has grown beyond a sector, too. Where space is asked for it zeroes behind the end of
            // the file as well, whereby the sector is written, and leaves the leaf.
            ulong end = Math.Min(to, (ulong)change.SectorSize);
            Zero(change, ref item, from, mode == AllocateMode.PunchHole ? Math.Min(end, SizeOf(item)) : end, evenPreallocated: false);
            from = Math.Max(from, (ulong)change.SectorSize);
        }

        // What is preallocated from the beginning of the range on is kept as it is, shared or not.
        if (mode != AllocateMode.PunchHole && FileExtents.TryFind(change, inode, change.AlignDown(from), out ExtentRun run)
            && run.FileOffset <= from && run.Item.Type == FileExtentType.Prealloc)
        {
            from = Math.Max(from, run.End(change));
            if (from >= to)
                return true;
        }

        ulong first = change.AlignUp(from);
        ulong last = change.AlignDown(to);
        if (first > last)
        {
            if (_cleared is null && from < to)
                ZeroPart(change, ref item, from, to);
            _cleared = to;
            return true;
        }

        if (_cleared is null)
        {
            ZeroPart(change, ref item, from, first);
            ZeroPart(change, ref item, last, to);
        }

        ulong begin = Math.Max(_cleared ?? first, first);
        ulong done = FileExtents.Drop(change, inode, begin, last, ref item, ref extents);
        FileExtents.FillHoles(change, inode, begin, Math.Min(done, change.AlignUp(item.FileSize)));
        _cleared = done;
        return done >= last;
    }

    // Where a hole begins or ends within a preallocated sector, that is written; where the space is asked for, and behind the end of the file, it stays.
    private void ZeroPart(Change change, ref InodeItem item, ulong from, ulong to)
    {
        bool isPunched = mode == AllocateMode.PunchHole;
        if (!isPunched || from < change.AlignUp(SizeOf(item)))
            Zero(change, ref item, from, to, evenPreallocated: isPunched);
    }

    private void Zero(Change change, ref InodeItem item, ulong from, ulong to, bool evenPreallocated)
    {
        if (zeroLater is null)
            FileContent.Zero(change, inode, ref item, from, to, evenPreallocated);
        else if (FileContent.NeedsZeroing(change, inode, from, to, evenPreallocated))
            zeroLater.Add((from, to));
    }

    private ulong SizeOf(in InodeItem item) => sizeInMemory ?? item.FileSize;

    // What lies between the old end of the file and the range must read as zeros once the file has grown over it, now or later.
    private void Prepare(Change change, ref InodeItem item)
    {
        if (_end > item.FileSize.Value)
        {
            if (!_growsFile || offset <= item.FileSize.Value)
                FileContent.RewriteEnd(change, inode, ref item, item.FileSize);
            FileContent.SpreadInline(change, inode, ref item, DataEncoder.For(change, inode, item, change.Writing));
            if (_growsFile)
                FileContent.Expand(change, inode, ref item, offset);
        }

        FileExtents.FillHoles(change, inode, change.AlignUp(item.FileSize), change.AlignDown(offset));
    }

    /// <summary>Allocates space for the holes of a range of whole sectors.</summary>
    /// <returns>Up to where the range has space by now.</returns>
    private ulong Preallocate(Change change, ref InodeItem item, ulong from, ulong to, int extents)
    {
        for (extents = Math.Min(extents, MaxExtentsPerStep); from < to && extents > 0;)
        {
            bool found = FileExtents.TryFind(change, inode, from, out ExtentRun run);
            if (found && run.FileOffset <= from && (run.IsInline || run.IsOnDisk))
            {
                from = run.End(change);
                continue;
            }

            ulong gapEnd = !found ? to : Math.Min(to, run.FileOffset <= from ? run.End(change) : run.FileOffset);
            DataExtent place = change.AllocateData(Math.Min(gapEnd - from, FormatLimits.MaxExtentSize), (ulong)change.SectorSize);
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
            _hasAllocated = true;
            from += place.Bytes;
            extents--;
        }

        return Math.Min(from, to);
    }
}
