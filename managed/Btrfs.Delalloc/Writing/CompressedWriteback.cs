using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Writing;

/// <summary>
/// Writes a batch compressed: stretches of 512 KiB in pieces of 128 KiB each. A stretch whose sample does not look as if it would shrink is written plain; so is the rest of one
/// in which a piece did not shrink, and the file is marked not to be compressed any more, as the kernel marks it. Stretches are compressed side by side.
/// </summary>
/// <param name="job">The batch.</param>
/// <param name="isMarked">Whether that is known already.</param>
internal sealed class CompressedWriteback(WritebackJob job, bool isMarked)
{
    private const int StretchBytes = 512 << 10;

    /// <summary>What is gathered, compressed and entered together.</summary>
    private const int GroupBytes = 4 << 20;

    private readonly List<(ulong FileOffset, int Start, int Length)> _stretches = [];
    private bool _marksNoCompress = isMarked;

    /// <exception cref="IOException">A device failed.</exception>
    public void Run(bool mayMark)
    {
        int sectorSize = job.SectorSize;
        byte[] buffer = GC.AllocateUninitializedArray<byte>(Math.Min(GroupBytes, job.Batch.Pages.Length * sectorSize));
        int filled = 0;
        foreach (OrderedExtent extent in job.Batch.Extents)
        {
            for (int done = 0; done < extent.Count;)
            {
                int count = Math.Min(extent.Count - done, StretchBytes / sectorSize);
                if (filled + (count * sectorSize) > buffer.Length)
                {
                    WriteGroup(buffer, mayMark, extent.Sector + (ulong)done);
                    filled = 0;
                }

                PageGather.Copy(job.Pool, job.Batch.Pages.Slice(extent.FirstPage + done, count), buffer.AsSpan(filled));
                _stretches.Add(((extent.Sector + (ulong)done) * (ulong)sectorSize, filled, count * sectorSize));
                filled += count * sectorSize;
                done += count;
            }
        }

        WriteGroup(buffer, mayMark, ulong.MaxValue);
    }

    private void WriteGroup(byte[] buffer, bool mayMark, ulong nextSector)
    {
        List<(EncodedPiece Piece, ReadOnlyMemory<byte> Plain)>[] encoded = new List<(EncodedPiece, ReadOnlyMemory<byte>)>[_stretches.Count];
        Parallel.For(0, _stretches.Count, index => encoded[index] = Encode(buffer, _stretches[index]));
        _stretches.Clear();

        List<PlacedPiece> placed = [];
        List<ReadOnlyMemory<byte>> stored = [];
        if (!Place(encoded, placed, stored))
            return;
        byte[] sums;
        try
        {
            sums = Write(placed, stored);
        }
        catch (IOException)
        {
            GiveBackAll(placed);
            throw;
        }

        new Completion(job).Enter(placed, sums, job.Encoder.Checksum?.Size ?? 0, nextSector, _marksNoCompress && mayMark);
    }

    private List<(EncodedPiece Piece, ReadOnlyMemory<byte> Plain)> Encode(byte[] buffer, (ulong FileOffset, int Start, int Length) stretch)
    {
        List<(EncodedPiece Piece, ReadOnlyMemory<byte> Plain)> pieces = [];
        ReadOnlyMemory<byte> data = buffer.AsMemory(stretch.Start, stretch.Length);
        ulong at = stretch.FileOffset;
        if (data.Length > job.SectorSize && CompressionHeuristic.MayShrink(data.Span))
        {
            while (!data.IsEmpty)
            {
                int length = Math.Min(data.Length, FormatLimits.MaxCompressedExtent);
                if (job.Encoder.TryCompressPiece(data.Span[..length]) is not { } smaller)
                {
                    _marksNoCompress |= length > job.SectorSize;
                    break;
                }

                pieces.Add((new EncodedPiece(at, length, job.Encoder.Compression, smaller), data[..length]));
                at += (ulong)length;
                data = data[length..];
            }
        }

        if (!data.IsEmpty)
            pieces.Add((new EncodedPiece(at, data.Length, CompressionType.None, data), data));
        return pieces;
    }

    private bool Place(
        List<(EncodedPiece Piece, ReadOnlyMemory<byte> Plain)>[] encoded, List<PlacedPiece> placed, List<ReadOnlyMemory<byte>> stored)
    {
        using Transaction part = job.Writer.BeginPromised(0, out _);
        if (job.Open(part, out _) is not { } change)
            return false;
        try
        {
            foreach ((EncodedPiece piece, ReadOnlyMemory<byte> plain) in encoded.SelectMany(pieces => pieces))
            {
                // A compressed extent lies in one piece. Where no gap is large enough, what was reserved holds it plain.
                if (!TryPlace(change, piece, placed, stored))
                    Place(change, piece with { Compression = CompressionType.None, Stored = plain }, placed, stored);
            }
        }
        catch (NoSpaceException)
        {
            Completion.GiveBack(part, placed, 0);
            throw;
        }

        part.Complete();
        return true;
    }

    private bool TryPlace(Change change, EncodedPiece piece, List<PlacedPiece> placed, List<ReadOnlyMemory<byte>> stored)
    {
        try
        {
            Place(change, piece, placed, stored);
            return true;
        }
        catch (NoSpaceException) when (piece.Compression != CompressionType.None)
        {
            return false;
        }
    }

    private void Place(Change change, EncodedPiece piece, List<PlacedPiece> placed, List<ReadOnlyMemory<byte>> stored)
    {
        ulong at = piece.FileOffset;
        foreach ((DataExtent place, ReadOnlyMemory<byte> bytes) in SectorWriter.Allocate(piece, job.SectorSize, change.AllocateData))
        {
            int fileBytes = piece.Compression == CompressionType.None ? bytes.Length : piece.FileBytes;
            placed.Add(new PlacedPiece(at, fileBytes, piece.Compression, place, default));
            stored.Add(bytes);
            at += (ulong)fileBytes;
        }
    }

    private byte[] Write(List<PlacedPiece> placed, List<ReadOnlyMemory<byte>> stored)
    {
        int sumBytes = job.Encoder.Checksum?.Size ?? 0;
        byte[] sums = new byte[stored.Sum(bytes => bytes.Length / job.SectorSize) * sumBytes];
        int done = 0;
        for (int i = 0; i < placed.Count; i++)
        {
            ReadOnlySpan<byte> bytes = stored[i].Span;
            int length = bytes.Length / job.SectorSize * sumBytes;
            job.Encoder.Checksum?.ComputeSectors(bytes, job.SectorSize, sums.AsSpan(done, length));
            job.Writer.WriteData(placed[i].Place.Start, bytes);
            done += length;
        }

        return sums;
    }

    private void GiveBackAll(List<PlacedPiece> placed)
    {
        if (job.Writer.Failure is not null)
            return;
        using Transaction part = job.Writer.Begin(0, ReservePolicy.Freeing);
        Completion.GiveBack(part, placed, 0);
    }
}
