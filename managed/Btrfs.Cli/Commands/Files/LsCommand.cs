using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Files;

/// <summary><c>ls</c>: lists a directory in the order in which its entries were made, so that none has to be held whole.</summary>
internal static class LsCommand
{
    public static Command Create()
    {
        Command command = new("ls", "List a directory, in the order in which its entries were made.");
        Option<bool> longFormat = new("-l", "--long") { Description = "Tell mode, links, owner, group, size and time of change too" };
        Option<bool> recursive = new("-R", "--recursive") { Description = "List the directories below too, and subvolumes in them" };
        Option<bool> all = new("-a", "--all") { Description = "List names that begin with a dot too" };
        command.Options.Add(longFormat);
        command.Options.Add(recursive);
        command.Options.Add(all);
        ImageArguments image = new(command, 0, ("PATH", "A path from the top level (subvolume 5); default is the top"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            using Session session = new();
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            FsPath path = paths.Count == 0 ? "/" : new FsPath(RawArguments.BytesOf(paths[0]));
            TextOutput.Use(output =>
            {
                Listing listing = new(fs.Info, output, parsed.GetValue(longFormat), parsed.GetValue(all), session.Stopped);
                listing.Print(path, parsed.GetValue(recursive));
            });
        });
        return command;
    }
}
