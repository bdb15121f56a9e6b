namespace Btrfs.Interop;

/// <summary>BLAKE2b with a digest of 32 bytes and no key.</summary>
public static class Blake2b256
{
    /// <summary>Size of a digest, in bytes.</summary>
    public const int SizeBytes = 32;

    /// <summary>Writes the 32-byte digest of <paramref name="data"/>.</summary>
    public static unsafe void Hash(ReadOnlySpan<byte> data, Span<byte> digest)
    {
        Sectors.CheckDigest(digest.Length, SizeBytes);
        if (!NativeLibraryStatus.IsLoaded)
        {
            Blake2b256Managed.Hash(data, digest);
            return;
        }

        fixed (byte* start = data)
        fixed (byte* result = digest)
        {
            NativeMethods.btrn_blake2b256_sectors(start, (ulong)data.Length, 1, result);
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
                Blake2b256Managed.Hash(data.Slice(i * sectorSize, sectorSize), digests.Slice(i * SizeBytes, SizeBytes));
            }

            return;
        }

        fixed (byte* start = data)
        fixed (byte* results = digests)
        {
            NativeMethods.btrn_blake2b256_sectors(start, (ulong)sectorSize, (ulong)(data.Length / sectorSize), results);
        }
    }
}
