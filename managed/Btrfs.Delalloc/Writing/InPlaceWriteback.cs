using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Writing;

/// <summary>
/// Writes a batch of a file that is not copied on write, or has preallocated space: where it lies, as far as the file alone owns that. Look-up, I/O and
/// entry are in one part each, so that no snapshot comes between them and finds its data overwritten.
/// </summary>
internal sealed class InPlaceWriteback(WritebackJob job)
{
    private const int PieceBytes = 1 << 20;
    private const int ItemsOfPiece = 64;

    /// <exception cref="IOException">A device failed.</exception>
    /// <exception cref="NoSpaceException">What was thought to be written in place can't be any more, and there is no room elsewhere.</exception>
    public void Run()
    {
        int sectorSize = job.SectorSize;
        byte[] buffer = GC.AllocateUninitializedArray<byte>(Math.Min(PieceBytes, job.Batch.Pages.Length * sectorSize));
        foreach (OrderedExtent extent in job.Batch.Extents)
        {
            for (int done = 0; done < extent.Count;)
            {
                int count = Math.Min(extent.Count - done, PieceBytes / sectorSize);
                PageGather.Copy(job.Pool, job.Batch.Pages.Slice(extent.FirstPage + done, count), buffer);
                ulong sector = extent.Sector + (ulong)done;
                if (!Write(sector, buffer.AsMemory(0, count * sectorSize)))
                    return;
                done += count;
            }
        }
    }

    private bool Write(ulong sector, ReadOnlyMemory<byte> sectors)
    {
        using Transaction part = job.Writer.BeginPromised(ItemsOfPiece, out _);
        if (job.Open(part, out InodeItem item) is not { } change)
            return false;

        try
        {
            // Size 0: the size has a rule of its own.
            SectorWriter.Write(change, job.Node.Inode, ref item, sector * (ulong)job.SectorSize, sectors, size: 0, job.Encoder);
        }
        catch (NoSpaceException) when (change.IsCutShort)
        {
            change.KeepCutShort(job.Node.Inode, ref item);
            throw;
        }

        ulong next = sector + (ulong)(sectors.Length / job.SectorSize);
        job.Close(change, ref item, next < job.Batch.Extents[^1].EndSector ? next : ulong.MaxValue);
        return true;
    }
}
