using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Writing;

/// <summary>
/// Writes a batch as it is to new extents. Its extents get their places one behind the other, so that many small ones make few large writes.
/// </summary>
internal sealed class PlainWriteback(WritebackJob job)
{
    /// <summary>What is gathered, summed and written at once: it stays in the processor's cache meanwhile.</summary>
    private const int BufferBytes = 256 << 10;

    [ThreadStatic]
    private static byte[]? s_buffer;

    private readonly List<PlacedPiece> _pieces = new(job.Batch.Extents.Count);
    private readonly int _sumBytes = job.Encoder.Checksum?.Size ?? 0;
    private readonly byte[] _sums = new byte[job.Batch.Pages.Length * (job.Encoder.Checksum?.Size ?? 0)];

    /// <summary>Finds places for all, in the caller's part.</summary>
    /// <exception cref="NoSpaceException">There is no room, in spite of what was promised; nothing is allocated then.</exception>
    public void Allocate(Change change)
    {
        try
        {
            ulong rest = (ulong)job.Batch.Pages.Length * (ulong)job.SectorSize;
            DataExtent place = default;
            foreach (OrderedExtent extent in job.Batch.Extents)
            {
                ulong at = extent.Sector * (ulong)job.SectorSize;
                ulong end = extent.EndSector * (ulong)job.SectorSize;
                while (at < end)
                {
                    if (place.Bytes == 0)
                        place = change.AllocateData(Math.Min(rest, FormatLimits.MaxExtentSize), (ulong)job.SectorSize);
                    ulong bytes = Math.Min(end - at, place.Bytes);
                    _pieces.Add(new PlacedPiece(at, (int)bytes, CompressionType.None, place with { Bytes = bytes }, default));
                    place = new DataExtent(place.Start + bytes, place.Bytes - bytes);
                    at += bytes;
                    rest -= bytes;
                }
            }
        }
        catch (NoSpaceException)
        {
            Completion.GiveBack(change.Part, _pieces, 0);
            throw;
        }
    }

    /// <summary>Writes all, and enters it in the trees.</summary>
    /// <exception cref="IOException">A device failed.</exception>
    public void Run()
    {
        try
        {
            Write();
        }
        catch (IOException)
        {
            GiveBackAll();
            throw;
        }

        new Completion(job).Enter(_pieces, _sums, _sumBytes, ulong.MaxValue, marksNoCompress: false);
    }

    private void Write()
    {
        byte[] buffer = s_buffer ??= GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
        int sectorSize = job.SectorSize;
        int sectorsPerBuffer = BufferBytes / sectorSize;
        int page = 0;
        for (int i = 0; i < _pieces.Count;)
        {
            // A run of pieces that lie together on the disk; pages are in the same order.
            LogicalAddress start = _pieces[i].Place.Start;
            ulong bytes = 0;
            for (; i < _pieces.Count && _pieces[i].Place.Start == start + bytes; i++)
                bytes += _pieces[i].Place.Bytes;
            int end = page + (int)(bytes / (ulong)sectorSize);
            while (page < end)
            {
                int count = Math.Min(end - page, sectorsPerBuffer);
                Span<byte> gathered = buffer.AsSpan(0, count * sectorSize);
                PageGather.Copy(job.Pool, job.Batch.Pages.Slice(page, count), gathered);
                job.Encoder.Checksum?.ComputeSectors(gathered, sectorSize, _sums.AsSpan(page * _sumBytes, count * _sumBytes));
                job.Writer.WriteData(start, gathered);
                start += (ulong)gathered.Length;
                page += count;
            }
        }
    }

    private void GiveBackAll()
    {
        if (job.Writer.Failure is not null)
            return;
        using Transaction part = job.Writer.Begin(0, ReservePolicy.Freeing);
        Completion.GiveBack(part, _pieces, 0);
    }
}
