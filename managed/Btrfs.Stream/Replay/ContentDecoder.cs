using Btrfs.Interop;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Stream.Replay;

/// <summary>Decodes encoded writes of a chain, and keeps what the last one became: the runs of a file mostly take one after the other.</summary>
internal sealed class ContentDecoder(IReadOnlyList<SafeFileHandle> inputs, IReadOnlyList<EncodedWrite> writes)
{
    private const uint FirstLzo = 3;
    private const int FirstLzoSectorBytes = 4096;

    private byte[] _data = [];
    private byte[] _decoded = [];
    private int _length;
    private int _last = -1;

    /// <summary>All bytes that an encoded write stands for. The span is good until the next call.</summary>
    /// <exception cref="StreamFormatException">The data is not what it says it is; the offset is the data's.</exception>
    /// <exception cref="IOException">The input could not be read.</exception>
    public ReadOnlySpan<byte> Decode(int number)
    {
        if (number == _last)
            return _decoded.AsSpan(0, _length);

        _last = -1;
        EncodedWrite write = writes[number];
        Grow(ref _data, write.DataLength);
        Grow(ref _decoded, write.UnencodedLength);
        Span<byte> data = _data.AsSpan(0, write.DataLength);
        ContentStream.ReadInput(inputs[write.Input], data, write.DataOffset);
        Span<byte> decoded = _decoded.AsSpan(0, write.UnencodedLength);
        try
        {
            decoded[Decompress(write.Compression, data, decoded)..].Clear();
        }
        catch (InvalidDataException error)
        {
            throw new StreamFormatException(write.DataOffset, CommandType.EncodedWrite, $"the data can't be decoded: {error.Message}");
        }

        _last = number;
        _length = decoded.Length;
        return decoded;
    }

    private static int Decompress(uint compression, ReadOnlySpan<byte> data, Span<byte> decoded)
    {
        switch (compression)
        {
            case 0:
                int length = Math.Min(data.Length, decoded.Length);
                data[..length].CopyTo(decoded);
                return length;
            case 1:
                return ZlibDecoder.Decompress(data, decoded);
            case 2:
                return ZstdDecoder.Decompress(data, decoded);
            default:
                return LzoExtent.Decompress(data, decoded, FirstLzoSectorBytes << (int)(compression - FirstLzo));
        }
    }

    private static void Grow(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<byte>(length);
    }
}
