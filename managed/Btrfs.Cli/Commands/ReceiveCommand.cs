using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Stream.Dump;

namespace Btrfs.Cli.Commands;

/// <summary><c>receive --dump</c>: tells what a stream holds, a line for each command.</summary>
internal static class ReceiveCommand
{
    public static Command Create()
    {
        Command command = new("receive", "Tell what a send stream holds, a line for each command.");
        Option<bool> dump = new("--dump") { Description = "Print the commands; the only thing that receive does so far" };
        Option<string?> file = new("-f", "--file") { HelpName = "FILE", Description = "Read FILE; default is standard input" };
        command.Options.Add(dump);
        command.Options.Add(file);
        command.SetAction(parsed =>
        {
            if (!parsed.GetValue(dump))
                throw new UsageException("--dump is missing");
            using Session session = new();
            using System.IO.Stream input = StreamInput.Open(parsed.GetValue(file));
            using StandardOutput output = new();
            new StreamDumper(output, TimeZoneInfo.Local).Dump(input);
        });
        return command;
    }
}
