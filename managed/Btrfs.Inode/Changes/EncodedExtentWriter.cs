using System.Buffers;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>
/// Enters compressed extents that continue one another in a file in bulk: while the caller brings more, those that are there are checksummed and written by another thread, neighbours
/// on the disk as far as there is room, and entered in short parts of its own. The counterpart of <see cref="ExtentWriter"/> for data that comes encoded.
/// Not thread-safe. Without <see cref="Complete"/> the last extents are lost.
/// </summary>
public sealed class EncodedExtentWriter : IDisposable
{
    private const int BatchBytes = 2 << 20;
    private const int ItemsOfExtent = 6;

    private readonly SubvolumeWriter _subvolume;
    private readonly ulong _inode;
    private readonly int _sectorSize;
    private readonly DataEncoder? _encoder;
    private readonly ulong _size;
    private ulong _position;
    private Batch _filling = new(BatchBytes);
    private Batch _spare = new(BatchBytes);
    private Task _working = Task.CompletedTask;

    /// <param name="subvolume">Where the file is.</param>
    /// <param name="inode">A regular file that nobody else writes to meanwhile.</param>
    /// <param name="offset">Where in the file the first extent is to begin: not 0, and not behind the file's end.</param>
    /// <exception cref="FileOperationException">The file can't be written.</exception>
    public EncodedExtentWriter(SubvolumeWriter subvolume, ulong inode, ulong offset)
    {
        Invariant.That(offset > 0);
        _subvolume = subvolume;
        _inode = inode;
        _position = offset;
        _sectorSize = subvolume.Writer.Committed.SectorSize;
        using Transaction part = subvolume.Writer.Begin(0);
        Change change = new(part, subvolume);
        InodeItem item = change.GetWritableFile(inode);
        _size = item.FileSize;
        if (offset <= _size && !Change.Has(item, InodeFlags.NoDataSum | InodeFlags.Append) && !FileExtents.TryGetInline(change, inode, out _))
            _encoder = DataEncoder.For(change, item, null, WriteOptions.Default);
    }

    /// <summary>Takes one more extent, and waits only where the disk or the processors are behind.</summary>
    /// <param name="extent">What the file is to show.</param>
    /// <param name="data">As it is to lie on the disk: it was decoded once, so it can be.</param>
    /// <returns>False where it does not continue those before, or can't be stored as it is.</returns>
    /// <exception cref="NoSpaceException">There is no room; what was entered before stays.</exception>
    /// <exception cref="IOException">A batch could not be written.</exception>
    public bool TryAdd(in EncodedExtent extent, ReadOnlySpan<byte> data)
    {
        if (_encoder is null || extent.FileOffset != _position || extent.FileBytes > (ulong)long.MaxValue - _position
            || !extent.IsStorable(data.Length, Math.Max(_size, _position), _sectorSize))
            return false;

        int bytes = (data.Length + _sectorSize - 1) / _sectorSize * _sectorSize;
        if (bytes > BatchBytes - _filling.Length)
            SendOff();
        _filling.Add(extent, data, bytes);
        _position += extent.FileBytes;
        return true;
    }

    /// <summary>Writes the rest. All of it is durable after the next commit.</summary>
    public void Complete()
    {
        Wait();
        if (_filling.Length > 0)
            Process(_filling);
        _filling.Clear();
    }

    /// <summary>Waits for what is under way.</summary>
    public void Dispose()
    {
        try
        {
            _working.GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is BtrfsException or IOException)
        {
            // The caller has had it from TryAdd or Complete, or is unwinding from something worse.
        }

        _filling.Dispose();
        _spare.Dispose();
    }

    private void SendOff()
    {
        Wait();
        (Batch batch, _filling) = (_filling, _spare);
        _spare = batch;
        _filling.Clear();
        _working = Task.Run(() => Process(batch));
    }

    private void Wait()
    {
        Task working = _working;
        _working = Task.CompletedTask;
        working.GetAwaiter().GetResult();
    }

    private void Process(Batch batch)
    {
        List<DataExtent> places = [];
        try
        {
            Place(batch, places);
            byte[] sums = _encoder!.Sum(batch.Bytes);
            int done = 0;
            foreach (DataExtent place in places)
            {
                _subvolume.Writer.WriteData(place.Start, batch.Bytes.Slice(done, (int)place.Bytes));
                done += (int)place.Bytes;
            }

            Enter(batch, places, sums);
        }
        catch (Exception error) when (error is NoSpaceException or IOException)
        {
            BatchEntry.GiveBack(_subvolume.Writer, places);
            throw;
        }
    }

    // As many neighbours as there is room for come to lie in one place; an extent is never split.
    private void Place(Batch batch, List<DataExtent> places)
    {
        using Transaction part = _subvolume.Writer.Begin(0);
        int rest = batch.Length;
        for (int index = 0; index < batch.Extents.Count;)
        {
            DataExtent found = part.AllocateData((ulong)rest, (ulong)batch.Extents[index].Bytes);
            int used = 0;
            for (; index < batch.Extents.Count && used + batch.Extents[index].Bytes <= (int)found.Bytes; index++)
                used += batch.Extents[index].Bytes;
            if (used < (int)found.Bytes)
                part.ReturnData(new DataExtent(found.Start + (ulong)used, found.Bytes - (ulong)used));
            places.Add(found with { Bytes = (ulong)used });
            rest -= used;
        }

        part.Complete();
    }

    private void Enter(Batch batch, List<DataExtent> places, ReadOnlySpan<byte> sums)
    {
        using Transaction part = _subvolume.Writer.Begin(batch.Extents.Count * ItemsOfExtent);
        Change change = new(part, _subvolume);
        InodeItem item = change.GetWritableFile(_inode);
        int index = 0;
        foreach (DataExtent place in places)
        {
            int sumBytes = (int)place.Bytes / _sectorSize * _encoder!.Checksum!.Size;
            part.InsertChecksums(place.Start, sums[..sumBytes]);
            sums = sums[sumBytes..];
            for (ulong used = 0; used < place.Bytes; index++)
            {
                (EncodedExtent extent, int bytes) = batch.Extents[index];
                change.RequireFeature(Properties.FeatureOf(extent.Compression));
                EncodedWriteOperation.EnterWithoutSums(change, _inode, ref item, extent, new DataExtent(place.Start + used, (ulong)bytes));
                used += (ulong)bytes;
            }
        }

        item.MTime = change.Now;
        item.CTime = change.Now;
        change.PutInode(_inode, ref item);
        change.Finish();
        part.Complete();
    }

    // Extents one behind the other, each with zeros up to the end of its last sector.
    private sealed class Batch(int capacity) : IDisposable
    {
        private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity);

        public List<(EncodedExtent Extent, int Bytes)> Extents { get; } = [];

        public int Length { get; private set; }

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

        public void Add(in EncodedExtent extent, ReadOnlySpan<byte> data, int bytes)
        {
            Span<byte> sectors = _bytes.AsSpan(Length, bytes);
            data.CopyTo(sectors);
            sectors[data.Length..].Clear();
            Extents.Add((extent, bytes));
            Length += bytes;
        }

        public void Clear()
        {
            Extents.Clear();
            Length = 0;
        }

        public void Dispose()
        {
            Clear();
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }
}
