using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Storage;

/// <summary>Decodes and encodes the data of compressed extents, regular and inline ones alike.</summary>
public static class ExtentCodec
{
    private const int DefaultLevel = 3;

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
                    return LzoExtent.Decompress(source, destination, sectorSize);
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

    /// <summary>
    /// Makes the data of a compressed regular extent. False where that would not save at least one sector, as the kernel has it: the data then stays plain.
    /// </summary>
    /// <param name="type">Not <see cref="CompressionType.None"/>.</param>
    /// <param name="level">0 for the usual one (3); 1 to 9 for zlib, -15 to 15 for zstd; no matter for LZO.</param>
    /// <param name="source">The file's bytes, up to <see cref="FormatLimits.MaxCompressedExtent"/> of them.</param>
    /// <param name="destination">As long as the source is enough. Behind the data it is zeroed up to the end of a sector: what goes to the disk.</param>
    /// <param name="sectorSize">Of the file system, in bytes.</param>
    /// <param name="length">Of the data, in bytes: what RamBytes is to the source, this is to the disk before it is rounded up to sectors.</param>
    /// <exception cref="UnsupportedFeatureException">The type is unknown.</exception>
    public static bool Compress(CompressionType type, int level, ReadOnlySpan<byte> source, Span<byte> destination, int sectorSize, out int length)
    {
        int sectors = (source.Length + sectorSize - 1) / sectorSize;
        int limit = Math.Min((sectors - 1) * sectorSize, destination.Length / sectorSize * sectorSize);
        length = 0;
        if (limit <= 0 || !TryEncode(type, level, source, destination[..limit], sectorSize, out length))
            return false;

        destination[length..((length + sectorSize - 1) / sectorSize * sectorSize)].Clear();
        return true;
    }

    /// <summary>The same for an inline extent, which has its bytes in the item: false where that would not save at least one byte.</summary>
    /// <inheritdoc cref="Compress"/>
    public static bool CompressInline(CompressionType type, int level, ReadOnlySpan<byte> source, Span<byte> destination, int sectorSize, out int length)
    {
        length = 0;
        return !source.IsEmpty && TryEncode(type, level, source, destination[..Math.Min(source.Length - 1, destination.Length)], sectorSize, out length);
    }

    private static bool TryEncode(CompressionType type, int level, ReadOnlySpan<byte> source, Span<byte> destination, int sectorSize, out int length)
    {
        Invariant.That(source.Length <= FormatLimits.MaxCompressedExtent);
        level = level == 0 ? DefaultLevel : level;
        return type switch
        {
            CompressionType.Zlib => ZlibEncoder.TryCompress(source, destination, level, out length),
            CompressionType.Lzo => LzoFrames.TryEncode(source, destination, sectorSize, out length),
            CompressionType.Zstd => ZstdEncoder.TryCompress(source, destination, level, out length),
            _ => throw new UnsupportedFeatureException($"unsupported compression type {(byte)type}"),
        };
    }
}
