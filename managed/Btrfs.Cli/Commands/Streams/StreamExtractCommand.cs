using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Stream.Replay;

namespace Btrfs.Cli.Commands.Streams;

/// <summary><c>stream extract</c>: a file or a folder out of a chain of streams.</summary>
internal static class StreamExtractCommand
{
    public static Command Create()
    {
        Command command = new(
            "extract",
            "Take a file or a folder out of a full stream or a chain of incremental ones, without an image: with times, modes, extended attributes, hard links and holes; as root with owners and device nodes too.");
        Option<string> path = new("--path") { HelpName = "PATH", Description = "What to take, from the top of the subvolume; / for all of it", Required = true };
        Option<string> destination = new("-o", "--output") { HelpName = "DEST", Description = "The copy's name, or a directory that gets the copy; nothing that exists is replaced", Required = true };
        Option<string?> subvolume = new("--subvolume") { HelpName = "NAME", Description = "The subvolume to take it from; default is the last one of the chain" };
        Option<bool> quiet = new("-q", "--quiet") { Description = "Tell only errors" };
        Argument<string[]> files = StreamCommands.SeveralFiles();
        foreach (Option option in (Option[])[path, destination, subvolume, quiet])
            command.Options.Add(option);
        command.Arguments.Add(files);
        command.SetAction(parsed =>
        {
            string[] paths = parsed.GetValue(files)!;
            ImageArguments.RefuseUnknownOptions(parsed, paths);
            using Session session = new();
            using StreamChain chain = StreamChain.Open(paths, options: null, session.Stopped);
            ReplayedSubvolume source = parsed.GetValue(subvolume) is { } name ? Named(chain, name) : chain.Last;
            using StreamCopy copy = new(chain, source, parsed.GetValue(quiet), session.Stopped);
            copy.Run(RawArguments.BytesOf(parsed.GetValue(path)!), parsed.GetValue(destination)!);
        });
        return command;
    }

    private static ReplayedSubvolume Named(StreamChain chain, string name)
    {
        byte[] bytes = RawArguments.BytesOf(name);
        return chain.Subvolumes.LastOrDefault(subvolume => subvolume.Name.SequenceEqual(bytes))
            ?? throw new IOException($"no stream makes a subvolume '{name}'");
    }
}
