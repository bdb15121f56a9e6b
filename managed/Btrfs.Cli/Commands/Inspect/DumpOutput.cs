using System.Runtime.CompilerServices;
using System.Text;
using Btrfs.Format;
using Btrfs.Stream.Dump;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>
/// Buffered output in bytes, because names and labels go out as they lie on the disk, whatever their encoding. Text is written
/// as interpolated strings, straight into the buffer: a line costs no allocation.
/// </summary>
/// <param name="sink">Where the bytes go.</param>
/// <param name="zone">The time zone in which dates are printed.</param>
internal sealed class DumpOutput(System.IO.Stream sink, TimeZoneInfo zone)
{
    private const int BufferBytes = 64 * 1024;
    private const int LongestNumber = 20;
    private const int UuidTextBytes = 36;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private readonly LocalClock _clock = new(zone);
    private int _used;

    public void Write([InterpolatedStringHandlerArgument("")] ref Text text) => Invariant.That(text.WentTo(this));

    public void Line([InterpolatedStringHandlerArgument("")] ref Text text)
    {
        Write(ref text);
        Line();
    }

    public void Line() => Append("\n"u8);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BufferBytes - _used)
            Drain();
        if (bytes.Length > BufferBytes)
        {
            sink.Write(bytes);
            return;
        }

        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
    }

    /// <summary>Appends bytes as hexadecimal digits, in their order.</summary>
    public void AppendHex(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
            Append(value, "x2");
    }

    public void Flush()
    {
        Drain();
        sink.Flush();
    }

    private void Append(ReadOnlySpan<char> ascii)
    {
        if (ascii.Length > BufferBytes - _used)
            Drain();
        _used += Encoding.ASCII.GetBytes(ascii, _buffer.AsSpan(_used));
    }

    private void Append<T>(T value, ReadOnlySpan<char> format)
        where T : IUtf8SpanFormattable
    {
        if (BufferBytes - _used < LongestNumber)
            Drain();
        Invariant.That(value.TryFormat(_buffer.AsSpan(_used), out int written, format, null));
        _used += written;
    }

    private void Append(in Uuid uuid)
    {
        Span<byte> bytes = stackalloc byte[Uuid.Size];
        uuid.CopyTo(bytes);
        Span<byte> text = stackalloc byte[UuidTextBytes];
        int at = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (i is 4 or 6 or 8 or 10)
                text[at++] = (byte)'-';
            Invariant.That(bytes[i].TryFormat(text[at..], out int written, "x2"));
            at += written;
        }

        Append(text);
    }

    private void Append(DiskTime time)
    {
        // Seconds before 1970 are printed as the huge numbers that they are without a sign.
        Append(unchecked((ulong)time.Seconds), default);
        Append("."u8);
        Append(time.Nanoseconds, default);
        Append(" ("u8);
        Span<byte> date = stackalloc byte[LocalClock.MaxBytes];
        Append(_clock.TryFormatDateTime(time.Seconds, ' ', date, out int written) ? date[..written] : "no date"u8);
        Append(")"u8);
    }

    private void Drain()
    {
        sink.Write(_buffer, 0, _used);
        _used = 0;
    }

    /// <summary>One interpolated string on its way into the buffer.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Text
    {
        private readonly DumpOutput _output;

        public Text(int literalLength, int holes, DumpOutput output)
        {
            Invariant.That(literalLength >= 0 && holes >= 0);
            _output = output;
        }

        public void AppendLiteral(string text) => _output.Append(text.AsSpan());

        public void AppendFormatted(string text) => _output.Append(text.AsSpan());

        public void AppendFormatted(ReadOnlySpan<byte> bytes) => _output.Append(bytes);

        public void AppendFormatted(ulong value) => _output.Append(value, default);

        public void AppendFormatted(ulong value, string format) => _output.Append(value, format);

        public void AppendFormatted(byte value) => _output.Append(value, default);

        public void AppendFormatted(int value) => _output.Append(value, default);

        public void AppendFormatted(long value) => _output.Append(value, default);

        public void AppendFormatted(Le16 value) => _output.Append(value.Value, default);

        public void AppendFormatted(Le32 value) => _output.Append(value.Value, default);

        public void AppendFormatted(Le64 value) => _output.Append(value.Value, default);

        public void AppendFormatted(in Uuid uuid) => _output.Append(uuid);

        public void AppendFormatted(DiskTime time) => _output.Append(time);

        public void AppendFormatted(DiskKey key) => KeyText.Append(_output, key);

        public void AppendFormatted(Key key) => KeyText.Append(_output, key);

        public void AppendFormatted(ObjectName name) => KeyText.Append(_output, name);

        public void AppendFormatted(BitNames names) => AppendFormatted(names.ToString());

        /// <summary>Whether this is the output that the string was written to, which it was while it was evaluated.</summary>
        internal bool WentTo(DumpOutput output) => ReferenceEquals(_output, output);
    }
}
