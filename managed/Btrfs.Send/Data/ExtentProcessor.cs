using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Send.Emit;
using Btrfs.Send.Names;
using Btrfs.Send.State;
using Btrfs.Storage;

namespace Btrfs.Send.Data;

/// <summary>Decides for each file extent of the inode at work whether it is sent, how, and which holes lie before it.</summary>
internal sealed class ExtentProcessor(
    SendContext context,
    CloneFinder clones,
    CloneRange cloneRange,
    DataSender data,
    ExtentComparison comparison,
    PathResolver paths,
    CommandEmitter emitter)
{
    private TreeCursor? _extents;

    private TreeCursor Extents => _extents ??= context.Send.OpenCursor();

    /// <summary>Holes need saying only where the receiver may have something else: in a file that it has already.</summary>
    private bool TracksHoles
    {
        get
        {
            CurrentInode current = context.Current;
            return context.Parent is not null && !current.IsNew && !current.IsReplaced && !current.IsDeleted && current.IsRegular;
        }
    }

    /// <summary>Processes the extent item at <paramref name="slot"/> of <paramref name="leaf"/>.</summary>
    public void Process(ExtentBuffer leaf, int slot)
    {
        CurrentInode current = context.Current;
        if (current.IsSymbolicLink)
            return;

        FileExtent extent = FileExtent.At(leaf, slot);
        if (context.Parent is not null && !current.IsNew)
        {
            if (comparison.IsUnchanged(extent))
            {
                NoteExtent(leaf, slot);
                return;
            }
        }
        else if (extent.Type == FileExtentType.Prealloc || extent.IsHole)
        {
            // A new file has a hole there anyway. Preallocation is not sent at all.
            return;
        }

        CloneSource? source = clones.Find(extent, leaf.Owner);
        WriteOrClone(extent, source);
        clones.NoteSent(extent);
        NoteExtent(leaf, slot);
    }

    /// <summary>Processes all extents of the inode at work, of which the comparison of a replaced inode tells nothing useful.</summary>
    public void ProcessAll()
    {
        TreeCursor cursor = context.Send.OpenCursor();
        Key key = new(context.Current.Number, ItemType.ExtentData, 0);
        cursor.Seek(key);
        for (; cursor.IsValid && cursor.Key.ObjectId == key.ObjectId && cursor.Key.Type == key.Type; cursor.MoveNext())
            Process(cursor.Leaf, cursor.Slot);
    }

    /// <summary>Notes where an extent ends, whether it changed or not, and sends the hole before it if there is one that the receiver does not have.</summary>
    public void NoteExtent(ExtentBuffer leaf, int slot)
    {
        CurrentInode current = context.Current;
        FileExtent extent = FileExtent.At(leaf, slot);
        if (extent.Inode != current.Number || !TracksHoles)
            return;

        // At a leaf's first item whole leaves may have been skipped because both snapshots share them: look back.
        ulong start = extent.FileOffset;
        if (current.LastExtentEnd == CurrentInode.Unknown || (slot == 0 && current.LastExtentEnd < start))
            current.LastExtentEnd = EndOfLastExtent(unchecked(start - 1));

        if (current.LastExtentEnd < start && !comparison.IsHoleInParent(current.LastExtentEnd, start))
            data.SendHole(current.LastExtentEnd, start);
        current.LastExtentEnd = extent.End(context.Fs.SectorSize);
    }

    /// <summary>Sends the hole between the last extent and the end of the file.</summary>
    public void FinishFile()
    {
        CurrentInode current = context.Current;
        if (!TracksHoles)
            return;

        if (current.LastExtentEnd == CurrentInode.Unknown || current.LastExtentEnd < current.FileSize)
            current.LastExtentEnd = EndOfLastExtent(ulong.MaxValue);
        if (current.LastExtentEnd < current.FileSize && !comparison.IsHoleInParent(current.LastExtentEnd, current.FileSize))
            data.SendHole(current.LastExtentEnd, current.FileSize);
    }

    private void WriteOrClone(in FileExtent extent, CloneSource? source)
    {
        CurrentInode current = context.Current;
        ulong end = Math.Min(extent.End(context.Fs.SectorSize), current.FileSize);
        if (extent.FileOffset >= end)
            return;

        if (source is not null && MayClone(extent, source, end))
            cloneRange.Send(extent, source, end - extent.FileOffset);
        else
            data.Send(extent, extent.FileOffset, end - extent.FileOffset);
        current.NextWriteOffset = end;
    }

    // A range that does not end with a sector can be cloned only where both files end with it.
    private bool MayClone(in FileExtent extent, CloneSource source, ulong end)
    {
        if (end % (ulong)context.Fs.SectorSize == 0)
            return true;
        if (end != context.Current.FileSize)
            return false;
        if (!source.Subvolume.TryGetInode(source.Inode, out InodeItem sourceInode))
            throw new CorruptMetadataException($"corrupt metadata: root={source.Subvolume.Id} inode={source.Inode}, the inode item is missing");
        if (source.Offset + (end - extent.FileOffset) != sourceInode.FileSize)
            return false;

        // The file may still be longer at the receiver, and then the clone would end inside it.
        if (context.Parent is not null)
            emitter.Truncate(paths.OfCurrent(), extent.FileOffset);
        return true;
    }

    private ulong EndOfLastExtent(ulong atOrBelow)
    {
        TreeCursor cursor = Extents;
        ulong inode = context.Current.Number;
        bool found = cursor.SeekFloor(new Key(inode, ItemType.ExtentData, atOrBelow))
            && cursor.Key.ObjectId == inode && cursor.Key.Type == ItemType.ExtentData;
        return found ? FileExtent.At(cursor).End(context.Fs.SectorSize) : 0;
    }
}
