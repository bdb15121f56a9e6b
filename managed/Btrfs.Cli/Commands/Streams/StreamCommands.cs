using System.CommandLine;

namespace Btrfs.Cli.Commands.Streams;

/// <summary><c>stream</c>: what can be done with send streams by themselves.</summary>
internal static class StreamCommands
{
    public static Command Create()
    {
        Command command = new("stream", "Look at send streams, verify them, and take files out of them.");
        command.Subcommands.Add(StreamDumpCommand.Create());
        command.Subcommands.Add(StreamInfoCommand.Create());
        command.Subcommands.Add(StreamVerifyCommand.Create());
        command.Subcommands.Add(StreamExtractCommand.Create());
        return command;
    }

    /// <summary>The stream to read, once.</summary>
    public static Argument<string?> OneFile() => new("FILE") { Description = "The file to read; default, and -, is standard input", Arity = ArgumentArity.ZeroOrOne };

    /// <summary>The streams of a chain.</summary>
    public static Argument<string[]> SeveralFiles() =>
        new("FILE") { Description = "The files of a chain: a full stream and the incremental ones on top of it, in order", Arity = ArgumentArity.OneOrMore };
}
