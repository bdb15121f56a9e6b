using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Ctree;
using Btrfs.Engine;

namespace Btrfs.Cli.Commands.Space;

/// <summary><c>filesystem show|df|usage|label</c>.</summary>
internal static class FilesystemCommands
{
    public static Command Create()
    {
        Command group = new("filesystem", "Tell about the devices and the space of a file system, and name it.");
        group.Aliases.Add("fi");
        group.Subcommands.Add(Report("show", "Tell label, UUID and devices.", SpaceReport.Show));
        group.Subcommands.Add(Report("df", "Tell the space of each kind of block group: allocated, and used.", SpaceReport.Df));
        group.Subcommands.Add(Report("usage", "Tell how the space is allocated and used, by kind and by device.", SpaceReport.Usage));
        group.Subcommands.Add(LabelCommand.Create());
        return group;
    }

    private static Command Report(string name, string description, Action<FsInfo, ByteSize, TextOutput> print)
    {
        Command command = new(name, description);
        ByteSize.Options sizes = new(command);
        ImageArguments image = new(command, 0);
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, _) = image.Split(parsed);
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            TextOutput.Use(output => print(fs.Info, sizes.Of(parsed), output));
        });
        return command;
    }
}
