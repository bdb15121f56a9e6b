using Btrfs.Format;
using Btrfs.Inode.Data;

namespace Btrfs.Inode.Changes;

/// <summary>Writes the content of files within one part: inline, or in sectors that go to new extents or in place.</summary>
internal static class FileContent
{
    /// <summary>Writes bytes, whatever their alignment.</summary>
    /// <param name="change">The part.</param>
    /// <param name="inode">A regular file.</param>
    /// <param name="item">Its inode item, to be put back by the caller.</param>
    /// <param name="offset">Where in the file, in bytes.</param>
    /// <param name="data">What is written.</param>
    /// <param name="options">How it is stored.</param>
    public static void Write(Change change, ulong inode, ref InodeItem item, ulong offset, ReadOnlySpan<byte> data, WriteOptions options)
    {
        if (data.IsEmpty)
            return;

        ulong end = offset + (ulong)data.Length;
        ulong size = Math.Max(item.FileSize, end);
        DataEncoder encoder = DataEncoder.For(change, inode, item, options);
        if (size <= (ulong)change.SectorSize && TryWriteInline(change, inode, ref item, encoder, offset, data, (int)size))
            return;

        Expand(change, inode, ref item, offset);
        if (offset >= (ulong)change.SectorSize)
            SpreadInline(change, inode, ref item, encoder);

        ulong first = change.AlignDown(offset);
        byte[] sectors = new byte[change.AlignUp(end) - first];
        data.CopyTo(sectors.AsSpan((int)(offset - first)));
        ReadEdges(change, inode, item, first, sectors, (int)(offset - first), data.Length);
        SectorWriter.Write(change, inode, ref item, first, sectors, size, encoder);
    }

    /// <summary>Makes a file larger; what is new reads as zeros. Does nothing where it is that large.</summary>
    public static void Expand(Change change, ulong inode, ref InodeItem item, ulong size)
    {
        ulong old = item.FileSize;
        if (size <= old)
            return;

        if (RewriteEnd(change, inode, ref item, size))
            return;
        SpreadInline(change, inode, ref item, DataEncoder.For(change, inode, item, change.Writing));

        FileExtents.FillHoles(change, inode, change.AlignUp(old), change.AlignUp(size));
        item.FileSize = size;
    }

    /// <summary>
    /// Writes the last sector of a file anew where the file ends within it, even if that is a hole, as the kernel does whenever something is to come behind
    /// it: what a cut left there is cleared.
    /// </summary>
    /// <returns>Whether the file is stored in its leaf, with <paramref name="size"/> bytes.</returns>
    public static bool RewriteEnd(Change change, ulong inode, ref InodeItem item, ulong size)
    {
        ulong old = item.FileSize;
        if (old % (ulong)change.SectorSize == 0)
            return false;
        DataEncoder encoder = DataEncoder.For(change, inode, item, change.Writing);
        if (size <= (ulong)change.SectorSize && TryWriteInline(change, inode, ref item, encoder, old, [], (int)size))
            return true;

        byte[] sector = new byte[change.SectorSize];
        Read(change, inode, item, change.AlignDown(old), sector);
        SectorWriter.Write(change, inode, ref item, change.AlignDown(old), sector, old, encoder);
        return false;
    }

    /// <summary>Makes a part of one sector read as zeros: by writing it, unless it is a hole, or preallocated and that will do.</summary>
    public static void Zero(Change change, ulong inode, ref InodeItem item, ulong from, ulong to, bool evenPreallocated = false)
    {
        if (!NeedsZeroing(change, inode, from, to, evenPreallocated))
            return;

        FileExtents.TryFind(change, inode, change.AlignDown(from), out ExtentRun run);
        ulong first = change.AlignDown(from);
        byte[] sector = new byte[change.SectorSize];
        Read(change, inode, item, first, sector);
        sector.AsSpan((int)(from - first), (int)(to - from)).Clear();
        DataEncoder encoder = DataEncoder.For(change, inode, item, change.Writing);
        if (run.IsInline)
            RewriteInline(change, inode, ref item, encoder, sector.AsSpan(0, (int)item.FileSize.Value));
        else
            SectorWriter.Write(change, inode, ref item, first, sector, item.FileSize, encoder);
    }

    /// <summary>Whether a part of one sector has bytes that must be written to be zeros.</summary>
    public static bool NeedsZeroing(Change change, ulong inode, ulong from, ulong to, bool evenPreallocated)
    {
        if (from >= to || !FileExtents.TryFind(change, inode, change.AlignDown(from), out ExtentRun run) || run.FileOffset > from)
            return false;
        return run.Item.Type == FileExtentType.Prealloc ? evenPreallocated : run.IsInline || run.IsOnDisk;
    }

    /// <summary>
    /// Stores an inline extent as a sector since others are to come behind it, if it is newer than the last snapshot. A whole sector, compressed, may stay in the leaf of a file that grows: the
    /// kernel leaves it there unless it has it in memory still, and then writes it with the larger size. Of what was there at the snapshot that is not so.
    /// </summary>
    public static void SpreadInline(Change change, ulong inode, ref InodeItem item, DataEncoder encoder)
    {
        if (!FileExtents.TryGetInline(change, inode, out ExtentRun run) || run.Item.Generation < change.Tree.LastSnapshot)
            return;
        byte[] sector = new byte[change.SectorSize];
        Read(change, inode, item, 0, sector);
        SectorWriter.Write(change, inode, ref item, 0, sector, item.FileSize, encoder);
    }

    /// <summary>Replaces the content of a file that has an inline extent; it stays inline where the kernel would leave it so.</summary>
    public static void RewriteInline(Change change, ulong inode, ref InodeItem item, DataEncoder encoder, ReadOnlySpan<byte> content)
    {
        if (encoder.TryEncodeInline(content, out ReadOnlyMemory<byte> payload, out CompressionType compression))
        {
            StoreInline(change, inode, ref item, payload.Span, content.Length, compression);
            return;
        }

        byte[] sector = new byte[change.SectorSize];
        content.CopyTo(sector);
        SectorWriter.Write(change, inode, ref item, 0, sector, (ulong)content.Length, encoder);
        item.FileSize = (ulong)content.Length;
    }

    /// <summary>Reads bytes of a file as it is now; what is behind its end is zero.</summary>
    public static void Read(Change change, ulong inode, in InodeItem item, ulong offset, Span<byte> destination)
    {
        destination.Clear();
        if (offset >= item.FileSize.Value)
            return;

        using InodeStream content = new(change.OpenReader(), inode, item.FileSize, (InodeFlags)item.Flags.Value);
        content.Position = (long)offset;
        content.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
    }

    // A file of one sector at most is stored in its leaf as a whole, if it can be.
    private static bool TryWriteInline(
        Change change, ulong inode, ref InodeItem item, DataEncoder encoder, ulong offset, ReadOnlySpan<byte> data, int size)
    {
        Span<byte> content = new byte[size];
        if (offset > 0 || (ulong)data.Length < item.FileSize.Value)
            Read(change, inode, item, 0, content);
        data.CopyTo(content[(int)offset..]);
        if (!encoder.TryEncodeInline(content, out ReadOnlyMemory<byte> payload, out CompressionType compression))
            return false;
        StoreInline(change, inode, ref item, payload.Span, size, compression);
        return true;
    }

    /// <summary>Makes a file's content be one inline extent.</summary>
    public static void StoreInline(
        Change change, ulong inode, ref InodeItem item, ReadOnlySpan<byte> payload, int size, CompressionType compression)
    {
        FileExtents.Drop(change, inode, 0, (ulong)change.SectorSize, ref item);
        FileExtents.InsertInline(change, inode, payload, (ulong)size, compression);
        item.NBytes = item.NBytes + (ulong)size;
        item.FileSize = (ulong)size;
    }

    private static void ReadEdges(Change change, ulong inode, in InodeItem item, ulong first, Span<byte> sectors, int begin, int length)
    {
        int sectorSize = change.SectorSize;
        int end = begin + length;
        if (begin > 0)
            Read(change, inode, item, first, sectors[..begin]);
        if (end % sectorSize != 0)
            Read(change, inode, item, first + (ulong)end, sectors[end..]);
    }
}
