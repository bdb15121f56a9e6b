using System.Buffers;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Storage;
using Btrfs.Stream;

namespace Btrfs.Receive.Data;

/// <summary>An encoded write that waits: a compressed extent, and the part of it that a file is to show.</summary>
internal sealed class EncodedPart
{
    private const uint Zlib = 1;
    private const uint Zstd = 2;
    private const uint Lzo4K = 3;
    private const uint Lzo64K = 7;
    private const int SmallestSector = 4096;

    private readonly byte[] _data;

    /// <exception cref="FileOperationException">The sizes contradict each other.</exception>
    public EncodedPart(ulong inode, in StreamCommand command)
    {
        ReadOnlySpan<byte> data = command.GetBytes(AttributeType.Data);
        Inode = inode;
        Offset = command.Offset;
        FileOffset = command.GetU64(AttributeType.FileOffset);
        FileBytes = command.GetU64(AttributeType.UnencodedFileLen);
        RamBytes = command.GetU64(AttributeType.UnencodedLen);
        Within = command.GetU64(AttributeType.UnencodedOffset);
        command.TryGetU32(AttributeType.Compression, out uint encoding);
        command.TryGetU32(AttributeType.Encryption, out uint encryption);
        if (encryption != 0)
            throw Refused($"encryption {encryption} is not supported");
        if (RamBytes is 0 or > FormatLimits.MaxCompressedExtent)
            throw Refused($"an extent of {RamBytes} bytes, at most {FormatLimits.MaxCompressedExtent} can be");
        if (FileBytes == 0 || Within > RamBytes || FileBytes > RamBytes - Within)
            throw Refused($"the range {Within}+{FileBytes} does not lie in an extent of {RamBytes} bytes");
        if (data.IsEmpty || data.Length > FormatLimits.MaxCompressedExtent)
            throw Refused($"{data.Length} bytes of data, 1 to {FormatLimits.MaxCompressedExtent} can be");

        (Compression, EncodedSector) = CompressionOf(encoding);
        DataBytes = data.Length;
        _data = ArrayPool<byte>.Shared.Rent(FormatLimits.MaxCompressedExtent);
        data.CopyTo(_data);
        _data.AsSpan(DataBytes, FormatLimits.MaxCompressedExtent - DataBytes).Clear();
    }

    public ulong Inode { get; }

    /// <summary>Of its command in the input.</summary>
    public long Offset { get; }

    public ulong FileOffset { get; }

    public ulong FileBytes { get; }

    public ulong RamBytes { get; }

    /// <summary>Where in the decoded extent the part begins.</summary>
    public ulong Within { get; }

    public CompressionType Compression { get; }

    /// <summary>The sector size of the sender, on which LZO's frames depend.</summary>
    public int EncodedSector { get; }

    public int DataBytes { get; }

    /// <summary>Why it can't be decoded; null where it can, or where nobody has tried yet.</summary>
    public FileOperationException? Fault { get; private set; }

    /// <summary>Whether it can lie on the disk as it is, as far as itself is concerned.</summary>
    public bool IsStorable(int sectorSize) =>
        Compression != CompressionType.None && (Compression != CompressionType.Lzo || EncodedSector == sectorSize);

    public EncodedExtent ToExtent(int sectorSize) => new()
    {
        FileOffset = FileOffset,
        FileBytes = FileBytes,
        RamBytes = RamBytes,
        Offset = Within,
        Compression = Compression,
        DataBytes = DataBytes,
        Sectors = _data.AsSpan(0, (DataBytes + sectorSize - 1) / sectorSize * sectorSize),
    };

    /// <summary>Decodes the extent; what is shorter than it says ends in zeros. What is wrong is noted in <see cref="Fault"/>.</summary>
    /// <param name="buffer">One byte longer than the largest extent, so that what is longer than it says shows.</param>
    public Span<byte> Decode(byte[] buffer)
    {
        int ramBytes = (int)RamBytes;
        try
        {
            int length = ExtentCodec.Decompress(Compression, _data.AsSpan(0, DataBytes), buffer.AsSpan(0, ramBytes + 1), EncodedSector);
            if (length > ramBytes)
                Fault = Refused($"the data is more than the {ramBytes} bytes that it should be");
            else
                buffer.AsSpan(length, ramBytes - length).Clear();
        }
        catch (BtrfsException error)
        {
            Fault = Refused(error.Message);
        }

        return buffer.AsSpan(0, ramBytes);
    }

    /// <summary>It is not needed any more.</summary>
    public void Release() => ArrayPool<byte>.Shared.Return(_data);

    private static (CompressionType Compression, int SectorSize) CompressionOf(uint encoding) => encoding switch
    {
        0 => (CompressionType.None, SmallestSector),
        Zlib => (CompressionType.Zlib, SmallestSector),
        Zstd => (CompressionType.Zstd, SmallestSector),
        >= Lzo4K and <= Lzo64K => (CompressionType.Lzo, SmallestSector << (int)(encoding - Lzo4K)),
        _ => throw Refused($"compression {encoding} is not supported"),
    };

    private static FileOperationException Refused(string what) => new(FileError.Invalid, what);
}
