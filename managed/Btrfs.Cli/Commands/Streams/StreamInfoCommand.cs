using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Btrfs.Cli.Host;
using Btrfs.Stream;
using Btrfs.Stream.Info;

namespace Btrfs.Cli.Commands.Streams;

/// <summary><c>stream info</c>: what a stream holds, in sums.</summary>
internal static class StreamInfoCommand
{
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create()
    {
        Command command = new("info", "Tell what a stream holds: for each subvolume its name, UUIDs, parent, sizes and numbers of commands.");
        Option<bool> json = new("--json") { Description = "Print one JSON object for each subvolume" };
        Argument<string?> file = StreamCommands.OneFile();
        command.Options.Add(json);
        command.Arguments.Add(file);
        command.SetAction(parsed =>
        {
            ImageArguments.RefuseUnknownOptions(parsed, parsed.GetValue(file) is { } name && name != StreamInput.Standard ? [name] : []);
            using Session session = new();
            using System.IO.Stream input = StreamInput.Open(parsed.GetValue(file));
            TextOutput.Use(output =>
            {
                foreach (SubvolumeSummary subvolume in StreamSurvey.Read(input, session.Stopped))
                {
                    if (parsed.GetValue(json))
                        PrintJson(subvolume, output);
                    else
                        Print(subvolume, output);
                }
            });
        });
        return command;
    }

    private static void Print(SubvolumeSummary subvolume, TextOutput output)
    {
        output.Append("Subvolume: ").Append(subvolume.Name).Line();
        Line("UUID", subvolume.Uuid.ToString());
        Line("Ctransid", Number(subvolume.Ctransid));
        Line("Parent", subvolume.ParentUuid is { } parent ? $"{parent}, ctransid {subvolume.ParentCtransid}" : "none, it is sent whole");
        Line("Protocol", Number(subvolume.Version));
        Line("Offset", Number(subvolume.Offset));
        Line("Size", Number(subvolume.StreamBytes));
        foreach ((string name, ulong value) in Sums(subvolume))
            Line(string.Concat(char.ToUpperInvariant(name[0]), name[1..].Replace('_', ' ')), Number(value));
        foreach (CommandDefinition definition in CommandTable.All)
        {
            if (subvolume.CountOf(definition.Type) is > 0 and long count)
                output.Line($"\t\t{definition.Name}: {count}");
        }

        void Line(string name, string value) => output.Line($"\t{name + ":",-15}\t{value}");
    }

    private static void PrintJson(SubvolumeSummary subvolume, TextOutput output)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text, s_json))
        {
            json.WriteStartObject();
            if (Utf8.IsValid(subvolume.Name))
            {
                json.WriteString("name", subvolume.Name);
            }
            else
            {
                json.WriteStartObject("name");
                json.WriteBase64String("base64", subvolume.Name);
                json.WriteEndObject();
            }

            json.WriteString("uuid", subvolume.Uuid);
            json.WriteNumber("ctransid", subvolume.Ctransid);
            if (subvolume.ParentUuid is { } parent)
            {
                json.WriteString("parent_uuid", parent);
                json.WriteNumber("parent_ctransid", subvolume.ParentCtransid);
            }

            json.WriteNumber("protocol", subvolume.Version);
            json.WriteNumber("offset", subvolume.Offset);
            json.WriteNumber("size", subvolume.StreamBytes);
            foreach ((string name, ulong value) in Sums(subvolume))
                json.WriteNumber(name, value);
            json.WriteStartObject("commands_by_kind");
            foreach (CommandDefinition definition in CommandTable.All)
            {
                if (subvolume.CountOf(definition.Type) is > 0 and long count)
                    json.WriteNumber(definition.Name, count);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        output.Line(Encoding.UTF8.GetString(text.ToArray()));
    }

    private static (string Name, ulong Value)[] Sums(SubvolumeSummary subvolume) =>
    [
        ("data_bytes", (ulong)subvolume.DataBytes),
        ("encoded_bytes", (ulong)subvolume.EncodedBytes),
        ("decoded_bytes", subvolume.DecodedBytes),
        ("cloned_bytes", subvolume.ClonedBytes),
        ("untold_bytes", subvolume.UntoldBytes),
        ("files", (ulong)subvolume.CountOf(CommandType.Mkfile)),
        ("new_inodes", (ulong)subvolume.NewInodes),
        ("commands", (ulong)subvolume.Commands),
    ];

    private static string Number<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
