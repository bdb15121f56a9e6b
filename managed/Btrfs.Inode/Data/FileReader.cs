using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Interop;
using Btrfs.Storage;

namespace Btrfs.Inode.Data;

/// <summary>
/// Reads what file extents hold: plain, compressed, inline, preallocated or a hole; every sector verified against its stored checksum unless the
/// inode has none. Not thread-safe.
/// </summary>
public sealed class FileReader
{
    private readonly FsInfo _fs;
    private readonly int _sectorSize;
    private readonly SectorSums _sectorSums;
    private ChecksumTree? _checksums;
    private byte[] _sums = [];
    private byte[] _encoded = [];

    // The decoded bytes of one compressed extent: neighbouring reads ask for pieces of the same one.
    private byte[] _decoded = [];
    private int _decodedLength;
    private ulong _decodedBytenr;

    public FileReader(FsInfo fs)
    {
        _fs = fs;
        _sectorSize = fs.SectorSize;
        _sectorSums = new SectorSums(fs.SectorSize);
    }

    /// <summary>Fills <paramref name="destination"/> with the file's bytes from <paramref name="fileOffset"/> on, all of which lie in <paramref name="extent"/>'s run.</summary>
    /// <param name="extent">The run.</param>
    /// <param name="fileOffset">Byte offset in the file.</param>
    /// <param name="destination">Filled whole; what the extent does not have is zero.</param>
    /// <param name="verify">False for an inode without checksums.</param>
    /// <returns>The crc32c register, begun at zero, of the destination, where it follows from the checksums that were verified; else null.</returns>
    /// <exception cref="ChecksumException">No copy has the right checksum, or none is stored.</exception>
    /// <exception cref="CorruptMetadataException">Compressed bytes that can't be decoded.</exception>
    public uint? Read(in FileExtent extent, ulong fileOffset, Span<byte> destination, bool verify)
    {
        Invariant.That(fileOffset >= extent.FileOffset);
        ulong offset = fileOffset - extent.FileOffset;
        if (extent.IsInline)
            ReadInline(extent, offset, destination);
        else if (extent.IsHole || extent.Type == FileExtentType.Prealloc)
            destination.Clear();
        else if (extent.Compression == CompressionType.None)
            return ReadPlain(extent.DiskBytenr + extent.ExtentOffset + offset, destination, verify);
        else
            ReadCompressed(extent, extent.ExtentOffset + offset, destination, verify);
        return null;
    }

    /// <summary>Reads an extent as it lies on the disk; <paramref name="destination"/> is as long as the extent.</summary>
    /// <inheritdoc cref="Read" path="/returns"/>
    public uint? ReadEncoded(in FileExtent extent, Span<byte> destination, bool verify) =>
        ReadSectors(new LogicalAddress(extent.DiskBytenr), destination, verify);

    private void ReadInline(in FileExtent extent, ulong offset, Span<byte> destination)
    {
        ReadOnlySpan<byte> payload = extent.InlinePayload;
        if (extent.Compression != CompressionType.None)
        {
            _decodedBytenr = 0;
            _decodedLength = Decode(extent, payload, DecodedOf(extent));
            payload = _decoded.AsSpan(0, _decodedLength);
        }

        CopyFrom(payload, offset, destination);
    }

    private uint? ReadPlain(ulong address, Span<byte> destination, bool verify)
    {
        int head = (int)(address % (ulong)_sectorSize);
        int tail = (head + destination.Length) % _sectorSize;
        if (head == 0 && tail == 0)
            return ReadSectors(new LogicalAddress(address), destination, verify);

        // A piece that does not begin and end with a sector is read through a buffer, but for its whole sectors.
        int whole = head == 0 ? destination.Length - tail : 0;
        uint? register = whole > 0 ? ReadSectors(new LogicalAddress(address), destination[..whole], verify) : null;
        int rest = destination.Length - whole;
        int span = (head + rest + _sectorSize - 1) / _sectorSize * _sectorSize;
        Span<byte> sectors = Scratch(ref _encoded, span);
        ReadSectors(new LogicalAddress(address + (ulong)whole - (ulong)head), sectors, verify);
        sectors.Slice(head, rest).CopyTo(destination[whole..]);
        return register is { } begun ? Crc32C.Update(begun, destination[whole..]) : null;
    }

    private void ReadCompressed(in FileExtent extent, ulong offset, Span<byte> destination, bool verify)
    {
        if (_decodedBytenr != extent.DiskBytenr)
        {
            _decodedBytenr = 0;
            Span<byte> encoded = Scratch(ref _encoded, (int)Math.Min(extent.DiskNumBytes, (ulong)FormatLimits.MaxCompressedExtent));
            ReadSectors(new LogicalAddress(extent.DiskBytenr), encoded, verify);
            _decodedLength = Decode(extent, encoded, DecodedOf(extent));
            _decodedBytenr = extent.DiskBytenr;
        }

        CopyFrom(_decoded.AsSpan(0, _decodedLength), offset, destination);
    }

    private int Decode(in FileExtent extent, ReadOnlySpan<byte> encoded, Span<byte> destination)
    {
        try
        {
            return ExtentCodec.Decompress(extent.Compression, encoded, destination, _sectorSize);
        }
        catch (InvalidDataException error)
        {
            throw new CorruptMetadataException(
                $"corrupt data: inode={extent.Inode} file offset={extent.FileOffset} logical={extent.DiskBytenr}, {extent.Compression} can't be decoded: {error.Message}");
        }
    }

    private uint? ReadSectors(LogicalAddress start, Span<byte> destination, bool verify)
    {
        if (!verify)
        {
            _fs.Data.Read(start, destination, default);
            return null;
        }

        _checksums ??= new ChecksumTree(_fs);
        Span<byte> sums = Scratch(ref _sums, destination.Length / _sectorSize * _checksums.ChecksumSize);
        _checksums.Read(start, sums);
        _fs.Data.Read(start, destination, sums);
        return _fs.Data.ChecksumType == ChecksumType.Crc32C ? _sectorSums.Register(sums) : null;
    }

    private static void CopyFrom(ReadOnlySpan<byte> source, ulong offset, Span<byte> destination)
    {
        ReadOnlySpan<byte> from = offset < (ulong)source.Length ? source[(int)offset..] : default;
        int length = Math.Min(from.Length, destination.Length);
        from[..length].CopyTo(destination);
        destination[length..].Clear();
    }

    private Span<byte> DecodedOf(in FileExtent extent) =>
        Scratch(ref _decoded, FormatLimits.MaxCompressedExtent)[..(int)Math.Min(extent.RamBytes, (ulong)FormatLimits.MaxCompressedExtent)];

    private static Span<byte> Scratch(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, FormatLimits.MaxCompressedExtent));
        return buffer.AsSpan(0, length);
    }
}
