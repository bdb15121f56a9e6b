using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Storage;

/// <summary>
/// Reads file data. Every sector is held against its checksum; a bad or unreadable one is taken from another mirror, in memory.
/// Any thread may call.
/// </summary>
public sealed class DataReader
{
    private readonly LogicalVolume _volume;
    private readonly IChecksum _checksum;
    private readonly int _sectorSize;
    private long _repaired;

    /// <exception cref="UnsupportedFeatureException">The checksum type is unknown.</exception>
    public DataReader(LogicalVolume volume, in Superblock superblock)
    {
        _volume = volume;
        _checksum = Checksums.For(superblock.CsumType);
        _sectorSize = (int)superblock.SectorSize.Value;
    }

    /// <summary>The algorithm of the stored checksums.</summary>
    public ChecksumType ChecksumType => _checksum.Type;

    /// <summary>Bytes of one stored checksum.</summary>
    public int ChecksumSize => _checksum.Size;

    /// <summary>Bytes that one checksum covers.</summary>
    public int SectorSize => _sectorSize;

    /// <summary>Sectors that one mirror at least had wrong or not at all, and another had right.</summary>
    public long Repaired => Interlocked.Read(ref _repaired);

    /// <summary>Fills <paramref name="destination"/>, a whole number of sectors, from a sector's begin.</summary>
    /// <param name="start">A multiple of the sector size.</param>
    /// <param name="destination">Its length is a multiple of the sector size.</param>
    /// <param name="checksums">One for each sector, back to back; empty where the file has none, and then nothing is verified.</param>
    /// <returns>Whether all of it came from where <see cref="MovePages"/> takes it, and no other mirror had to help.</returns>
    /// <exception cref="ChecksumException">No mirror has a sector with its checksum.</exception>
    /// <exception cref="CorruptMetadataException">No chunk maps a part of the range.</exception>
    /// <exception cref="IOException">No mirror of a sector could be read.</exception>
    public bool Read(LogicalAddress start, Span<byte> destination, ReadOnlySpan<byte> checksums)
    {
        Invariant.That(destination.Length % _sectorSize == 0);
        Invariant.That(checksums.IsEmpty || checksums.Length == destination.Length / _sectorSize * _checksum.Size);
        if (start.Value % (ulong)_sectorSize != 0)
            throw new CorruptMetadataException($"corrupt metadata: data at logical address {start} is not a multiple of the sector size {_sectorSize}");

        bool isFirstChoice = true;
        while (!destination.IsEmpty)
        {
            int length = _volume.ContiguousLength(start, destination.Length);
            int sumLength = checksums.IsEmpty ? 0 : length / _sectorSize * _checksum.Size;
            isFirstChoice &= ReadPiece(start, destination[..length], checksums[..sumLength]);
            start += (ulong)length;
            destination = destination[length..];
            checksums = checksums[sumLength..];
        }

        return isFirstChoice;
    }

    /// <inheritdoc cref="LogicalVolume.Prefetch"/>
    public void Prefetch(LogicalAddress start, int length) => _volume.Prefetch(start, length);

    /// <inheritdoc cref="LogicalVolume.MovePages"/>
    public int MovePages(LogicalAddress start, int length, PageStream sink) => _volume.MovePages(start, length, sink);

    private bool ReadPiece(LogicalAddress start, Span<byte> piece, ReadOnlySpan<byte> checksums)
    {
        int preferred = _volume.PreferredMirror(start);
        try
        {
            _volume.Read(start, piece, preferred);
            if (checksums.IsEmpty || _checksum.VerifySectors(piece, _sectorSize, checksums))
                return true;
        }
        catch (IOException)
        {
            // Sector by sector below: what one mirror has unreadable another may have, and the other way round.
        }

        for (int offset = 0; offset < piece.Length; offset += _sectorSize)
        {
            ReadOnlySpan<byte> expected = checksums.IsEmpty ? [] : checksums.Slice(offset / _sectorSize * _checksum.Size, _checksum.Size);
            ReadSector(start + (ulong)offset, piece.Slice(offset, _sectorSize), expected, preferred);
        }

        return false;
    }

    private void ReadSector(LogicalAddress address, Span<byte> sector, ReadOnlySpan<byte> expected, int preferred)
    {
        Span<byte> computed = stackalloc byte[_checksum.Size];
        MirrorFailures? failures = null;
        bool allUnreadable = true;
        int mirrors = _volume.MirrorCount(address);
        for (int attempt = 0; attempt < mirrors; attempt++)
        {
            int mirror = MirrorOrder.Nth(preferred, attempt);
            try
            {
                _volume.Read(address, sector, mirror);
                if (!expected.IsEmpty)
                    _checksum.Compute(sector, computed);
                if (expected.IsEmpty || computed.SequenceEqual(expected))
                {
                    if (failures is not null)
                        Interlocked.Increment(ref _repaired);
                    return;
                }

                allUnreadable = false;
                failures ??= new MirrorFailures();
                failures.Add(mirror, $"have {Checksums.Format(computed)}");
            }
            catch (IOException error)
            {
                failures ??= new MirrorFailures();
                failures.Add(mirror, error.Message);
            }
        }

        if (allUnreadable)
            throw new IOException($"no mirror of the data at logical address {address} can be read: {failures}");

        throw new ChecksumException($"checksum mismatch of the data at logical address {address}: {failures}; expect {Checksums.Format(expected)}");
    }
}
