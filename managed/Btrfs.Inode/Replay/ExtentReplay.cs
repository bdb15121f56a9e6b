using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Inode.Replay;

/// <summary>Brings the data of files to what the log says of it: each of its extents replaces whatever the file has in the same range.</summary>
internal sealed class ExtentReplay(Change change, LogTree log, LogSpace space)
{
    private readonly TreeCursor _checksums = log.OpenCursor();
    private readonly int _checksumSize = change.Fs.Data.ChecksumSize;

    public void Replay(TreeCursor at)
    {
        Key key = at.Key;
        FileExtent extent = FileExtent.At(at);
        ulong inode = key.ObjectId;
        if (!change.TryGetInode(inode, out InodeItem item))
            throw new CorruptMetadataException(ObjectIds.TreeLog, at.Leaf!.Bytenr, at.Slot, $"inode {inode} of subvolume {change.RootId} has an extent and is missing");
        if (!extent.IsInline && change.Tree.TryGet(key, out ReadOnlySpan<byte> held) && held.SequenceEqual(at.Data))
            return;

        FileExtents.Drop(change, inode, key.Offset, extent.End(change.SectorSize), ref item);
        ExtentRun run = ExtentRun.Of(extent);
        if (run.IsInline)
        {
            change.Tree.Set(key, at.Data);
            item.NBytes = item.NBytes + extent.RamBytes;
        }
        else if (run.IsOnDisk || !change.NoHoles)
        {
            FileExtents.Insert(change, inode, key.Offset, run.Item, ref item);
        }

        if (run.IsOnDisk)
        {
            space.AddReference(run.Start, run.Item.DiskNumBytes, run.Use(change));
            ReplayChecksums(run);
        }

        change.PutInode(inode, ref item);
    }

    // Of an extent that isn't compressed, the log has the checksums of the part that the file uses; of others, of all of it.
    private void ReplayChecksums(in ExtentRun run)
    {
        bool isWhole = run.Item.Compression != CompressionType.None;
        ulong start = run.Item.DiskBytenr + (isWhole ? 0 : run.Item.Offset);
        ulong end = start + (isWhole ? run.Item.DiskNumBytes : run.Item.NumBytes);
        if (!_checksums.SeekFloor(KeyAt(start)) || _checksums.Key.Type != ItemType.ExtentCsum)
            _checksums.Seek(KeyAt(start));
        for (; _checksums.IsValid && _checksums.Key.Type == ItemType.ExtentCsum && _checksums.Key.Offset < end; _checksums.MoveNext())
        {
            ulong first = _checksums.Key.Offset;
            ulong from = Math.Max(start, first);
            ulong to = Math.Min(end, first + SectorsIn(_checksums.Data.Length) * (ulong)change.SectorSize);
            if (from >= to)
                continue;

            ReadOnlySpan<byte> sums = _checksums.Data.Slice(BytesOf(from - first), BytesOf(to - from));
            change.Part.DeleteChecksums(new LogicalAddress(from), to - from);
            change.Part.InsertChecksums(new LogicalAddress(from), sums);
        }
    }

    private static Key KeyAt(ulong address) => new(ObjectIds.ExtentCsum, ItemType.ExtentCsum, address);

    private ulong SectorsIn(int bytes) => (ulong)(bytes / _checksumSize);

    private int BytesOf(ulong span) => (int)(span / (ulong)change.SectorSize) * _checksumSize;
}
