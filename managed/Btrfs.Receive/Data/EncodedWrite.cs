using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Storage;
using Btrfs.Stream;

namespace Btrfs.Receive.Data;

/// <summary>Carries out encoded writes: the data is decoded once in any case, so that nothing is stored that nobody could read, and stored as it came where that can be.</summary>
internal sealed class EncodedWrite(PendingData pending, bool forceDecompress)
{
    private const uint Zlib = 1;
    private const uint Zstd = 2;
    private const uint Lzo4K = 3;
    private const uint Lzo64K = 7;
    private const int SmallestSector = 4096;

    // One more than can be, so that what is longer than it says shows.
    private readonly byte[] _decoded = new byte[FormatLimits.MaxCompressedExtent + 1];

    /// <exception cref="FileOperationException">The sizes contradict each other, or the data is not what they say.</exception>
    public void Apply(ulong inode, in StreamCommand command, int sectorSize)
    {
        ReadOnlySpan<byte> data = command.GetBytes(AttributeType.Data);
        ulong fileOffset = command.GetU64(AttributeType.FileOffset);
        ulong fileBytes = command.GetU64(AttributeType.UnencodedFileLen);
        ulong ramBytes = command.GetU64(AttributeType.UnencodedLen);
        ulong offset = command.GetU64(AttributeType.UnencodedOffset);
        command.TryGetU32(AttributeType.Compression, out uint encoding);
        command.TryGetU32(AttributeType.Encryption, out uint encryption);
        if (encryption != 0)
            throw Refused($"encryption {encryption} is not supported");
        if (ramBytes is 0 or > FormatLimits.MaxCompressedExtent)
            throw Refused($"an extent of {ramBytes} bytes, at most {FormatLimits.MaxCompressedExtent} can be");
        if (fileBytes == 0 || offset > ramBytes || fileBytes > ramBytes - offset)
            throw Refused($"the range {offset}+{fileBytes} does not lie in an extent of {ramBytes} bytes");
        if (data.IsEmpty || data.Length > FormatLimits.MaxCompressedExtent)
            throw Refused($"{data.Length} bytes of data, 1 to {FormatLimits.MaxCompressedExtent} can be");

        CompressionType compression = CompressionOf(encoding, out int encodedSector);
        Span<byte> decoded = Decode(compression, data, (int)ramBytes, encodedSector);
        bool isStorable = !forceDecompress && compression != CompressionType.None && (compression != CompressionType.Lzo || encodedSector == sectorSize);
        if (isStorable)
        {
            EncodedExtent extent = new()
            {
                FileOffset = fileOffset,
                FileBytes = fileBytes,
                RamBytes = ramBytes,
                Offset = offset,
                Compression = compression,
            };
            if (pending.TryAddEncoded(inode, extent, data))
                return;
        }

        pending.Add(inode, fileOffset, decoded.Slice((int)offset, (int)fileBytes));
    }

    private static CompressionType CompressionOf(uint encoding, out int sectorSize)
    {
        sectorSize = SmallestSector;
        switch (encoding)
        {
            case 0:
                return CompressionType.None;
            case Zlib:
                return CompressionType.Zlib;
            case Zstd:
                return CompressionType.Zstd;
            case >= Lzo4K and <= Lzo64K:
                sectorSize <<= (int)(encoding - Lzo4K);
                return CompressionType.Lzo;
            default:
                throw Refused($"compression {encoding} is not supported");
        }
    }

    // What is shorter than it says ends in zeros.
    private Span<byte> Decode(CompressionType compression, ReadOnlySpan<byte> data, int ramBytes, int sectorSize)
    {
        int length;
        try
        {
            length = ExtentCodec.Decompress(compression, data, _decoded.AsSpan(0, ramBytes + 1), sectorSize);
        }
        catch (CorruptMetadataException error)
        {
            throw Refused(error.Message);
        }

        if (length > ramBytes)
            throw Refused($"the data is more than the {ramBytes} bytes that it should be");
        _decoded.AsSpan(length, ramBytes - length).Clear();
        return _decoded.AsSpan(0, ramBytes);
    }

    private static FileOperationException Refused(string what) => new(FileError.Invalid, what);
}
