using System.Buffers;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Import;

/// <summary>Data of one file that other threads read and write while the walk goes on.</summary>
internal abstract class ImportData
{
    /// <summary>Items that entering it takes.</summary>
    public abstract int Items { get; }

    public abstract long Bytes { get; }

    public abstract void Wait();

    /// <summary>Waits for the threads, and says nothing of how they ended.</summary>
    public void Settle()
    {
        try
        {
            Wait();
        }
        catch (Exception error) when (error is BtrfsException or IOException or OperationCanceledException)
        {
            // Whoever gives the data up has a failure of his own to tell.
        }
    }

    /// <summary>Enters the extents; the inode item is the caller's to put.</summary>
    public abstract void Enter(Change change, ulong inode, ref InodeItem item);

    /// <summary>Gives space back.</summary>
    public abstract void Abandon(Change change);

    /// <summary>Reads to the end of the buffer; what the file doesn't have any more is zero.</summary>
    public static void Fill(ImportContent content, ulong offset, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int read = content.Read(offset, buffer);
            if (read == 0)
            {
                buffer.Clear();
                return;
            }

            offset += (ulong)read;
            buffer = buffer[read..];
        }
    }
}

/// <summary>The content of a small file, which lies in its leaf.</summary>
internal sealed class InlineData(ReadOnlyMemory<byte> payload, ulong size, CompressionType compression) : ImportData
{
    public override int Items => 0;

    public override long Bytes => payload.Length;

    public override void Wait()
    {
    }

    public override void Enter(Change change, ulong inode, ref InodeItem item)
    {
        change.RequireFeature(Properties.FeatureOf(compression));
        FileExtents.InsertInline(change, inode, payload.Span, size, compression);
        item.NBytes = size;
    }

    public override void Abandon(Change change)
    {
    }
}

/// <summary>Plain data: the space is allocated ahead, and each thread carries a stretch of it from the file to the disk.</summary>
internal sealed class PlainData : ImportData
{
    /// <summary>What one thread does at a time, and the buffer for it, which fits the processor's cache.</summary>
    private const int StretchBytes = 4 << 20;
    private const int BufferBytes = 256 << 10;

    [ThreadStatic]
    private static byte[]? s_buffer;

    private readonly List<(ulong FileOffset, DataExtent Place, byte[] Sums)> _extents = [];
    private readonly List<Task> _tasks = [];
    private readonly DataEncoder _encoder;
    private readonly int _sectorSize;
    private long _bytes;

    public PlainData(DataEncoder encoder, int sectorSize)
    {
        _encoder = encoder;
        _sectorSize = sectorSize;
    }

    public override int Items => 2 * _extents.Count;

    public override long Bytes => _bytes;

    /// <summary>Allocates space for a range and sets threads to work on it.</summary>
    /// <param name="part">Ended by the caller.</param>
    /// <param name="content">The file.</param>
    /// <param name="begin">A multiple of the sector size.</param>
    /// <param name="end">The same; it may lie behind the end of the file.</param>
    /// <param name="cancellation">Ends the threads early.</param>
    public void Add(Transaction part, ImportContent content, ulong begin, ulong end, CancellationToken cancellation)
    {
        while (begin < end)
        {
            DataExtent place = part.AllocateData(Math.Min(end - begin, FormatLimits.MaxExtentSize), (ulong)_sectorSize);
            byte[] sums = new byte[(int)(place.Bytes / (ulong)_sectorSize) * (_encoder.Checksum?.Size ?? 0)];
            _extents.Add((begin, place, sums));
            for (ulong done = 0; done < place.Bytes; done += StretchBytes)
            {
                ulong from = begin;
                ulong offset = done;
                _tasks.Add(Task.Run(() => Carry(part.Writer, content, from, place, sums, offset, cancellation), cancellation));
            }

            begin += place.Bytes;
            _bytes += (long)place.Bytes;
        }
    }

    public override void Wait()
    {
        // All of them, also where one has failed: they use what is given up afterwards.
        Task.WhenAll(_tasks).GetAwaiter().GetResult();
    }

    public override void Enter(Change change, ulong inode, ref InodeItem item)
    {
        foreach ((ulong fileOffset, DataExtent place, byte[] sums) in _extents)
            SectorWriter.EnterNew(change, inode, ref item, new PlacedPiece(fileOffset, (int)place.Bytes, CompressionType.None, place, sums));
    }

    public override void Abandon(Change change)
    {
        foreach ((_, DataExtent place, _) in _extents)
            change.Part.ReturnData(place);
    }

    private void Carry(FsWriter writer, ImportContent content, ulong begin, DataExtent place, byte[] sums, ulong from, CancellationToken cancellation)
    {
        byte[] buffer = s_buffer ??= GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
        ulong end = Math.Min(from + StretchBytes, place.Bytes);
        int sumSize = _encoder.Checksum?.Size ?? 0;
        for (ulong offset = from; offset < end; offset += BufferBytes)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<byte> data = buffer.AsSpan(0, (int)Math.Min(BufferBytes, end - offset));
            Fill(content, begin + offset, data);
            _encoder.Checksum?.ComputeSectors(data, _sectorSize, sums.AsSpan((int)(offset / (ulong)_sectorSize) * sumSize, data.Length / _sectorSize * sumSize));
            writer.WriteData(place.Start + offset, data);
        }
    }
}

/// <summary>Data that is compressed: how much space it takes shows afterwards, so it is allocated and written where it is entered, in the order of the walk.</summary>
internal sealed class CompressedData : ImportData
{
    /// <summary>Files are cut into so much at once.</summary>
    public const int MaxBytes = 2 << 20;

    private readonly DataEncoder _encoder;
    private readonly int _length;
    private readonly byte[] _buffer;
    private readonly Task<IReadOnlyList<EncodedPiece>> _encoding;

    public CompressedData(DataEncoder encoder, ImportContent content, ulong begin, ulong end, CancellationToken cancellation)
    {
        _encoder = encoder;
        _length = (int)(end - begin);
        _buffer = ArrayPool<byte>.Shared.Rent(_length);
        _encoding = Task.Run(
            () =>
            {
                Fill(content, begin, _buffer.AsSpan(0, _length));
                return _encoder.Encode(begin, _buffer.AsMemory(0, _length));
            },
            cancellation);
    }

    public override int Items => 2 * (_length / FormatLimits.MaxCompressedExtent + 1);

    public override long Bytes => _length;

    public override void Wait() => _encoding.GetAwaiter().GetResult();

    public override void Enter(Change change, ulong inode, ref InodeItem item)
    {
        change.RequireFeature(Properties.FeatureOf(_encoder.Compression));
        foreach (EncodedPiece piece in _encoding.Result)
        {
            ulong at = piece.FileOffset;
            foreach ((DataExtent place, ReadOnlyMemory<byte> stored) in SectorWriter.Allocate(piece, change.SectorSize, change.AllocateData))
            {
                change.Part.Writer.WriteData(place.Start, stored.Span);
                int fileBytes = piece.Compression == CompressionType.None ? stored.Length : piece.FileBytes;
                SectorWriter.EnterNew(change, inode, ref item, new PlacedPiece(at, fileBytes, piece.Compression, place, _encoder.Sum(stored.Span)));
                at += (ulong)fileBytes;
            }
        }

        ArrayPool<byte>.Shared.Return(_buffer);
    }

    public override void Abandon(Change change)
    {
    }
}
