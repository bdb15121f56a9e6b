using System.Buffers.Binary;

namespace Btrfs.Stream;

/// <summary>
/// Finds where commands lie in a file that comes block by block, by their lengths alone, so that who brings a block can sum its commands while they are in the cache of his processor.
/// It judges nothing: in what is no stream it finds no commands, or such as don't have the right crc.
/// </summary>
internal sealed class CommandWalk
{
    private const int LengthBytes = sizeof(uint);

    // No command is as long as the first letters of the magic would say.
    private static readonly uint s_magic = BinaryPrimitives.ReadUInt32LittleEndian(StreamFormat.Magic);

    // Of a length that ends in the next block, what there is by now.
    private readonly byte[] _fragment = new byte[LengthBytes - 1];

    // Where the next header begins, counted from the begin of the next block: before it for a fragment.
    private long _next;

    /// <summary>Goes over the next block.</summary>
    /// <param name="block">Not shorter than a length, but for the last one.</param>
    /// <returns>Where the first whole command or stream header in it begins, and where the last ends.</returns>
    public (int Start, int End) Pass(ReadOnlySpan<byte> block)
    {
        long at = _next;
        if (at < 0)
        {
            Span<byte> length = stackalloc byte[LengthBytes];
            int known = (int)-at;
            if (block.Length < LengthBytes - known)
                return default;
            _fragment.AsSpan(0, known).CopyTo(length);
            block[..(LengthBytes - known)].CopyTo(length[known..]);
            at += BytesOf(length);
        }

        int start = (int)Math.Min(at, block.Length);
        int end = start;
        while (at <= block.Length - LengthBytes)
        {
            at += BytesOf(block[(int)at..]);
            if (at <= block.Length)
                end = (int)at;
        }

        if (at < block.Length)
            block[(int)at..].CopyTo(_fragment);
        _next = at - block.Length;
        return (start, end);
    }

    /// <summary>Sums commands one behind the other.</summary>
    /// <param name="commands">Whole ones, and stream headers.</param>
    /// <returns>Up to where all is right.</returns>
    public static int Verify(ReadOnlySpan<byte> commands)
    {
        int at = 0;
        while (at < commands.Length)
        {
            ReadOnlySpan<byte> rest = commands[at..];
            int length = (int)BytesOf(rest);
            bool isHeader = BinaryPrimitives.ReadUInt32LittleEndian(rest) == s_magic;
            if (!isHeader && !CommandCrc.IsRight(rest[..length], out _, out _))
                break;
            at += length;
        }

        return at;
    }

    private static long BytesOf(ReadOnlySpan<byte> header)
    {
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        return length == s_magic ? StreamFormat.StreamHeaderBytes : StreamFormat.CommandHeaderBytes + (long)length;
    }
}
