using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>
/// The file extent items of an inode, with the references that they hold and the bytes that the inode counts. Offsets are multiples of the sector
/// size; an inline extent fills its sector.
/// </summary>
internal static class FileExtents
{
    /// <summary>The first run that ends behind an offset.</summary>
    public static bool TryFind(Change change, ulong inode, ulong from, out ExtentRun run) =>
        TryFind(change, change.Tree.OpenCursor(), inode, from, out run);

    public static bool TryFind(Change change, TreeCursor cursor, ulong inode, ulong from, out ExtentRun run)
    {
        Key key = new(inode, ItemType.ExtentData, from);
        if (cursor.SeekFloor(key) && IsExtent(cursor, inode))
        {
            run = ExtentRun.Of(FileExtent.At(cursor));
            if (run.End(change) > from)
                return true;
        }

        cursor.Seek(key.Next());
        bool found = IsExtent(cursor, inode);
        run = found ? ExtentRun.Of(FileExtent.At(cursor)) : default;
        return found;
    }

    /// <summary>The inline extent of a file that has one. Others may lie behind it.</summary>
    public static bool TryGetInline(Change change, ulong inode, out ExtentRun run) =>
        TryFind(change, inode, 0, out run) && run.IsInline;

    /// <summary>Enters a run of an extent whose reference was added, and counts it.</summary>
    public static void Insert(Change change, ulong inode, ulong offset, in FileExtentItem extent, ref InodeItem item)
    {
        MemoryMarshal.Write(change.Tree.Insert(KeyAt(inode, offset), FileExtentItem.Size), extent);
        Note(change, inode, offset, offset + extent.NumBytes);
        if (extent.DiskBytenr.Value != 0)
            item.NBytes = item.NBytes + extent.NumBytes;
    }

    /// <summary>Enters an inline extent at the begin of the file; counting it is the caller's.</summary>
    public static void InsertInline(Change change, ulong inode, ReadOnlySpan<byte> payload, ulong ramBytes, CompressionType compression)
    {
        Span<byte> data = change.Tree.Insert(KeyAt(inode, 0), FileExtentItem.InlineHeaderSize + payload.Length);
        FileExtentItem head = new()
        {
            Generation = change.Generation,
            RamBytes = ramBytes,
            Compression = compression,
            Type = FileExtentType.Inline,
        };
        MemoryMarshal.AsBytes(new ReadOnlySpan<FileExtentItem>(ref head))[..FileExtentItem.InlineHeaderSize].CopyTo(data);
        payload.CopyTo(data[FileExtentItem.InlineHeaderSize..]);
        Note(change, inode, 0, (ulong)change.SectorSize);
    }

    /// <summary>Makes an inline extent that isn't compressed shorter.</summary>
    public static void ShortenInline(Change change, in ExtentRun run, ulong bytes, ref InodeItem item)
    {
        Span<byte> data = change.Tree.Resize(run.Key, FileExtentItem.InlineHeaderSize + (int)bytes);
        HeadOf(data).RamBytes = bytes;
        Note(change, run.Key.ObjectId, 0, (ulong)change.SectorSize);
        item.NBytes = item.NBytes - (run.Item.RamBytes - bytes);
    }

    /// <summary>Enters holes where a range has no items, on a file system that wants them.</summary>
    public static void FillHoles(Change change, ulong inode, ulong from, ulong to)
    {
        while (!change.NoHoles && from < to)
        {
            bool found = TryFind(change, inode, from, out ExtentRun next);
            ulong end = found ? Math.Min(to, next.FileOffset) : to;
            if (end > from)
            {
                FileExtentItem hole = new() { Generation = change.Generation, RamBytes = end - from, Type = FileExtentType.Regular, NumBytes = end - from };
                MemoryMarshal.Write(change.Tree.Insert(KeyAt(inode, from), FileExtentItem.Size), hole);
                Note(change, inode, from, end);
            }

            from = found ? next.End(change) : to;
        }
    }

    /// <summary>Takes everything out of a range. What sticks out stays: items are cut, or one becomes two.</summary>
    public static void Drop(Change change, ulong inode, ulong from, ulong to, ref InodeItem item)
    {
        int all = int.MaxValue;
        Drop(change, inode, from, to, ref item, ref all);
    }

    /// <summary>As the other, for so many items at most.</summary>
    /// <param name="change">The part.</param>
    /// <param name="inode">A regular file.</param>
    /// <param name="from">A multiple of the sector size.</param>
    /// <param name="to">A multiple of the sector size.</param>
    /// <param name="item">The inode item, which counts bytes.</param>
    /// <param name="itemsLeft">How many items may be dropped; what was dropped is taken from it.</param>
    /// <returns>Up to where the range is empty by now.</returns>
    public static ulong Drop(Change change, ulong inode, ulong from, ulong to, ref InodeItem item, ref int itemsLeft)
    {
        for (; itemsLeft > 0; itemsLeft--)
        {
            if (from >= to || !TryFind(change, inode, from, out ExtentRun run) || run.FileOffset >= to)
                return to;
            DropFrom(change, run, from, to, ref item);
        }

        return TryFind(change, inode, from, out ExtentRun next) ? Math.Min(to, next.FileOffset) : to;
    }

    /// <summary>Takes the last extents away, back to <paramref name="end"/>, at most so many.</summary>
    /// <returns>Null when none is left behind it; else the file offset from which on none is.</returns>
    public static ulong? CutTail(Change change, ulong inode, ulong end, ref InodeItem item, int maxItems)
    {
        ulong cut = ulong.MaxValue;
        for (int items = 0; items < maxItems; items++)
        {
            TreeCursor cursor = change.Tree.OpenCursor();
            if (!cursor.SeekFloor(KeyAt(inode, ulong.MaxValue)) || !IsExtent(cursor, inode))
                return null;
            ExtentRun run = ExtentRun.Of(FileExtent.At(cursor));
            if (run.End(change) <= end)
                return null;
            if (run.FileOffset < end)
            {
                ShortenAtEnd(change, run, end, ref item);
                return null;
            }

            Remove(change, run, ref item);
            cut = run.FileOffset;
        }

        return cut;
    }

    /// <summary>Gives up every extent of an inode whose items are about to go all at once.</summary>
    public static void DropReferences(Change change, ulong inode)
    {
        TreeCursor cursor = change.Tree.OpenCursor();
        cursor.Seek(KeyAt(inode, 0));
        while (IsExtent(cursor, inode))
        {
            DropReference(change, ExtentRun.Of(FileExtent.At(cursor)));
            if (!cursor.MoveNext())
                return;
        }
    }

    public static Key KeyAt(ulong inode, ulong offset) => new(inode, ItemType.ExtentData, offset);

    // What a cut leaves of an extent need not be told anew: a replay cuts likewise.
    private static void Note(Change change, ulong inode, ulong from, ulong to) => change.Notes.Of(inode).Extents.Add(from, to);

    private static void DropFrom(Change change, in ExtentRun run, ulong from, ulong to, ref InodeItem item)
    {
        ulong end = run.End(change);
        bool keepsHead = run.FileOffset < from;
        bool keepsTail = end > to;
        if (run.IsInline || (!keepsHead && !keepsTail))
        {
            Remove(change, run, ref item);
            return;
        }

        ulong dropped = Math.Min(end, to) - Math.Max(run.FileOffset, from);
        Note(change, run.Key.ObjectId, Math.Max(run.FileOffset, from), Math.Min(end, to));
        if (run.IsOnDisk)
            item.NBytes = item.NBytes - dropped;
        FileExtentItem tail = run.Item;
        tail.Generation = change.Generation;
        tail.NumBytes = end - to;
        if (run.IsOnDisk)
            tail.Offset = tail.Offset + (to - run.FileOffset);

        if (keepsHead)
        {
            ref FileExtentItem head = ref EditRegular(change, run.Key);
            head.NumBytes = from - run.FileOffset;
            head.Generation = change.Generation;
        }

        Key tailKey = KeyAt(run.Key.ObjectId, to);
        if (keepsHead && keepsTail)
        {
            // Both halves count their offset from the same place, so this is one more of the same reference.
            MemoryMarshal.Write(change.Tree.Insert(tailKey, FileExtentItem.Size), tail);
            if (run.IsOnDisk)
                change.Part.AddReference(run.Start, run.Item.DiskNumBytes, run.Use(change));
        }
        else if (keepsTail)
        {
            change.Tree.Rekey(run.Key, tailKey);
            EditRegular(change, tailKey) = tail;
        }
    }

    // A truncate leaves the generation alone: it is the age of the data.
    private static void ShortenAtEnd(Change change, in ExtentRun run, ulong end, ref InodeItem item)
    {
        Invariant.That(!run.IsInline);
        if (run.IsOnDisk)
            item.NBytes = item.NBytes - (run.End(change) - end);
        Note(change, run.Key.ObjectId, end, run.End(change));
        EditRegular(change, run.Key).NumBytes = end - run.FileOffset;
    }

    private static void Remove(Change change, in ExtentRun run, ref InodeItem item)
    {
        if (run.IsInline)
            item.NBytes = item.NBytes - run.Item.RamBytes;
        else if (run.IsOnDisk)
            item.NBytes = item.NBytes - run.Item.NumBytes;
        change.Tree.Delete(run.Key);
        Note(change, run.Key.ObjectId, run.FileOffset, run.End(change));
        DropReference(change, run);
    }

    private static void DropReference(Change change, in ExtentRun run)
    {
        if (run.IsOnDisk)
            change.Part.DropReference(run.Start, run.Item.DiskNumBytes, run.Use(change));
    }

    private static ref FileExtentItem EditRegular(Change change, Key key) =>
        ref MemoryMarshal.AsRef<FileExtentItem>(change.Tree.Edit(key));

    // An inline item is shorter than the record: only the members of its head may be touched.
    private static ref FileExtentItem HeadOf(Span<byte> data) => ref Unsafe.As<byte, FileExtentItem>(ref MemoryMarshal.GetReference(data));

    private static bool IsExtent(TreeCursor cursor, ulong inode) =>
        cursor.IsValid && cursor.Key.ObjectId == inode && cursor.Key.Type == ItemType.ExtentData;
}
