using System.Buffers.Binary;

namespace Btrfs.Interop.Zstd;

/// <summary>
/// The managed twin of the native zstd decoder, after RFC 8878: one frame, no dictionary. The destination is its own window, so that matches are
/// copied within it and nothing but one block's literals is ever buffered. Every read is bounded by the source, every write by the destination.
/// </summary>
internal static class ZstdManaged
{
    private const uint FrameMagic = 0xFD2FB528;
    private const int BlockHeaderBytes = 3;

    private enum BlockType
    {
        Raw = 0,
        Rle = 1,
        Compressed = 2,
    }

    internal static int Decompress(ReadOnlySpan<byte> source, Span<byte> destination, int windowLogMax)
    {
        FrameHeader header = FrameHeader.Read(ref source, windowLogMax);
        BlockDecoder decoder = BlockDecoder.ForFrame(header.BlockMaximumBytes);
        int produced = 0;
        bool isLast = false;
        while (!isLast && produced < destination.Length)
        {
            int blockHeader = (int)ReadLittleEndian(Take(ref source, BlockHeaderBytes));
            isLast = (blockHeader & 1) != 0;
            int size = blockHeader >> 3;
            if (size > header.BlockMaximumBytes)
            {
                throw Corrupt();
            }

            // A full destination cuts the last copy short and ends the loop.
            int wanted = Math.Min(size, destination.Length - produced);
            switch ((BlockType)((blockHeader >> 1) & 3))
            {
                case BlockType.Raw:
                    Take(ref source, size)[..wanted].CopyTo(destination[produced..]);
                    produced += wanted;
                    break;
                case BlockType.Rle:
                    destination.Slice(produced, wanted).Fill(Take(ref source, 1)[0]);
                    produced += wanted;
                    break;
                case BlockType.Compressed:
                    produced = decoder.Decode(Take(ref source, size), destination, produced);
                    break;
                default:
                    throw Corrupt();
            }
        }

        if (isLast && produced < destination.Length)
        {
            // The end must be whole and where the header promised it; what the checksum says is not looked at.
            _ = Take(ref source, header.ChecksumBytes);
            if (header.ContentBytes is ulong promised && promised != (ulong)produced)
            {
                throw Corrupt();
            }
        }

        return produced;
    }

    /// <summary>Cuts <paramref name="count"/> bytes off the front, or finds the stream truncated.</summary>
    internal static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> source, int count)
    {
        if (count > source.Length)
        {
            throw Corrupt();
        }

        ReadOnlySpan<byte> taken = source[..count];
        source = source[count..];
        return taken;
    }

    internal static ulong ReadLittleEndian(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
        {
            value = (value << 8) | bytes[i];
        }

        return value;
    }

    internal static InvalidDataException Corrupt() => new("corrupt zstd stream");

    private readonly record struct FrameHeader(int BlockMaximumBytes, ulong? ContentBytes, int ChecksumBytes)
    {
        // Neither a block's contents nor its compressed form may be larger, whatever the window.
        private const int BlockLimitBytes = 128 * 1024;

        internal static FrameHeader Read(ref ReadOnlySpan<byte> source, int windowLogMax)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(Take(ref source, sizeof(uint))) != FrameMagic)
            {
                throw Corrupt();
            }

            int descriptor = Take(ref source, 1)[0];
            bool isSingleSegment = (descriptor & 0x20) != 0;
            ulong window = 0;
            if (!isSingleSegment)
            {
                int code = Take(ref source, 1)[0];
                ulong power = 1UL << (10 + (code >> 3));
                window = power + (power / 8 * (ulong)(code & 7));
            }

            int dictionaryBytes = (descriptor & 3) == 3 ? 4 : descriptor & 3;
            bool needsDictionary = ReadLittleEndian(Take(ref source, dictionaryBytes)) != 0;
            ulong? content = (descriptor >> 6) switch
            {
                0 => isSingleSegment ? Take(ref source, 1)[0] : null,
                1 => ReadLittleEndian(Take(ref source, 2)) + 256,
                2 => ReadLittleEndian(Take(ref source, 4)),
                _ => ReadLittleEndian(Take(ref source, 8)),
            };
            if (isSingleSegment)
            {
                window = content!.Value;
            }

            bool hasReservedBit = (descriptor & 8) != 0;
            return hasReservedBit || needsDictionary || window > 1UL << windowLogMax
                ? throw Corrupt()
                : new FrameHeader((int)Math.Min(window, BlockLimitBytes), content, (descriptor & 4) != 0 ? sizeof(uint) : 0);
        }
    }
}
