using System.Runtime.Intrinsics.X86;

namespace Btrfs.Interop;

/// <summary>
/// CRC-32C (Castagnoli). btrfs stores <c>~Update(0xFFFFFFFF, data)</c> for metadata and data; a send stream carries
/// <c>Update(0, data)</c> with no inversion at all.
/// </summary>
public static class Crc32C
{
    // Below this a call into the library costs more than its wider instructions save.
    private const int NativeThresholdBytes = 256;

    /// <summary>The raw register after <paramref name="data"/>; nothing is inverted.</summary>
    public static unsafe uint Update(uint register, ReadOnlySpan<byte> data)
    {
        if (data.Length < NativeThresholdBytes || !NativeLibraryStatus.IsLoaded)
        {
            return Crc32CManaged.Update(register, data);
        }

        fixed (byte* start = data)
        {
            return NativeMethods.btrn_crc32c(register, start, (ulong)data.Length);
        }
    }

    /// <summary>The finished checksum of <paramref name="data"/>, as btrfs stores it.</summary>
    public static uint Hash(ReadOnlySpan<byte> data) => ~Update(uint.MaxValue, data);

    /// <summary>
    /// crc(A || B) from crc(A), crc(B) and the length of B in bytes, without the bytes. Holds for finished checksums, and for raw registers where
    /// B's was started at zero. Repeated equal lengths cost a few nanoseconds.
    /// </summary>
    public static uint Combine(uint registerA, uint registerB, long lengthB)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthB);
        return Pclmulqdq.IsSupported || !NativeLibraryStatus.IsLoaded
            ? Crc32CManaged.Combine(registerA, registerB, (ulong)lengthB)
            : NativeMethods.btrn_crc32c_combine(registerA, registerB, (ulong)lengthB);
    }

    /// <summary>
    /// <c>Update(register, data)</c> for data of <paramref name="length"/> bytes of which only the finished checksum is known: a stored checksum that
    /// was verified once continues a stream's register without a second pass over the data.
    /// </summary>
    public static uint UpdateByChecksum(uint register, uint checksum, long length) =>
        // Finished checksums start from all ones; the difference of the two starting registers is carried over the length.
        Combine(~register, ~checksum, length);

    /// <summary>Finished checksums of consecutive sectors: one for each, and <paramref name="data"/> is exactly as many sectors.</summary>
    public static unsafe void HashSectors(ReadOnlySpan<byte> data, int sectorSize, Span<uint> checksums)
    {
        Sectors.Check(data.Length, sectorSize, checksums.Length, 1);
        if (!NativeLibraryStatus.IsLoaded)
        {
            Crc32CManaged.HashSectors(data, sectorSize, checksums);
            return;
        }

        fixed (byte* start = data)
        fixed (uint* results = checksums)
        {
            NativeMethods.btrn_crc32c_sectors(start, (uint)sectorSize, (ulong)checksums.Length, results);
        }
    }
}
