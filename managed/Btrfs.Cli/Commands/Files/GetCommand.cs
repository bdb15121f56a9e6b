using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Files;

/// <summary><c>get</c>: copies a file or a tree out.</summary>
internal static class GetCommand
{
    public static Command Create()
    {
        Command command = new(
            "get",
            "Copy a file or a directory out, with times, modes, extended attributes, hard links and holes, subvolumes below included; as root with owners and device nodes too.");
        Option<bool> quiet = new("-q", "--quiet") { Description = "Tell only errors" };
        command.Options.Add(quiet);
        ImageArguments image = new(
            command,
            2,
            ("PATH", "A path from the top level (subvolume 5)"),
            ("DEST", "The copy's name, or a directory that gets the copy; nothing that exists is replaced"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            bool isQuiet = parsed.GetValue(quiet);
            using Session session = new();
            using BtrfsFileSystem fs = ImageArguments.Open(devices, isQuiet);
            using TreeCopy copy = new(fs.Info, isQuiet, session.Stopped);
            copy.Run(new FsPath(RawArguments.BytesOf(paths[0])), paths[1]);
        });
        return command;
    }
}
