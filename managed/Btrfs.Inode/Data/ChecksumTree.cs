using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Inode.Data;

/// <summary>
/// Looks up the checksums of data sectors. An item holds a run of them: key (ExtentCsum, ExtentCsum, logical address), and one
/// checksum for each sector from there on. Not thread-safe.
/// </summary>
public sealed class ChecksumTree
{
    private readonly TreeCursor _cursor;
    private readonly int _checksumSize;
    private readonly int _sectorSize;

    public ChecksumTree(FsInfo fs)
    {
        _cursor = fs.OpenCursor(fs.GetRoot(ObjectIds.CsumTree).Tree);
        _checksumSize = fs.Data.ChecksumSize;
        _sectorSize = fs.SectorSize;
    }

    public int ChecksumSize => _checksumSize;

    /// <summary>Copies the checksums of <paramref name="sums"/>.Length / <see cref="ChecksumSize"/> sectors from <paramref name="start"/> on.</summary>
    /// <exception cref="ChecksumException">A sector in the range has none.</exception>
    public void Read(LogicalAddress start, Span<byte> sums)
    {
        ulong address = start.Value;
        while (!sums.IsEmpty)
        {
            ReadOnlySpan<byte> run = FindRun(address, out ulong runStart);
            int skip = (int)((address - runStart) / (ulong)_sectorSize) * _checksumSize;
            int take = Math.Min(run.Length - skip, sums.Length);
            run.Slice(skip, take).CopyTo(sums);
            sums = sums[take..];
            address += (ulong)(take / _checksumSize * _sectorSize);
        }
    }

    /// <summary>For how many bytes from <paramref name="start"/> on checksums stand in one item.</summary>
    /// <exception cref="ChecksumException">There is none for the first sector.</exception>
    public ulong RunLength(LogicalAddress start)
    {
        int bytes = FindRun(start.Value, out ulong runStart).Length;
        return runStart + (ulong)(bytes / _checksumSize) * (ulong)_sectorSize - start.Value;
    }

    private ReadOnlySpan<byte> FindRun(ulong address, out ulong runStart)
    {
        // Reads go forwards: mostly the run in hand, or the one behind it.
        if (Holds(address, out runStart))
            return _cursor.Data;
        if (_cursor.SeekFloor(new Key(ObjectIds.ExtentCsum, ItemType.ExtentCsum, address)) && Holds(address, out runStart))
            return _cursor.Data;
        throw new ChecksumException($"no checksum is stored for the data at logical {address}");
    }

    private bool Holds(ulong address, out ulong runStart)
    {
        runStart = 0;
        if (!_cursor.IsValid || _cursor.Key.Type != ItemType.ExtentCsum)
            return false;

        runStart = _cursor.Key.Offset;
        ulong bytes = (ulong)(_cursor.Data.Length / _checksumSize) * (ulong)_sectorSize;
        return address >= runStart && address - runStart < bytes;
    }
}
