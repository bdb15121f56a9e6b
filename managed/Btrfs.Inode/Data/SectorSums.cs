using System.Buffers.Binary;
using Btrfs.Interop;

namespace Btrfs.Inode.Data;

/// <summary>What follows from stored crc32c checksums of sectors without another pass over the data.</summary>
/// <param name="sectorSize">In bytes.</param>
internal readonly struct SectorSums(int sectorSize)
{
    private readonly Crc32CShift _overSector = new(sectorSize);

    /// <summary>The crc32c register, begun at zero and not inverted, of sectors with these checksums: what a command of a stream carries.</summary>
    /// <param name="sums">As stored, back to back.</param>
    /// <param name="register">Of what comes before.</param>
    public uint Register(ReadOnlySpan<byte> sums, uint register = 0)
    {
        for (; !sums.IsEmpty; sums = sums[sizeof(uint)..])
            register = _overSector.UpdateByChecksum(register, BinaryPrimitives.ReadUInt32LittleEndian(sums));
        return register;
    }
}
