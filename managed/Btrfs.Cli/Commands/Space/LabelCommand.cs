using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Engine;

namespace Btrfs.Cli.Commands.Space;

/// <summary><c>filesystem label</c>: tells or sets it.</summary>
internal static class LabelCommand
{
    public static Command Create()
    {
        Command command = new("label", "Tell the label of a file system, or give it one.");
        ImageArguments image = new(command, 0, ("LABEL", "At most 255 bytes; empty for none"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> arguments) = image.Split(parsed);
            if (arguments.Count > 0)
            {
                byte[] label = RawArguments.BytesOf(arguments[0]);
                ImageArguments.Change(devices, (fs, _) => fs.SetLabel(label));
                return;
            }

            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            byte[] current = fs.Info.Superblock.Label.ToArray();
            TextOutput.Use(output => output.Append(current).Line());
        });
        return command;
    }
}
