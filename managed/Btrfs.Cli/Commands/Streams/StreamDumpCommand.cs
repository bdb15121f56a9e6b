using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Stream.Dump;

namespace Btrfs.Cli.Commands.Streams;

/// <summary><c>stream dump</c>: the commands of a stream, as text or JSON.</summary>
internal static class StreamDumpCommand
{
    public static Command Create()
    {
        Command command = new("dump", "Print the commands of a stream, a line for each: as 'btrfs receive --dump' does, or as JSON.");
        Option<bool> json = new("--json") { Description = "Print one JSON object for each command, with its offset in the input; all streams of the input, not only the first" };
        Option<bool> data = new("--data") { Description = "With --json: print file data in base64 instead of its checksum" };
        Argument<string?> file = StreamCommands.OneFile();
        command.Options.Add(json);
        command.Options.Add(data);
        command.Arguments.Add(file);
        command.SetAction(parsed =>
        {
            bool isJson = parsed.GetValue(json);
            if (parsed.GetValue(data) && !isJson)
                throw new UsageException("--data needs --json");
            ImageArguments.RefuseUnknownOptions(parsed, parsed.GetValue(file) is { } name && name != StreamInput.Standard ? [name] : []);

            using Session session = new();
            using System.IO.Stream input = StreamInput.Open(parsed.GetValue(file));
            using StandardOutput output = new();
            if (isJson)
            {
                using StreamJsonDumper dumper = new(output, parsed.GetValue(data));
                dumper.Dump(input, session.Stopped);
            }
            else
            {
                new StreamDumper(output, TimeZoneInfo.Local).Dump(input);
            }
        });
        return command;
    }
}
