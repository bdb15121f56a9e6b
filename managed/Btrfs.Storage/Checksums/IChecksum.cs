using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>One of the four checksum algorithms, as a file system uses it for blocks and data. Stateless: any thread may call.</summary>
public interface IChecksum
{
    ChecksumType Type { get; }

    /// <summary>Bytes of one checksum.</summary>
    int Size { get; }

    /// <summary>Writes the <see cref="Size"/> bytes that the disk holds for <paramref name="data"/> to the begin of <paramref name="destination"/>.</summary>
    void Compute(ReadOnlySpan<byte> data, Span<byte> destination);

    /// <summary>Writes one checksum for each sector, back to back.</summary>
    /// <param name="data">A whole number of sectors.</param>
    /// <param name="sectorSize">Bytes.</param>
    /// <param name="sums">Room for one checksum a sector.</param>
    void ComputeSectors(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums);

    /// <summary>Whether every sector has its checksum.</summary>
    bool VerifySectors(ReadOnlySpan<byte> data, int sectorSize, ReadOnlySpan<byte> sums);
}
