using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Writing;

/// <summary>Enters pieces in the trees whose data is on the disk: many in one part of the transaction, in the order of the file.</summary>
internal sealed class Completion(WritebackJob job)
{
    private const int ItemsOfPiece = 6;

    /// <summary>One part holds the writer's lock for some milliseconds at most.</summary>
    private const int PiecesPerPart = 1024;

    /// <summary>Enters pieces, or gives their space back if the file is gone.</summary>
    /// <param name="pieces">By file offset; their checksums lie one behind the other.</param>
    /// <param name="sums">The checksums of all; empty for a file without.</param>
    /// <param name="sumBytes">Of one sector.</param>
    /// <param name="endSector">Where the next pieces of the batch begin, which the tree won't have yet; the highest number if there are none.</param>
    /// <param name="marksNoCompress">Whether the file turned out not to shrink.</param>
    public void Enter(IReadOnlyList<PlacedPiece> pieces, ReadOnlyMemory<byte> sums, int sumBytes, ulong endSector, bool marksNoCompress)
    {
        int sumsDone = 0;
        for (int done = 0; done < pieces.Count;)
        {
            int wanted = Math.Min(pieces.Count - done, PiecesPerPart);
            using Transaction part = job.Writer.BeginPromised(wanted * ItemsOfPiece, out int items);
            if (job.Open(part, out InodeItem item) is not { } change)
            {
                GiveBack(part, pieces, done);
                return;
            }

            int count = Math.Min(Math.Max(items / ItemsOfPiece, 1), wanted);
            sumsDone += EnterSums(part, pieces, done, count, sums[sumsDone..], sumBytes);
            for (int end = done + count; done < end; done++)
            {
                PlacedPiece piece = pieces[done];
                FileExtents.Drop(change, job.Node.Inode, piece.FileOffset, piece.FileOffset + (ulong)piece.FileBytes, ref item);
                SectorWriter.EnterWithoutSums(change, job.Node.Inode, ref item, piece);
            }

            if (marksNoCompress)
                item.Flags = item.Flags | (ulong)InodeFlags.NoCompress;
            job.Close(change, ref item, done < pieces.Count ? pieces[done].FileOffset / (ulong)job.SectorSize : endSector);
        }
    }

    /// <summary>Gives space back that nothing was entered for.</summary>
    public static void GiveBack(Transaction part, IReadOnlyList<PlacedPiece> pieces, int from)
    {
        for (int i = from; i < pieces.Count; i++)
            part.ReturnData(pieces[i].Place);
        part.Complete();
    }

    // Neighbours on the disk are neighbours in the csum tree: one search for all of them.
    private static int EnterSums(Transaction part, IReadOnlyList<PlacedPiece> pieces, int from, int count, ReadOnlyMemory<byte> sums, int sumBytes)
    {
        int sectorSize = part.Writer.Committed.SectorSize;
        int done = 0;
        for (int i = from; sumBytes > 0 && i < from + count;)
        {
            LogicalAddress start = pieces[i].Place.Start;
            ulong bytes = 0;
            for (; i < from + count && pieces[i].Place.Start == start + bytes; i++)
                bytes += pieces[i].Place.Bytes;
            int length = (int)(bytes / (ulong)sectorSize) * sumBytes;
            part.InsertChecksums(start, sums.Span.Slice(done, length));
            done += length;
        }

        return done;
    }
}
