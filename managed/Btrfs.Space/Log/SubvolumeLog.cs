using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Csums;

namespace Btrfs.Space.Log;

/// <summary>
/// The log of one subvolume in the running transaction: a tree of copies of the subvolume's items, and of the checksums of the data that they name. It is
/// written to within a part of the transaction, and durable with <see cref="Transactions.FsWriter.SyncLog"/>.
/// </summary>
public sealed class SubvolumeLog
{
    private readonly ChecksumItems _sums;
    private readonly Tree _runningSums;
    private readonly int _checksumSize;
    private readonly ulong _sectorSize;

    internal SubvolumeLog(Tree tree, Tree runningSums, FsInfo fs)
    {
        Tree = tree;
        _runningSums = runningSums;
        _checksumSize = fs.Data.ChecksumSize;
        _sectorSize = (ulong)fs.SectorSize;
        _sums = new ChecksumItems(tree, _checksumSize, fs.SectorSize);
    }

    /// <summary>Its items, under the keys that they have in the subvolume.</summary>
    public Tree Tree { get; }

    /// <summary>Where the tree was when the log was last written.</summary>
    internal LogicalAddress ListedAt { get; set; }

    /// <summary>Copies the checksums of a range of the disk, in place of those that the log has of it.</summary>
    public void CopyChecksums(LogicalAddress start, ulong bytes)
    {
        ulong end = start.Value + bytes;
        TreeCursor cursor = _runningSums.OpenCursor();
        if (!cursor.SeekFloor(KeyAt(start.Value)) || cursor.Key.Type != ItemType.ExtentCsum)
            cursor.Seek(KeyAt(start.Value));
        _sums.Delete(start.Value, bytes);
        for (; cursor.IsValid && cursor.Key.Type == ItemType.ExtentCsum && cursor.Key.Offset < end; cursor.MoveNext())
        {
            ulong first = cursor.Key.Offset;
            ulong from = Math.Max(start.Value, first);
            ulong to = Math.Min(end, first + (ulong)(cursor.Data.Length / _checksumSize) * _sectorSize);
            if (from < to)
                _sums.Insert(from, cursor.Data[BytesOf(from - first)..BytesOf(to - first)]);
        }
    }

    private static Key KeyAt(ulong address) => new(ObjectIds.ExtentCsum, ItemType.ExtentCsum, address);

    private int BytesOf(ulong span) => (int)(span / _sectorSize) * _checksumSize;
}
