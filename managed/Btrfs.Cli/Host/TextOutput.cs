using System.Text;

namespace Btrfs.Cli.Host;

/// <summary>
/// Text on standard output, gathered into large writes. Names are bytes and go out as they are; a terminal gets them with control characters replaced,
/// since an image may come from anywhere.
/// </summary>
internal sealed class TextOutput
{
    private const int BufferSize = 64 * 1024;

    private readonly BufferedStream _stream = new(new StandardOutput(), BufferSize);
    private readonly bool _isTerminal = !Console.IsOutputRedirected;

    private TextOutput()
    {
    }

    /// <summary>Lets a command write. What it wrote before it failed is printed too, but no second failure hides the first.</summary>
    public static void Use(Action<TextOutput> command)
    {
        TextOutput output = new();
        try
        {
            command(output);
        }
        catch (Exception error) when (error is not BrokenPipeException)
        {
            output.TryFlush();
            throw;
        }

        output._stream.Flush();
    }

    public TextOutput Append(string text)
    {
        Span<byte> bytes = stackalloc byte[256];
        if (Encoding.UTF8.TryGetBytes(text, bytes, out int length))
            _stream.Write(bytes[..length]);
        else
            _stream.Write(Encoding.UTF8.GetBytes(text));
        return this;
    }

    /// <summary>Adds bytes that came from an image.</summary>
    public TextOutput Append(ReadOnlySpan<byte> name)
    {
        if (!_isTerminal)
        {
            _stream.Write(name);
            return this;
        }

        foreach (byte letter in name)
            _stream.WriteByte(letter is < 0x20 or 0x7F ? (byte)'?' : letter);
        return this;
    }

    public void Line(string text = "")
    {
        Append(text);
        _stream.WriteByte((byte)'\n');
    }

    /// <summary>Adds raw bytes: file content.</summary>
    public void Write(ReadOnlySpan<byte> content) => _stream.Write(content);

    private void TryFlush()
    {
        try
        {
            _stream.Flush();
        }
        catch (IOException)
        {
            // The failure on its way up says more.
        }
    }
}
