using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>Enters pieces that are on their way to the disk in the trees, in one part.</summary>
internal static class BatchEntry
{
    private const int ItemsOfPiece = 6;

    /// <summary>Gives space back that nothing was entered for.</summary>
    public static void GiveBack(FsWriter writer, IReadOnlyCollection<DataExtent> places)
    {
        if (places.Count == 0 || writer.Failure is not null)
            return;

        using Transaction part = writer.Begin(0, ReservePolicy.Freeing);
        foreach (DataExtent place in places)
            part.ReturnData(place);
        part.Complete();
    }

    public static void Enter(SubvolumeWriter subvolume, ulong inode, IReadOnlyCollection<PlacedPiece> pieces)
    {
        using Transaction part = subvolume.Writer.Begin(pieces.Count * ItemsOfPiece);
        Change change = new(part, subvolume);
        InodeItem item = change.GetWritableFile(inode);
        foreach (PlacedPiece piece in pieces)
        {
            SectorWriter.Enter(change, inode, ref item, piece);
            item.FileSize = Math.Max(item.FileSize, piece.FileOffset + (ulong)piece.FileBytes);
        }

        item.MTime = change.Now;
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
        change.Finish();
        part.Complete();
    }
}
