using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>
/// Plain data that is written batch by batch into extents which are larger than a batch: space is allocated ahead, and an extent is entered in the
/// trees when it is full. Used by one thread at a time.
/// </summary>
internal sealed class PlainRun(SubvolumeWriter subvolume, ulong inode) : IDisposable
{
    private const ulong FirstBytes = 4 << 20;

    private DataExtent _place;
    private ulong _fileOffset;
    private ulong _used;
    // Where nobody knows how much is to come, each extent is twice as large as the one before.
    private ulong _nextBytes = FirstBytes;
    private byte[] _sums = [];
    private int _sumBytes;

    /// <param name="position">Where in the file; behind what was appended before.</param>
    /// <param name="data">Whole sectors.</param>
    /// <param name="ahead">Bytes that are expected from this position on; 0 if that is not known.</param>
    /// <param name="encoder">For checksums.</param>
    public void Append(ulong position, ReadOnlySpan<byte> data, ulong ahead, DataEncoder encoder)
    {
        while (!data.IsEmpty)
        {
            if (_used == _place.Bytes)
            {
                Finish();
                Allocate(position, Math.Max(ahead, _nextBytes), encoder);
            }

            int length = (int)Math.Min((ulong)data.Length, _place.Bytes - _used);
            byte[] sums = encoder.Sum(data[..length]);
            subvolume.Writer.WriteData(_place.Start + _used, data[..length]);
            sums.CopyTo(_sums, _sumBytes);
            _sumBytes += sums.Length;
            _used += (ulong)length;
            position += (ulong)length;
            ahead -= Math.Min(ahead, (ulong)length);
            data = data[length..];
        }
    }

    /// <summary>Enters what was written, and gives back the rest of the space.</summary>
    public void Finish()
    {
        if (_place.Bytes > _used)
            BatchEntry.GiveBack(subvolume.Writer, [new DataExtent(_place.Start + _used, _place.Bytes - _used)]);
        _place = _place with { Bytes = _used };
        if (_used > 0)
            BatchEntry.Enter(subvolume, inode, [new PlacedPiece(_fileOffset, (int)_used, CompressionType.None, _place, _sums.AsSpan(0, _sumBytes).ToArray())]);
        _place = default;
        _used = 0;
    }

    /// <summary>Gives space back that was not entered.</summary>
    public void Dispose()
    {
        if (_place.Bytes > 0)
            BatchEntry.GiveBack(subvolume.Writer, [_place]);
        _place = default;
        _used = 0;
    }

    private void Allocate(ulong position, ulong wanted, DataEncoder encoder)
    {
        using Transaction part = subvolume.Writer.Begin(0);
        int sectorSize = part.Writer.Committed.SectorSize;
        ulong bytes = Math.Min((wanted + (ulong)sectorSize - 1) / (ulong)sectorSize * (ulong)sectorSize, FormatLimits.MaxExtentSize);
        _place = part.AllocateData(bytes, (ulong)sectorSize);
        part.Complete();
        _nextBytes = Math.Min(2 * _nextBytes, FormatLimits.MaxExtentSize);
        _fileOffset = position;
        _used = 0;
        _sumBytes = 0;
        int room = (int)(_place.Bytes / (ulong)sectorSize) * (encoder.Checksum?.Size ?? 0);
        if (_sums.Length < room)
            _sums = new byte[room];
    }
}
