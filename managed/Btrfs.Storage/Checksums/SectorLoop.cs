namespace Btrfs.Storage;

/// <summary>Sector by sector, for algorithms that have no batched form.</summary>
internal static class SectorLoop
{
    public static void Compute(IChecksum checksum, ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums)
    {
        for (int offset = 0; offset < data.Length; offset += sectorSize)
        {
            checksum.Compute(data.Slice(offset, sectorSize), sums);
            sums = sums[checksum.Size..];
        }
    }

    public static bool Verify(IChecksum checksum, ReadOnlySpan<byte> data, int sectorSize, ReadOnlySpan<byte> sums)
    {
        Span<byte> computed = stackalloc byte[checksum.Size];
        for (int offset = 0; offset < data.Length; offset += sectorSize)
        {
            checksum.Compute(data.Slice(offset, sectorSize), computed);
            if (!computed.SequenceEqual(sums[..checksum.Size]))
                return false;

            sums = sums[checksum.Size..];
        }

        return true;
    }
}
