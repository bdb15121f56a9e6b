using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>An encoded piece with its place on the disk.</summary>
internal sealed record PlacedPiece(ulong FileOffset, int FileBytes, CompressionType Compression, DataExtent Place, ReadOnlyMemory<byte> Sums);

/// <summary>
/// Puts whole sectors of a file on the disk and enters them in the trees. The steps of one piece are: encode, allocate, write, enter; the
/// middle ones need no lock, so that bulk writing does them elsewhere.
/// </summary>
internal static class SectorWriter
{
    /// <summary>Writes sectors within one part.</summary>
    /// <param name="change">The part.</param>
    /// <param name="inode">A regular file.</param>
    /// <param name="item">Its inode item: after each extent it counts what was written so far.</param>
    /// <param name="first">A multiple of the sector size.</param>
    /// <param name="sectors">Whole ones.</param>
    /// <param name="size">The size that the file has, at least, when all is written.</param>
    /// <param name="encoder">For this file.</param>
    public static void Write(
        Change change, ulong inode, ref InodeItem item, ulong first, ReadOnlyMemory<byte> sectors, ulong size, DataEncoder encoder)
    {
        while (!sectors.IsEmpty)
        {
            int bytes = Change.Has(item, InodeFlags.NoDataCow | InodeFlags.Prealloc)
                ? WriteInPlace(change, inode, ref item, first, sectors.Span, encoder)
                : 0;
            if (bytes == 0)
            {
                bytes = LengthToCopy(change, inode, item, first, sectors.Length);
                WriteNew(change, inode, ref item, first, sectors[..bytes], size, encoder);
            }

            first += (ulong)bytes;
            item.FileSize = Math.Max(item.FileSize, Math.Min(first, size));
            sectors = sectors[bytes..];
        }
    }

    /// <summary>Finds room for a piece; plain ones may be split over several places.</summary>
    public static IEnumerable<(DataExtent Place, ReadOnlyMemory<byte> Stored)> Allocate(
        EncodedPiece piece, int sectorSize, Func<ulong, ulong, DataExtent> allocate)
    {
        ReadOnlyMemory<byte> stored = piece.Stored;
        while (!stored.IsEmpty)
        {
            ulong wanted = Math.Min((ulong)stored.Length, FormatLimits.MaxExtentSize);
            ulong least = piece.Compression == CompressionType.None ? (ulong)sectorSize : wanted;
            DataExtent place = allocate(wanted, least);
            yield return (place, stored[..(int)place.Bytes]);
            stored = stored[(int)place.Bytes..];
        }
    }

    /// <summary>Enters pieces that are on their way to the disk in place of what the file had there.</summary>
    public static void Enter(Change change, ulong inode, ref InodeItem item, PlacedPiece piece)
    {
        FileExtents.Drop(change, inode, piece.FileOffset, piece.FileOffset + (ulong)piece.FileBytes, ref item);
        EnterNew(change, inode, ref item, piece);
    }

    /// <summary>The same where the file has nothing.</summary>
    public static void EnterNew(Change change, ulong inode, ref InodeItem item, PlacedPiece piece)
    {
        if (piece.Sums.Length > 0)
            change.Part.InsertChecksums(piece.Place.Start, piece.Sums.Span);
        EnterWithoutSums(change, inode, ref item, piece);
    }

    /// <summary>The same for who enters the checksums of several pieces at once.</summary>
    public static void EnterWithoutSums(Change change, ulong inode, ref InodeItem item, PlacedPiece piece)
    {
        change.Part.AddExtent(piece.Place, new DataReference(change.RootId, inode, piece.FileOffset));
        FileExtentItem extent = new()
        {
            Generation = change.Generation,
            RamBytes = (ulong)piece.FileBytes,
            Compression = piece.Compression,
            Type = FileExtentType.Regular,
            DiskBytenr = piece.Place.Start.Value,
            DiskNumBytes = piece.Place.Bytes,
            NumBytes = (ulong)piece.FileBytes,
        };
        FileExtents.Insert(change, inode, piece.FileOffset, extent, ref item);
    }

    private static void WriteNew(
        Change change, ulong inode, ref InodeItem item, ulong first, ReadOnlyMemory<byte> sectors, ulong size, DataEncoder encoder)
    {
        foreach (EncodedPiece piece in encoder.Encode(first, sectors))
        {
            ulong at = piece.FileOffset;
            foreach ((DataExtent place, ReadOnlyMemory<byte> stored) in Allocate(piece, change.SectorSize, change.AllocateData))
            {
                change.Part.Writer.WriteData(place.Start, stored.Span);
                int fileBytes = piece.Compression == CompressionType.None ? stored.Length : piece.FileBytes;
                Enter(change, inode, ref item, new PlacedPiece(at, fileBytes, piece.Compression, place, encoder.Sum(stored.Span)));
                at += (ulong)fileBytes;
                item.FileSize = Math.Max(item.FileSize, Math.Min(at, size));
            }
        }
    }

    // Up to the next run that can be written in place.
    private static int LengthToCopy(Change change, ulong inode, in InodeItem item, ulong first, int length)
    {
        if (!Change.Has(item, InodeFlags.NoDataCow | InodeFlags.Prealloc))
            return length;

        ulong at = first;
        while (at < first + (ulong)length && FileExtents.TryFind(change, inode, at, out ExtentRun run))
        {
            ulong start = Math.Max(run.FileOffset, first);
            if (start > first && start < first + (ulong)length && IsWritableInPlace(change, item, run))
                return (int)(start - first);
            at = run.End(change);
        }

        return length;
    }

    /// <summary>Whether all of a range can be written where it lies, and so takes no space.</summary>
    public static bool AreWritableInPlace(Change change, ulong inode, in InodeItem item, ulong first, ulong end)
    {
        while (first < end)
        {
            if (!FileExtents.TryFind(change, inode, first, out ExtentRun run) || run.FileOffset > first || !IsWritableInPlace(change, item, run))
                return false;
            first = run.End(change);
        }

        return true;
    }

    private static bool IsWritableInPlace(Change change, in InodeItem item, in ExtentRun run)
    {
        bool kind = run.IsOnDisk && run.Item.Compression == CompressionType.None
            && (run.Item.Type == FileExtentType.Prealloc || Change.Has(item, InodeFlags.NoDataCow));
        return kind && run.Item.Generation.Value > change.Tree.LastSnapshot && IsOnlyUser(change, run);
    }

    // All the uses of the extent are runs of this file which count from the same place. (Snapshots don't count; they are told by the generation.)
    private static bool IsOnlyUser(Change change, in ExtentRun run)
    {
        ulong references = change.Part.CountReferences(run.Start, run.Item.DiskNumBytes);
        DataReference use = run.Use(change);
        ulong at = (long)use.Offset < 0 ? 0 : use.Offset;
        ulong own = 0;
        while (FileExtents.TryFind(change, run.Key.ObjectId, at, out ExtentRun other) && other.FileOffset < unchecked(use.Offset + run.Item.DiskNumBytes))
        {
            if (other.IsOnDisk && other.Start == run.Start && other.Use(change) == use)
                own++;
            at = other.End(change);
        }

        return own == references;
    }

    /// <summary>Writes over what the file alone owns: preallocated space, which becomes data, or data of a file that is not copied on write.</summary>
    /// <returns>How many bytes; 0 if what lies at the begin can't be written over.</returns>
    private static int WriteInPlace(Change change, ulong inode, ref InodeItem item, ulong first, ReadOnlySpan<byte> sectors, DataEncoder encoder)
    {
        if (!FileExtents.TryFind(change, inode, first, out ExtentRun run) || run.FileOffset > first || !IsWritableInPlace(change, item, run))
            return 0;

        int length = (int)Math.Min((ulong)sectors.Length, run.End(change) - first);
        LogicalAddress start = run.Start + (run.Item.Offset + (first - run.FileOffset));
        change.Part.Writer.WriteData(start, sectors[..length]);
        if (run.Item.Type != FileExtentType.Prealloc)
            return length;

        FileExtentItem written = run.Item;
        written.Type = FileExtentType.Regular;
        written.Generation = change.Generation;
        written.Offset = run.Item.Offset + (first - run.FileOffset);
        written.NumBytes = (ulong)length;

        // The reference comes first: dropping the run's place in the middle may be dropping the last one.
        change.Part.AddReference(run.Start, run.Item.DiskNumBytes, run.Use(change));
        FileExtents.Drop(change, inode, first, first + (ulong)length, ref item);
        FileExtents.Insert(change, inode, first, written, ref item);
        byte[] sums = encoder.Sum(sectors[..length]);
        if (sums.Length > 0)
            change.Part.InsertChecksums(start, sums);
        return length;
    }
}
