using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Inode.Changes;

/// <summary>A piece of a file as it goes to the disk.</summary>
/// <param name="FileOffset">Where it begins in the file.</param>
/// <param name="FileBytes">How many bytes of the file it holds: whole sectors.</param>
/// <param name="Compression">How it is stored.</param>
/// <param name="Stored">What goes to the disk: whole sectors.</param>
internal sealed record EncodedPiece(ulong FileOffset, int FileBytes, CompressionType Compression, ReadOnlyMemory<byte> Stored);

/// <summary>Compresses and checksums file data for one file. Stateless but for its settings, so pieces can be encoded side by side.</summary>
internal sealed class DataEncoder
{
    /// <summary>More is not stored inside of a leaf; what the kernel mounts with.</summary>
    private const int MaxInline = 2048;

    [ThreadStatic]
    private static byte[]? s_buffer;

    private readonly int _sectorSize;
    private readonly int _level;
    private readonly int _maxInlineItem;
    private readonly bool _neverInline;

    private DataEncoder(Change change, in InodeItem item, CompressionType compression, int level)
    {
        _sectorSize = change.SectorSize;
        _level = level;
        _maxInlineItem = change.Tree.MaxItemSize - FileExtentItem.InlineHeaderSize;
        _neverInline = Change.Has(item, InodeFlags.NoDataCow | InodeFlags.Prealloc);
        Compression = compression;
        Checksum = Change.Has(item, InodeFlags.NoDataSum) ? null : Checksums.For(change.Fs.Superblock.CsumType);
    }

    public CompressionType Compression { get; }

    /// <summary>Null for a file without checksums.</summary>
    public IChecksum? Checksum { get; }

    /// <summary>The encoder of a file; the superblock will tell of its compression.</summary>
    public static DataEncoder For(Change change, ulong inode, in InodeItem item, WriteOptions options)
    {
        byte[]? property = MayCompress(item) ? XattrItems.TryGet(change, inode, Properties.CompressionName) : null;
        DataEncoder encoder = For(change, item, property, options);
        change.RequireFeature(Properties.FeatureOf(encoder.Compression));
        return encoder;
    }

    /// <summary>The encoder of a file that is not there yet.</summary>
    /// <param name="change">For the file system's sizes.</param>
    /// <param name="item">The file.</param>
    /// <param name="property">The value of its compression property; null if it has none.</param>
    /// <param name="options">What counts where the file says nothing.</param>
    public static DataEncoder For(Change change, in InodeItem item, byte[]? property, WriteOptions options)
    {
        if (!MayCompress(item))
            return new DataEncoder(change, item, CompressionType.None, 0);

        (CompressionType compression, int level) = Properties.Parse(property);
        if (compression == CompressionType.None)
            compression = options.Compression ?? (Change.Has(item, InodeFlags.Compress) ? CompressionType.Zlib : CompressionType.None);
        return new DataEncoder(change, item, compression, level == 0 ? options.Level : level);
    }

    /// <summary>Whether a whole file may be stored in its leaf, and how.</summary>
    public bool TryEncodeInline(ReadOnlySpan<byte> content, out ReadOnlyMemory<byte> payload, out CompressionType compression)
    {
        payload = default;
        compression = CompressionType.None;
        if (_neverInline || content.IsEmpty || content.Length > _sectorSize)
            return false;

        int limit = Math.Min(MaxInline, _maxInlineItem);
        if (Compression != CompressionType.None)
        {
            byte[] smaller = new byte[content.Length];
            if (ExtentCodec.CompressInline(Compression, _level, content, smaller, _sectorSize, out int length) && length <= limit)
            {
                payload = smaller.AsMemory(0, length);
                compression = Compression;
                return true;
            }
        }

        if (content.Length > limit || content.Length >= _sectorSize)
            return false;
        payload = content.ToArray();
        return true;
    }

    /// <summary>Whether the content of a small file gets smaller, stored in its leaf.</summary>
    public bool Shrinks(ReadOnlySpan<byte> content) =>
        ExtentCodec.CompressInline(Compression, _level, content, new byte[content.Length], _sectorSize, out _);

    /// <summary>Cuts data into the pieces that become extents.</summary>
    /// <param name="fileOffset">A multiple of the sector size.</param>
    /// <param name="data">Whole sectors.</param>
    public IReadOnlyList<EncodedPiece> Encode(ulong fileOffset, ReadOnlyMemory<byte> data)
    {
        if (Compression == CompressionType.None)
            return [new EncodedPiece(fileOffset, data.Length, CompressionType.None, data)];

        int count = (data.Length + FormatLimits.MaxCompressedExtent - 1) / FormatLimits.MaxCompressedExtent;
        byte[]?[] smaller = new byte[]?[count];
        if (count == 1)
            smaller[0] = TryCompressPiece(data.Span);
        else
            Parallel.For(0, count, index => smaller[index] = TryCompressPiece(PieceOf(data, index).Span));
        return Assemble(fileOffset, data, smaller);
    }

    /// <summary>The checksums of what goes to the disk; empty for a file without.</summary>
    public byte[] Sum(ReadOnlySpan<byte> stored)
    {
        if (Checksum is null)
            return [];
        byte[] sums = new byte[stored.Length / _sectorSize * Checksum.Size];
        Sum(stored, sums);
        return sums;
    }

    /// <inheritdoc cref="Sum(ReadOnlySpan{byte})"/>
    /// <param name="stored">Whole sectors.</param>
    /// <param name="sums">Takes them.</param>
    /// <returns>How many bytes they have.</returns>
    public int Sum(ReadOnlySpan<byte> stored, Span<byte> sums)
    {
        if (Checksum is null)
            return 0;
        int length = stored.Length / _sectorSize * Checksum.Size;
        Checksum.ComputeSectors(stored, _sectorSize, sums[..length]);
        return length;
    }

    // Neighbours that would not shrink share one plain extent.
    private List<EncodedPiece> Assemble(ulong fileOffset, ReadOnlyMemory<byte> data, byte[]?[] smaller)
    {
        List<EncodedPiece> pieces = [];
        int plainBegin = 0;
        for (int index = 0; index < smaller.Length; index++)
        {
            if (smaller[index] is not { } stored)
                continue;

            int begin = index * FormatLimits.MaxCompressedExtent;
            AddPlain(plainBegin, begin);
            int length = PieceOf(data, index).Length;
            pieces.Add(new EncodedPiece(fileOffset + (ulong)begin, length, Compression, stored));
            plainBegin = begin + length;
        }

        AddPlain(plainBegin, data.Length);
        return pieces;

        void AddPlain(int begin, int end)
        {
            if (end > begin)
                pieces.Add(new EncodedPiece(fileOffset + (ulong)begin, end - begin, CompressionType.None, data[begin..end]));
        }
    }

    private static ReadOnlyMemory<byte> PieceOf(ReadOnlyMemory<byte> data, int index)
    {
        int begin = index * FormatLimits.MaxCompressedExtent;
        return data.Slice(begin, Math.Min(FormatLimits.MaxCompressedExtent, data.Length - begin));
    }

    /// <summary>A piece as it is stored compressed, in whole sectors; null if that would not save one.</summary>
    public byte[]? TryCompressPiece(ReadOnlySpan<byte> data)
    {
        byte[] buffer = s_buffer ??= new byte[FormatLimits.MaxCompressedExtent];
        return ExtentCodec.Compress(Compression, _level, data, buffer, _sectorSize, out int length)
            ? buffer[..((length + _sectorSize - 1) / _sectorSize * _sectorSize)]
            : null;
    }

    private static bool MayCompress(in InodeItem item) => !Change.Has(item, InodeFlags.NoDataSum | InodeFlags.NoDataCow | InodeFlags.NoCompress);
}
