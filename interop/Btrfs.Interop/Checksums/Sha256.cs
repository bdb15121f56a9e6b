using System.Security.Cryptography;

namespace Btrfs.Interop;

/// <summary>SHA-256.</summary>
public static class Sha256
{
    /// <summary>Size of a digest, in bytes.</summary>
    public const int SizeBytes = 32;

    /// <summary>Writes the 32-byte digest of <paramref name="data"/>.</summary>
    public static unsafe void Hash(ReadOnlySpan<byte> data, Span<byte> digest)
    {
        Sectors.CheckDigest(digest.Length, SizeBytes);
        if (!NativeLibraryStatus.IsLoaded)
        {
            SHA256.HashData(data, digest);
            return;
        }

        fixed (byte* start = data)
        fixed (byte* result = digest)
        {
            NativeMethods.btrn_sha256_sectors(start, (ulong)data.Length, 1, result);
        }
    }

    /// <summary>Digests, 32 bytes each, of consecutive sectors; <paramref name="data"/> is exactly as many sectors.</summary>
    public static unsafe void HashSectors(ReadOnlySpan<byte> data, int sectorSize, Span<byte> digests)
    {
        Sectors.Check(data.Length, sectorSize, digests.Length, SizeBytes);
        if (!NativeLibraryStatus.IsLoaded)
        {
            for (int i = 0; i < data.Length / sectorSize; i++)
            {
                SHA256.HashData(data.Slice(i * sectorSize, sectorSize), digests.Slice(i * SizeBytes, SizeBytes));
            }

            return;
        }

        fixed (byte* start = data)
        fixed (byte* results = digests)
        {
            NativeMethods.btrn_sha256_sectors(start, (ulong)sectorSize, (ulong)(data.Length / sectorSize), results);
        }
    }
}
