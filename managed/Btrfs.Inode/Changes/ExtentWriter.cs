using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>
/// Writes a run of a file in bulk: data is gathered, and while the caller brings more, what is there is compressed, checksummed and written by other
/// threads, outside of any transaction. A short part of a transaction enters each batch in the trees once it is on its way to the disk.
/// Not thread-safe. Without <see cref="Complete"/> the last batches are lost.
/// </summary>
public sealed class ExtentWriter : IDisposable
{
    private const int BatchBytes = 2 << 20;

    /// <summary>An inline extent becomes a sector, the last sector is zeroed, a hole is filled.</summary>
    private const int ItemsToStart = 32;

    private readonly SubvolumeWriter _subvolume;
    private readonly WriteOptions _options;
    private readonly ulong _inode;
    private readonly ulong _begin;
    private readonly PlainRun _plain;
    private byte[] _filling = new byte[BatchBytes];
    private byte[] _spare = [];
    private int _filled;

    // The first batch is cut such that the others begin with a sector.
    private int _capacity;

    // Where the batch that is being filled begins in the file; whole sectors once the first was sent off.
    private ulong _position;
    private DataEncoder? _encoder;
    private Task _working = Task.CompletedTask;

    /// <param name="subvolume">Where the file is.</param>
    /// <param name="inode">A regular file that nobody else writes to meanwhile.</param>
    /// <param name="offset">Where in the file the data begins, in bytes.</param>
    /// <param name="options">How it is stored.</param>
    public ExtentWriter(SubvolumeWriter subvolume, ulong inode, ulong offset = 0, WriteOptions? options = null)
    {
        _subvolume = subvolume;
        _inode = inode;
        _options = options ?? subvolume.Writing;
        _begin = _position = offset;
        _capacity = BatchBytes - (int)(offset % (ulong)subvolume.Writer.Committed.SectorSize);
        _plain = new PlainRun(subvolume, inode);
    }

    /// <summary>Takes more data, and waits only where the disk or the processors are behind.</summary>
    /// <exception cref="FileOperationException">The file can't be written.</exception>
    /// <exception cref="NoSpaceException">There is no room; what was entered before stays.</exception>
    /// <exception cref="IOException">A batch could not be written.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (_filled == _capacity)
                SendOff();
            int length = Math.Min(data.Length, _capacity - _filled);
            data[..length].CopyTo(_filling.AsSpan(_filled));
            _filled += length;
            data = data[length..];
        }
    }

    /// <summary>Writes the rest. All of it is durable after the next commit.</summary>
    public void Complete()
    {
        Wait();
        _plain.Finish();
        if (_filled > 0)
            WriteInPart(_filling.AsSpan(0, _filled));
        Advance();
    }

    /// <summary>Waits for what is under way, and gives back what was allocated in vain.</summary>
    public void Dispose()
    {
        try
        {
            _working.GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is BtrfsException or IOException)
        {
            // The caller has had it from Write or Complete, or is unwinding from something worse.
        }

        _plain.Dispose();
    }

    private void SendOff()
    {
        Wait();
        if (_encoder is null && !TryStart())
        {
            WriteInPart(_filling.AsSpan(0, _filled));
            Advance();
            return;
        }

        (byte[] batch, _filling) = (_filling, _spare.Length > 0 ? _spare : new byte[BatchBytes]);
        _spare = batch;
        ulong position = _position;
        ulong done = position - _begin;
        ulong ahead = _options.ExpectedBytes > done ? _options.ExpectedBytes - done : 0;
        int length = _filled;
        Advance();
        _working = Task.Run(() => Process(position, batch.AsMemory(0, length), ahead));
    }

    private void Advance()
    {
        _position += (ulong)_filled;
        _filled = 0;
        _capacity = BatchBytes;
    }

    // Again and again where it failed: without that batch nothing after it may be entered.
    private void Wait() => _working.GetAwaiter().GetResult();

    /// <summary>Makes the file ready for whole sectors from the batch on; false where each batch must go through the file's own rules.</summary>
    private bool TryStart()
    {
        using Transaction part = _subvolume.Writer.Begin(ItemsToStart);
        Change change = new(part, _subvolume);
        InodeItem item = change.GetWritableFile(_inode);
        SubvolumeWriter.RequireWritable(change, _inode, item, _position, (ulong)_filled);
        if (Change.Has(item, InodeFlags.NoDataCow | InodeFlags.Prealloc) || change.AlignDown(_position) != _position)
            return false;

        FileContent.Expand(change, _inode, ref item, _position);
        DataEncoder encoder = DataEncoder.For(change, _inode, item, _options);
        FileContent.SpreadInline(change, _inode, ref item, encoder);
        if (part.HasChanged)
            change.PutInode(_inode, ref item);
        change.Finish();
        part.Complete();
        _encoder = encoder;
        return true;
    }

    private void Process(ulong position, ReadOnlyMemory<byte> batch, ulong ahead)
    {
        DataEncoder encoder = _encoder!;
        if (encoder.Compression == CompressionType.None)
        {
            _plain.Append(position, batch.Span, ahead, encoder);
            return;
        }

        IReadOnlyList<EncodedPiece> pieces = encoder.Encode(position, batch);
        List<(PlacedPiece Piece, ReadOnlyMemory<byte> Stored)> placed = [];
        try
        {
            Place(pieces, placed);
            Parallel.For(0, placed.Count, index =>
            {
                (PlacedPiece piece, ReadOnlyMemory<byte> stored) = placed[index];
                placed[index] = (piece with { Sums = encoder.Sum(stored.Span) }, stored);
                _subvolume.Writer.WriteData(piece.Place.Start, stored.Span);
            });
            BatchEntry.Enter(_subvolume, _inode, placed.ConvertAll(one => one.Piece));
        }
        catch (AggregateException error)
        {
            BatchEntry.GiveBack(_subvolume.Writer, placed.ConvertAll(one => one.Piece.Place));
            throw new IOException($"inode {_inode} of subvolume {_subvolume.RootId} at {position}: {error.InnerException!.Message}", error);
        }
        catch (NoSpaceException)
        {
            BatchEntry.GiveBack(_subvolume.Writer, placed.ConvertAll(one => one.Piece.Place));
            throw;
        }
    }

    private void Place(IReadOnlyList<EncodedPiece> pieces, List<(PlacedPiece Piece, ReadOnlyMemory<byte> Stored)> placed)
    {
        using Transaction part = _subvolume.Writer.Begin(0);
        int sectorSize = part.Writer.Committed.SectorSize;
        foreach (EncodedPiece piece in pieces)
        {
            ulong at = piece.FileOffset;
            foreach ((DataExtent place, ReadOnlyMemory<byte> stored) in SectorWriter.Allocate(piece, sectorSize, part.AllocateData))
            {
                int fileBytes = piece.Compression == CompressionType.None ? stored.Length : piece.FileBytes;
                placed.Add((new PlacedPiece(at, fileBytes, piece.Compression, place, default), stored));
                at += (ulong)fileBytes;
            }
        }

        part.Complete();
    }

    // A beginning or an end within a sector, and small files: the part reads what is around it, and may store it inline.
    private void WriteInPart(ReadOnlySpan<byte> data) => _subvolume.WriteBatch(_inode, _position, data, _options);
}
