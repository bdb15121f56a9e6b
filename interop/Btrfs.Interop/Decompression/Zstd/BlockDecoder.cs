namespace Btrfs.Interop.Zstd;

/// <summary>Decodes compressed blocks, and carries from block to block what a frame lets them share: the tables and the last three offsets.</summary>
internal sealed class BlockDecoder
{
    private const int LiteralsMaxBytes = 128 * 1024;

    [ThreadStatic]
    private static BlockDecoder? s_current;

    private readonly byte[] _literals = new byte[LiteralsMaxBytes];
    private readonly HuffmanTable _huffman = new();
    private readonly SequenceDecoder _sequences = new();
    private int _blockMaximumBytes;

    private enum LiteralsType
    {
        Raw = 0,
        Rle = 1,
        Compressed = 2,
        Treeless = 3,
    }

    /// <summary>This thread's decoder, as a new frame wants it.</summary>
    internal static BlockDecoder ForFrame(int blockMaximumBytes)
    {
        BlockDecoder decoder = s_current ??= new BlockDecoder();
        decoder._blockMaximumBytes = blockMaximumBytes;
        decoder._huffman.Forget();
        decoder._sequences.Forget();
        return decoder;
    }

    /// <summary>Appends a block's contents at <paramref name="produced"/> and returns the new end, at most the destination's length.</summary>
    internal int Decode(ReadOnlySpan<byte> block, Span<byte> destination, int produced)
    {
        ReadOnlySpan<byte> literals = ReadLiterals(ref block);
        return _sequences.Decode(block, literals, destination, produced, _blockMaximumBytes);
    }

    private ReadOnlySpan<byte> ReadLiterals(ref ReadOnlySpan<byte> block)
    {
        if (block.IsEmpty)
        {
            throw ZstdManaged.Corrupt();
        }

        LiteralsType type = (LiteralsType)(block[0] & 3);
        int format = (block[0] >> 2) & 3;
        if (type is LiteralsType.Raw or LiteralsType.Rle)
        {
            // One size: of 5 bits in one byte, or of 12 in two, or of 20 in three.
            int headerBytes = format switch { 1 => 2, 3 => 3, _ => 1 };
            int size = (int)(ZstdManaged.ReadLittleEndian(ZstdManaged.Take(ref block, headerBytes)) >> (headerBytes == 1 ? 3 : 4));
            CheckSize(size);
            if (type == LiteralsType.Raw)
            {
                return ZstdManaged.Take(ref block, size);
            }

            _literals.AsSpan(0, size).Fill(ZstdManaged.Take(ref block, 1)[0]);
            return _literals.AsSpan(0, size);
        }

        // Two sizes, of the contents and of the streams, after four bits.
        (int sizesBytes, int sizeBits) = format switch { 2 => (4, 14), 3 => (5, 18), _ => (3, 10) };
        ulong sizes = ZstdManaged.ReadLittleEndian(ZstdManaged.Take(ref block, sizesBytes)) >> 4;
        int contentBytes = (int)(sizes & ((1UL << sizeBits) - 1));
        ReadOnlySpan<byte> streams = ZstdManaged.Take(ref block, (int)(sizes >> sizeBits));
        CheckSize(contentBytes);
        if (type == LiteralsType.Compressed)
        {
            _huffman.SetDescribed(ref streams);
        }

        if (!_huffman.IsSet)
        {
            throw ZstdManaged.Corrupt();
        }

        Span<byte> contents = _literals.AsSpan(0, contentBytes);
        if (format == 0)
        {
            _huffman.Decode(streams, contents);
        }
        else
        {
            DecodeFourStreams(streams, contents);
        }

        return contents;
    }

    private void CheckSize(int size)
    {
        if (size > _blockMaximumBytes)
        {
            throw ZstdManaged.Corrupt();
        }
    }

    private void DecodeFourStreams(ReadOnlySpan<byte> streams, Span<byte> contents)
    {
        ReadOnlySpan<byte> jumpTable = ZstdManaged.Take(ref streams, 3 * sizeof(ushort));
        int quarter = (contents.Length + 3) / 4;
        for (int i = 0; i < 3; i++)
        {
            int streamBytes = (int)ZstdManaged.ReadLittleEndian(jumpTable.Slice(i * sizeof(ushort), sizeof(ushort)));
            if (quarter > contents.Length)
            {
                throw ZstdManaged.Corrupt();
            }

            _huffman.Decode(ZstdManaged.Take(ref streams, streamBytes), contents[..quarter]);
            contents = contents[quarter..];
        }

        _huffman.Decode(streams, contents);
    }
}
