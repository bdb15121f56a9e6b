using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Btrfs.Cli.Commands;
using Btrfs.Cli.Commands.Changes;
using Btrfs.Cli.Commands.Check;
using Btrfs.Cli.Commands.Files;
using Btrfs.Cli.Commands.Inspect;
using Btrfs.Cli.Commands.Making;
using Btrfs.Cli.Commands.Space;
using Btrfs.Cli.Commands.Streams;
using Btrfs.Cli.Commands.Subvolumes;
using Btrfs.Cli.Host;
using Btrfs.Format;
using Btrfs.Stream;
using Btrfs.Stream.Replay;

namespace Btrfs.Cli;

/// <summary>The whole command line: parses, runs one command, and turns every way to end into an exit code and at most one line.</summary>
internal static class CommandLine
{
    private static readonly ParserConfiguration s_parsing = new() { ResponseFileTokenReplacer = null };

    // Exceptions are told here, and signals are the session's: the library must do neither.
    private static readonly InvocationConfiguration s_invocation = new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };

    public static int Run(string[] args)
    {
        ParseResult parsed = BuildRoot().Parse(CpCommand.WithReflinkValue(args), s_parsing);
        if (parsed.Action is ParseErrorAction)
            return TellUsage(parsed, WhatIsWrong(parsed));

        try
        {
            return parsed.Invoke(s_invocation);
        }
        catch (UsageException error)
        {
            return TellUsage(parsed, error.Message);
        }
        catch (BrokenPipeException)
        {
            // Who reads our output has what it wanted.
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.SignalBase + Session.LastSignal;
        }
        catch (Exception error) when (error is BtrfsException or StreamFormatException or StreamChainException or IOException or UnauthorizedAccessException)
        {
            return Tell(error.Message);
        }
        catch (Exception error)
        {
            return Tell($"internal error, please report it: {error.GetType().Name}: {error.Message}");
        }
    }

    private static RootCommand BuildRoot()
    {
        RootCommand root = new("Makes, reads, changes and checks btrfs file systems without mounting them, and sends from them as the kernel does, without root.");
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Aliases.Remove("/h");
        help.Aliases.Remove("/?");
        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();
        root.Subcommands.Add(SendCommand.Create());
        root.Subcommands.Add(ReceiveCommand.Create());
        root.Subcommands.Add(StreamCommands.Create());
        root.Subcommands.Add(SubvolumeCommands.Create());
        root.Subcommands.Add(FilesystemCommands.Create());
        root.Subcommands.Add(LsCommand.Create());
        root.Subcommands.Add(StatCommand.Create());
        root.Subcommands.Add(CatCommand.Create());
        root.Subcommands.Add(GetCommand.Create());
        root.Subcommands.Add(PutCommand.Create());
        root.Subcommands.Add(FileCommands.Mkdir());
        root.Subcommands.Add(RmCommand.Create());
        root.Subcommands.Add(FileCommands.Mv());
        root.Subcommands.Add(FileCommands.Ln());
        root.Subcommands.Add(CpCommand.Create());
        root.Subcommands.Add(AttributeCommands.Chmod());
        root.Subcommands.Add(AttributeCommands.Chown());
        root.Subcommands.Add(AttributeCommands.Touch());
        root.Subcommands.Add(AttributeCommands.Truncate());
        root.Subcommands.Add(AttributeCommands.Fallocate());
        root.Subcommands.Add(FlagCommands.Chattr());
        root.Subcommands.Add(FlagCommands.Lsattr());
        root.Subcommands.Add(PropertyCommands.Create());
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(InspectCommands.Create());
        root.Subcommands.Add(MkfsCommand.Create());
        return root;
    }

    private static string WhatIsWrong(ParseResult parsed) =>
        parsed.CommandResult.Command.Subcommands.Count == 0 ? string.Join(' ', parsed.Errors[0].Message.TrimEnd('.').Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        : parsed.UnmatchedTokens.Count > 0 ? $"unknown command or option '{parsed.UnmatchedTokens[0]}'"
        : "a command is missing";

    private static int TellUsage(ParseResult parsed, string message)
    {
        string name = string.Join(' ', NamesOf(parsed.CommandResult).Reverse());
        ErrorOutput.WriteLine($"ERROR: {message}");
        ErrorOutput.WriteLine($"Try '{name} --help' for more information.");
        return ExitCode.Usage;
    }

    private static IEnumerable<string> NamesOf(System.CommandLine.Parsing.CommandResult? result)
    {
        for (; result is not null; result = result.Parent as System.CommandLine.Parsing.CommandResult)
            yield return result.Command is RootCommand ? "btrfs-engine" : result.Command.Name;
    }

    private static int Tell(string message)
    {
        ErrorOutput.WriteLine($"ERROR: {message}");
        return ExitCode.Failure;
    }

    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            Console.WriteLine($"btrfs-engine {typeof(CommandLine).Assembly.GetName().Version!.ToString(3)}");
            return ExitCode.Success;
        }
    }
}
