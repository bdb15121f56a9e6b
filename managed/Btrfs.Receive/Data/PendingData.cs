using Btrfs.Inode.Changes;

namespace Btrfs.Receive.Data;

/// <summary>
/// File data on its way: writes that continue each other are gathered, so that small files take one step of a part, and large ones go in bulk into large extents
/// without being read back. One file at a time, and either plain or encoded.
/// </summary>
internal sealed class PendingData(SubvolumeBatch batch, SubvolumeWriter subvolume) : IDisposable
{
    // Fewer are sooner done without another thread.
    private const int EncodedBeforeBulk = 4;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(SubvolumeBatch.MaxWriteBytes);
    private int _length;
    private ulong _inode;
    private ulong _offset;
    private ulong _end;
    private ExtentWriter? _bulk;

    // Encoded extents that were entered at once, up to _encodedEnd of a file; then the ones that others write.
    private ulong _encodedInode;
    private ulong _encodedEnd;
    private int _encodedCount;
    private EncodedExtentWriter? _encodedBulk;

    public bool IsEmpty => _inode == 0 && _encodedBulk is null;

    /// <summary>Whether other threads are at work, in parts of their own: then the batch must not be touched before <see cref="Flush"/>.</summary>
    public bool IsBulk => _bulk is not null || _encodedBulk is not null;

    /// <summary>Whether data at an offset continues what is pending.</summary>
    public bool IsContinuedBy(ulong inode, ulong offset) => _inode == inode && _end == offset && inode != 0;

    /// <summary>
    /// Whether what is pending may be written after its file was cut to a size. It is where that is within the first sector: for the kernel, too, the data is still in memory by then, and what is
    /// left of the file goes into its leaf.
    /// </summary>
    public bool MayFollowCut(ulong inode, ulong size) =>
        _inode == inode && !IsBulk && _offset == 0 && _end <= size && size <= (ulong)subvolume.Writer.Committed.SectorSize;

    /// <summary>Adds data. What is pending of another place is written first.</summary>
    /// <exception cref="FileOperationException">The file can't be written there.</exception>
    public void Add(ulong inode, ulong offset, ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
            return;
        if (!IsContinuedBy(inode, offset) || offset > long.MaxValue - (ulong)data.Length)
        {
            Flush();
            batch.RequireWritable(inode, offset, (ulong)data.Length);
            _inode = inode;
            _offset = _end = offset;
        }

        if (_bulk is null && data.Length > _buffer.Length - _length)
            StartBulk();
        if (_bulk is not null)
        {
            _bulk.Write(data);
        }
        else
        {
            data.CopyTo(_buffer.AsSpan(_length));
            _length += data.Length;
        }

        _end += (ulong)data.Length;
    }

    /// <summary>Adds a compressed extent, to be stored as it is. What is pending of another place is written first.</summary>
    /// <param name="inode">The file.</param>
    /// <param name="extent">What it is to show.</param>
    /// <param name="data">The extent.</param>
    /// <returns>False where it can't be stored so.</returns>
    /// <exception cref="FileOperationException">The file can't be written there.</exception>
    public bool TryAddEncoded(ulong inode, in EncodedExtent extent, ReadOnlySpan<byte> data)
    {
        bool isNext = inode == _encodedInode && extent.FileOffset == _encodedEnd;
        if (isNext && TryAddToBulk(extent, data))
        {
            _encodedEnd = extent.FileEnd;
            return true;
        }

        int count = isNext && !IsBulk ? _encodedCount + 1 : 1;
        Flush();
        if (!batch.TryWriteEncoded(inode, extent, data))
            return false;
        (_encodedInode, _encodedEnd, _encodedCount) = (inode, extent.FileEnd, count);
        return true;
    }

    /// <summary>Writes what is pending.</summary>
    public void Flush()
    {
        if (_bulk is not null)
            _bulk.Complete();
        else if (_length > 0)
            batch.Write(_inode, _offset, _buffer.AsSpan(0, _length));
        _encodedBulk?.Complete();
        Forget();
    }

    /// <summary>Gives up what is pending.</summary>
    public void Forget()
    {
        _bulk?.Dispose();
        _bulk = null;
        _encodedBulk?.Dispose();
        _encodedBulk = null;
        _encodedInode = 0;
        _length = 0;
        _inode = 0;
    }

    public void Dispose() => Forget();

    // It has parts of its own, on other threads.
    private void StartBulk()
    {
        batch.End();
        _bulk = new ExtentWriter(subvolume, _inode, _offset);
        _bulk.Write(_buffer.AsSpan(0, _length));
        _length = 0;
    }

    private bool TryAddToBulk(in EncodedExtent extent, ReadOnlySpan<byte> data)
    {
        if (_encodedBulk is null)
        {
            if (_encodedCount < EncodedBeforeBulk)
                return false;
            batch.End();
            _encodedBulk = new EncodedExtentWriter(subvolume, _encodedInode, _encodedEnd);
        }

        return _encodedBulk.TryAdd(extent, data);
    }
}
