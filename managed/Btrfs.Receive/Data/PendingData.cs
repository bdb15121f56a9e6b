using Btrfs.Inode.Changes;

namespace Btrfs.Receive.Data;

/// <summary>
/// File data on its way: writes that continue each other are gathered, so that small files take one step of a part, and large ones go in bulk into large extents
/// without being read back. One file at a time.
/// </summary>
internal sealed class PendingData(SubvolumeBatch batch, SubvolumeWriter subvolume) : IDisposable
{
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(SubvolumeBatch.MaxWriteBytes);
    private int _length;
    private ulong _inode;
    private ulong _offset;
    private ulong _end;
    private ExtentWriter? _bulk;

    public bool IsEmpty => _inode == 0;

    /// <summary>Whether other threads are at work, in parts of their own: then the batch must not be touched before <see cref="Flush"/>.</summary>
    public bool IsBulk => _bulk is not null;

    /// <summary>Whether data at an offset continues what is pending.</summary>
    public bool IsContinuedBy(ulong inode, ulong offset) => _inode == inode && _end == offset && inode != 0;

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

    /// <summary>Writes what is pending.</summary>
    public void Flush()
    {
        if (_bulk is not null)
            _bulk.Complete();
        else if (_length > 0)
            batch.Write(_inode, _offset, _buffer.AsSpan(0, _length));
        Forget();
    }

    /// <summary>Gives up what is pending.</summary>
    public void Forget()
    {
        _bulk?.Dispose();
        _bulk = null;
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
}
