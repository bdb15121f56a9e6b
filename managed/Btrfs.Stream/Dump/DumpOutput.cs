using System.Buffers;
using System.Buffers.Text;

namespace Btrfs.Stream.Dump;

/// <summary>
/// Buffered text output of the dump. Nothing is allocated per line. Only whole lines reach the sink: an unfinished one can be taken
/// back. The buffer grows to the longest line, which the sizes of a command's names bound to some hundred KiB.
/// </summary>
internal sealed class DumpOutput
{
    private const int InitialBufferBytes = 64 * 1024;
    private const int LongestNumber = 20;
    private const int LongestEscape = 4;

    // Printable and not escaped, in the C locale.
    private static readonly SearchValues<byte> s_plain = SearchValues.Create(BuildPlain());

    private readonly System.IO.Stream _sink;

    // [0, _end) of the buffer is not yet in the sink; the unfinished line is [_lineStart, _end).
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(InitialBufferBytes);
    private int _lineStart;
    private int _end;

    public DumpOutput(System.IO.Stream sink) => _sink = sink;

    /// <summary>Length of the unfinished line in bytes.</summary>
    public int Column => _end - _lineStart;

    public void EndLine()
    {
        Append("\n"u8);
        _lineStart = _end;
    }

    public void AbandonLine() => _end = _lineStart;

    public void Append(ReadOnlySpan<byte> text)
    {
        text.CopyTo(Room(text.Length));
        _end += text.Length;
    }

    public void AppendSpaces(int count)
    {
        Room(count).Fill((byte)' ');
        _end += count;
    }

    public void AppendDecimal(ulong value)
    {
        Span<byte> room = Room(LongestNumber);
        Utf8Formatter.TryFormat(value, room, out int written);
        _end += written;
    }

    public void AppendSigned(int value)
    {
        Span<byte> room = Room(LongestNumber);
        Utf8Formatter.TryFormat(value, room, out int written);
        _end += written;
    }

    public void AppendHex(ulong value)
    {
        Span<byte> room = Room(LongestNumber);
        Utf8Formatter.TryFormat(value, room, out int written, new StandardFormat('x'));
        _end += written;
    }

    public void AppendOctal(ulong value)
    {
        const int LongestOctal = 22;
        Span<byte> digits = stackalloc byte[LongestOctal];
        int start = digits.Length;
        do
        {
            digits[--start] = (byte)('0' + (value & 7));
            value >>= 3;
        }
        while (value != 0);

        Append(digits[start..]);
    }

    /// <summary>Appends a uuid in its usual form.</summary>
    public void AppendUuid(ReadOnlySpan<byte> uuid)
    {
        Span<byte> text = stackalloc byte[36];
        int at = 0;
        for (int i = 0; i < uuid.Length; i++)
        {
            if (i is 4 or 6 or 8 or 10)
                text[at++] = (byte)'-';

            Utf8Formatter.TryFormat(uuid[i], text[at..], out int written, new StandardFormat('x', 2));
            at += written;
        }

        Append(text[..at]);
    }

    /// <summary>Appends a name on one line and in ASCII: C escapes where there is one, octal otherwise; a space is escaped too.</summary>
    public void AppendEscaped(ReadOnlySpan<byte> name)
    {
        while (true)
        {
            int plain = name.IndexOfAnyExcept(s_plain);
            if (plain < 0)
                break;

            Append(name[..plain]);
            AppendEscape(name[plain]);
            name = name[(plain + 1)..];
        }

        Append(name);
    }

    public void Flush()
    {
        Drain();
        _sink.Flush();
    }

    private void AppendEscape(byte value)
    {
        ReadOnlySpan<byte> letters = "abtnvfr"u8; // 7 to 13
        Span<byte> room = Room(LongestEscape);
        room[0] = (byte)'\\';
        int letter = value - 7;
        if ((uint)letter < (uint)letters.Length)
            room[1] = letters[letter];
        else if (value == 0x1b)
            room[1] = (byte)'e';
        else if (value is (byte)' ' or (byte)'\\')
            room[1] = value;
        else
        {
            room[1] = (byte)('0' + (value >> 6));
            room[2] = (byte)('0' + ((value >> 3) & 7));
            room[3] = (byte)('0' + (value & 7));
            _end += 4;
            return;
        }

        _end += 2;
    }

    private Span<byte> Room(int count)
    {
        if (_buffer.Length - _end < count)
            Drain();
        if (_buffer.Length - _end < count)
            Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, _end + count));

        return _buffer.AsSpan(_end, count);
    }

    private void Drain()
    {
        _sink.Write(_buffer, 0, _lineStart);
        Buffer.BlockCopy(_buffer, _lineStart, _buffer, 0, _end - _lineStart);
        _end -= _lineStart;
        _lineStart = 0;
    }

    private static byte[] BuildPlain()
    {
        List<byte> plain = [];
        for (byte c = 0x21; c < 0x7f; c++)
        {
            if (c != '\\')
                plain.Add(c);
        }

        return [.. plain];
    }
}
