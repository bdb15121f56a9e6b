using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>
/// Enters compressed extents that continue one another in a file in bulk: they are gathered in batches, neighbours on the disk as far as there is room, which another thread writes one after
/// the other while the caller brings more. What is written is entered in short parts of its own. The counterpart of <see cref="ExtentWriter"/> for data that comes encoded.
/// Not thread-safe. Without <see cref="Complete"/> the last extents are lost.
/// </summary>
/// <remarks>
/// To write costs about as much as all else that a receive does to the data, so the caller's thread does all else: allocates, sums and enters. Several batches lie between the two,
/// or each would wait for the other in turn.
/// </remarks>
public sealed class EncodedExtentWriter : IDisposable
{
    private const int BatchBytes = 1 << 20;
    private const int MaxUnderWay = 3;
    private const int ItemsOfExtent = 6;

    private readonly SubvolumeWriter _subvolume;
    private readonly ulong _inode;
    private readonly int _sectorSize;
    private readonly DataEncoder? _encoder;
    private readonly ulong _size;

    // In the order of the file.
    private readonly Queue<EncodedBatch> _underWay = new(MaxUnderWay + 1);
    private EncodedBatch? _filling;
    private ulong _position;

    // The last of a chain: after a batch that could not be written, none is.
    private Task _writing = Task.CompletedTask;

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

    /// <summary>Takes one more extent, and waits only where the disk is behind.</summary>
    /// <param name="extent">What the file is to show.</param>
    /// <param name="data">As it is to lie on the disk: it was decoded once, so it can be.</param>
    /// <returns>False where it does not continue those before, or can't be stored as it is.</returns>
    /// <exception cref="NoSpaceException">There is no room; what was entered before stays.</exception>
    /// <exception cref="IOException">A batch could not be written; none after it will be.</exception>
    public bool TryAdd(in EncodedExtent extent, ReadOnlySpan<byte> data)
    {
        if (_encoder is null || extent.FileOffset != _position || extent.FileBytes > (ulong)long.MaxValue - _position
            || !extent.IsStorable(data.Length, Math.Max(_size, _position), _sectorSize))
            return false;

        int bytes = (data.Length + _sectorSize - 1) / _sectorSize * _sectorSize;
        if (_filling?.Room < bytes)
            SendOff();
        _filling ??= new EncodedBatch(BatchBytes, _sectorSize, _encoder);
        _filling.Add(extent, data, bytes);
        _position += extent.FileBytes;
        return true;
    }

    /// <summary>Writes the rest. All of it is durable after the next commit.</summary>
    /// <exception cref="NoSpaceException">There is no room; what was entered before stays.</exception>
    /// <exception cref="IOException">A batch could not be written.</exception>
    public void Complete()
    {
        SendOff();
        while (_underWay.Count > 0)
            FinishOldest();
    }

    /// <summary>Waits for what is under way, and gives back what was allocated in vain.</summary>
    public void Dispose()
    {
        foreach (EncodedBatch batch in _underWay)
        {
            // What it ends with the caller has had from TryAdd or Complete, or is unwinding from something worse.
            Task.WaitAny(batch.Written);
            BatchEntry.GiveBack(_subvolume.Writer, batch.Places);
            batch.Dispose();
        }

        _underWay.Clear();
        _filling?.Dispose();
        _filling = null;
    }

    private void SendOff()
    {
        if (_filling is not { } batch)
            return;

        if (_underWay.Count == MaxUnderWay)
            FinishOldest();
        Place(batch);
        _underWay.Enqueue(batch);
        _filling = null;
        batch.Written = _writing = _writing.ContinueWith(before => Write(before, batch), TaskScheduler.Default);
    }

    private void Write(Task before, EncodedBatch batch)
    {
        before.GetAwaiter().GetResult();
        int done = 0;
        foreach (DataExtent place in batch.Places)
        {
            _subvolume.Writer.WriteData(place.Start, batch.Bytes.Slice(done, (int)place.Bytes));
            done += (int)place.Bytes;
        }
    }

    private void FinishOldest()
    {
        EncodedBatch batch = _underWay.Peek();
        batch.Written.GetAwaiter().GetResult();
        Enter(batch);
        _underWay.Dequeue().Dispose();
    }

    // As many neighbours as there is room for come to lie in one place; an extent is never split.
    private void Place(EncodedBatch batch)
    {
        try
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
                batch.Places.Add(found with { Bytes = (ulong)used });
                rest -= used;
            }

            part.Complete();
        }
        catch (NoSpaceException)
        {
            BatchEntry.GiveBack(_subvolume.Writer, batch.Places);
            batch.Places.Clear();
            throw;
        }
    }

    private void Enter(EncodedBatch batch)
    {
        using Transaction part = _subvolume.Writer.Begin(batch.Extents.Count * ItemsOfExtent);
        Change change = new(part, _subvolume);
        InodeItem item = change.GetWritableFile(_inode);
        ReadOnlySpan<byte> sums = batch.Sums;
        int index = 0;
        foreach (DataExtent place in batch.Places)
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
}
