using System.Text;

namespace Btrfs.Cli.Host;

/// <summary>
/// Text on standard output, gathered into large writes. Names are bytes and go out as they are; a terminal gets them with control characters replaced,
/// since an image may come from anywhere.
/// </summary>
internal sealed class TextOutput
{
    private const int BufferSize = 64 * 1024;

    private readonly System.IO.Stream _sink;
    private readonly bool _isTerminal;
    private readonly byte[] _buffer = new byte[BufferSize];
    private int _length;

    private TextOutput(System.IO.Stream sink, bool isTerminal)
    {
        _sink = sink;
        _isTerminal = isTerminal;
    }

    /// <summary>Lets a command write. What it wrote before it failed is printed too, but no second failure hides the first.</summary>
    public static void Use(Action<TextOutput> command)
    {
        TextOutput output = new(new StandardOutput(), !Console.IsOutputRedirected);
        try
        {
            command(output);
        }
        catch (Exception error) when (error is not BrokenPipeException)
        {
            output.TryFlush();
            throw;
        }

        output.Flush();
    }

    public TextOutput Append(string text)
    {
        Span<byte> bytes = stackalloc byte[256];
        Write(Encoding.UTF8.TryGetBytes(text, bytes, out int length) ? bytes[..length] : Encoding.UTF8.GetBytes(text));
        return this;
    }

    /// <summary>Adds bytes that came from an image.</summary>
    public TextOutput Append(ReadOnlySpan<byte> name)
    {
        Write(_isTerminal ? Harmless(name) : name);
        return this;
    }

    public void Line(string text = "")
    {
        Append(text);
        Write("\n"u8);
    }

    private static byte[] Harmless(ReadOnlySpan<byte> name)
    {
        byte[] shown = name.ToArray();
        foreach (ref byte letter in shown.AsSpan())
            letter = letter is < 0x20 or 0x7F ? (byte)'?' : letter;
        return shown;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _length)
            Flush();
        if (bytes.Length > _buffer.Length)
        {
            _sink.Write(bytes);
            return;
        }

        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Flush()
    {
        ReadOnlySpan<byte> gathered = _buffer.AsSpan(0, _length);
        _length = 0;
        _sink.Write(gathered);
    }

    private void TryFlush()
    {
        try
        {
            Flush();
        }
        catch (IOException)
        {
            // The failure on its way up says more.
        }
    }
}
