using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Btrfs.Interop;

namespace Btrfs.Stream.Dump;

/// <summary>
/// Prints all streams of an input as JSON, one object a line: for a stream header its <c>offset</c> and <c>version</c>, for a command its <c>offset</c> in the input, the name of the
/// <c>command</c>, and its <c>attributes</c> by name. Numbers are numbers, times have <c>seconds</c> and <c>nanoseconds</c>. Names and values are strings where they are UTF-8, else an object with
/// <c>base64</c>, so nothing is lost. File data is its <c>length</c> and <c>crc32c</c> (the usual finished one, in hex), or <c>length</c> and <c>base64</c>.
/// </summary>
public sealed class StreamJsonDumper : IDisposable
{
    private const int FlushBytes = 64 * 1024;

    private static readonly CommandReaderOptions s_tolerant = new() { SkipUnknownCommands = true };
    private static readonly JsonEncodedText s_offset = JsonEncodedText.Encode("offset");
    private static readonly JsonEncodedText s_version = JsonEncodedText.Encode("version");
    private static readonly JsonEncodedText s_command = JsonEncodedText.Encode("command");
    private static readonly JsonEncodedText s_attributes = JsonEncodedText.Encode("attributes");
    private static readonly JsonEncodedText s_length = JsonEncodedText.Encode("length");
    private static readonly JsonEncodedText s_crc = JsonEncodedText.Encode("crc32c");
    private static readonly JsonEncodedText s_base64 = JsonEncodedText.Encode("base64");
    private static readonly JsonEncodedText s_seconds = JsonEncodedText.Encode("seconds");
    private static readonly JsonEncodedText s_nanoseconds = JsonEncodedText.Encode("nanoseconds");
    private static readonly JsonEncodedText[] s_attributeNames =
        [.. Enumerable.Range(0, AttributeTable.Count).Select(type => JsonEncodedText.Encode(AttributeTable.NameOf((AttributeType)type)))];

    private static readonly JsonEncodedText[] s_commandNames = [default, .. CommandTable.All.ToArray().Select(definition => JsonEncodedText.Encode(definition.Name))];

    private readonly System.IO.Stream _output;
    private readonly bool _withData;
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * FlushBytes);
    private readonly Utf8JsonWriter _json;

    /// <summary>Makes a dumper.</summary>
    /// <param name="output">Where the text goes. The caller keeps and closes it.</param>
    /// <param name="withData">Whether file data is printed too.</param>
    public StreamJsonDumper(System.IO.Stream output, bool withData = false)
    {
        ArgumentNullException.ThrowIfNull(output);
        _output = output;
        _withData = withData;
        // What is written is right by construction, and the text is for programs, not for web pages.
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    /// <summary>Prints all streams of the input; unknown commands are passed over. On failure, the lines of the commands before are printed.</summary>
    /// <exception cref="StreamFormatException">The input breaks the format.</exception>
    /// <exception cref="IOException">The input or the output failed.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public void Dump(System.IO.Stream input, CancellationToken cancellation = default)
    {
        CommandReader reader = new(input, s_tolerant);
        try
        {
            for (int streams = 0; reader.Read();)
            {
                if (streams != reader.StreamCount)
                {
                    streams = reader.StreamCount;
                    WriteHeader(reader);
                }

                WriteCommand(reader.Current);
                if (_buffer.WrittenCount >= FlushBytes)
                {
                    cancellation.ThrowIfCancellationRequested();
                    Drain();
                }
            }
        }
        finally
        {
            Drain();
        }

        _output.Flush();
    }

    /// <summary>Gives up what the writer holds. The output stays open.</summary>
    public void Dispose() => _json.Dispose();

    private void WriteHeader(CommandReader reader)
    {
        _json.WriteStartObject();
        _json.WriteNumber(s_offset, reader.StreamOffset);
        _json.WriteNumber(s_version, reader.Version);
        EndLine();
    }

    private void WriteCommand(in StreamCommand command)
    {
        _json.WriteStartObject();
        _json.WriteNumber(s_offset, command.Offset);
        _json.WriteString(s_command, s_commandNames[(int)command.Type]);
        _json.WriteStartObject(s_attributes);
        ulong rest = command.PresentMask;
        foreach (ExpectedAttribute attribute in CommandTable.Find(command.Type)!.Attributes)
        {
            if (!command.Has(attribute.Type))
                continue;
            WriteAttribute(command, attribute.Type);
            rest &= ~(1ul << (int)attribute.Type);
        }

        // Those that the command needn't have come behind, by number.
        for (; rest != 0; rest &= rest - 1)
            WriteAttribute(command, (AttributeType)ulong.TrailingZeroCount(rest));
        _json.WriteEndObject();
        EndLine();
    }

    private void WriteAttribute(in StreamCommand command, AttributeType type)
    {
        JsonEncodedText name = s_attributeNames[(int)type];
        switch (AttributeTable.KindOf(type))
        {
            case AttributeKind.U8:
                _json.WriteNumber(name, (uint)command.GetU8(type));
                break;
            case AttributeKind.U32:
                _json.WriteNumber(name, command.GetU32(type));
                break;
            case AttributeKind.U64:
                _json.WriteNumber(name, command.GetU64(type));
                break;
            case AttributeKind.Uuid:
                _json.WriteString(name, command.GetGuid(type));
                break;
            case AttributeKind.Time:
                StreamTime time = command.GetTime(type);
                _json.WriteStartObject(name);
                _json.WriteNumber(s_seconds, time.Seconds);
                _json.WriteNumber(s_nanoseconds, time.Nanoseconds);
                _json.WriteEndObject();
                break;
            case AttributeKind.Bytes when type == AttributeType.Data:
                WriteData(name, command.GetBytes(type));
                break;
            default:
                WriteText(name, command.GetBytes(type));
                break;
        }
    }

    private void WriteText(JsonEncodedText name, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            _json.WriteString(name, bytes);
            return;
        }

        _json.WriteStartObject(name);
        _json.WriteBase64String(s_base64, bytes);
        _json.WriteEndObject();
    }

    private void WriteData(JsonEncodedText name, ReadOnlySpan<byte> data)
    {
        _json.WriteStartObject(name);
        _json.WriteNumber(s_length, data.Length);
        if (_withData)
        {
            _json.WriteBase64String(s_base64, data);
        }
        else
        {
            Span<byte> hex = stackalloc byte[2 * sizeof(uint)];
            Crc32C.Hash(data).TryFormat(hex, out _, "x8", null);
            _json.WriteString(s_crc, hex);
        }

        _json.WriteEndObject();
    }

    private void EndLine()
    {
        _json.WriteEndObject();
        _json.Flush();
        _json.Reset();
        _buffer.Write("\n"u8);
    }

    private void Drain()
    {
        _output.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }
}
