using System.Buffers.Binary;

namespace Btrfs.Interop;

/// <summary>xxHash64 with seed 0. btrfs stores it little-endian.</summary>
public static class XxHash64
{
    /// <summary>Size of a stored checksum, in bytes.</summary>
    public const int SizeBytes = 8;

    /// <summary>The hash of <paramref name="data"/>.</summary>
    public static unsafe ulong Hash(ReadOnlySpan<byte> data)
    {
        if (!NativeLibraryStatus.IsLoaded)
        {
            return XxHash64Managed.Hash(data);
        }

        ulong result;
        fixed (byte* start = data)
        {
            NativeMethods.btrn_xxhash64_sectors(start, (ulong)data.Length, 1, &result);
        }

        return result;
    }

    /// <summary>Writes the hash as its 8 stored bytes.</summary>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> checksum)
    {
        Sectors.CheckDigest(checksum.Length, SizeBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, Hash(data));
    }

    /// <summary>Stored checksums, 8 bytes each, of consecutive sectors; <paramref name="data"/> is exactly as many sectors.</summary>
    public static unsafe void HashSectors(ReadOnlySpan<byte> data, int sectorSize, Span<byte> checksums)
    {
        Sectors.Check(data.Length, sectorSize, checksums.Length, SizeBytes);
        if (!NativeLibraryStatus.IsLoaded || !BitConverter.IsLittleEndian)
        {
            for (int i = 0; i < data.Length / sectorSize; i++)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(checksums[(i * SizeBytes)..], XxHash64Managed.Hash(data.Slice(i * sectorSize, sectorSize)));
            }

            return;
        }

        fixed (byte* start = data)
        fixed (byte* results = checksums)
        {
            NativeMethods.btrn_xxhash64_sectors(start, (ulong)sectorSize, (ulong)(data.Length / sectorSize), (ulong*)results);
        }
    }
}
