using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Storage;

/// <summary>Decodes the data of compressed extents, regular and inline ones alike.</summary>
public static class ExtentCodec
{
    /// <summary>
    /// Returns the bytes written, from the begin of <paramref name="destination"/>. An extent may decode to fewer bytes than its file range has: the rest
    /// is zeros, which are the caller's to write, since a decoder may leave anything behind what it returns. What would decode to more is cut off at the end of the destination.
    /// </summary>
    /// <param name="type">As the file extent item has it.</param>
    /// <param name="source">The extent as it lies on the disk, whole.</param>
    /// <param name="destination">Room for the decoded bytes.</param>
    /// <param name="sectorSize">Of the file system, in bytes: LZO's frames depend on it.</param>
    /// <exception cref="CorruptMetadataException">The data is no such stream.</exception>
    /// <exception cref="UnsupportedFeatureException">The type is unknown, or needs the native library where that is not loaded.</exception>
    public static int Decompress(CompressionType type, ReadOnlySpan<byte> source, Span<byte> destination, int sectorSize)
    {
        try
        {
            switch (type)
            {
                case CompressionType.None:
                    int length = Math.Min(source.Length, destination.Length);
                    source[..length].CopyTo(destination);
                    return length;
                case CompressionType.Zlib:
                    return ZlibDecoder.Decompress(source, destination);
                case CompressionType.Lzo:
                    return LzoFrames.Decode(source, destination, sectorSize);
                case CompressionType.Zstd:
                    return ZstdDecoder.Decompress(source, destination);
                default:
                    throw new UnsupportedFeatureException($"unsupported compression type {(byte)type}");
            }
        }
        catch (InvalidDataException error)
        {
            throw new CorruptMetadataException($"corrupt {type.ToString().ToLowerInvariant()} extent of {source.Length} bytes: {error.Message}");
        }
        catch (PlatformNotSupportedException error)
        {
            throw new UnsupportedFeatureException(error.Message);
        }
    }
}
