using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Inode.Changes;

namespace Btrfs.Cli.Commands.Files;

/// <summary><c>put</c>: copies a file or a tree of the host in.</summary>
internal static class PutCommand
{
    public static Command Create()
    {
        Command command = new(
            "put",
            "Copy a file or a directory of the host in, with times, modes, owners, extended attributes, hard links, holes and special files. What fails or is stopped leaves the last commit; a large copy commits on its way.");
        Option<string?> compress = new("--compress") { HelpName = "ALGORITHM", Description = "Compress file data: zlib, lzo or zstd, with :LEVEL if wanted" };
        Option<bool> quiet = new("-q", "--quiet") { Description = "Tell only errors" };
        command.Options.Add(compress);
        command.Options.Add(quiet);
        ImageArguments image = new(
            command,
            2,
            ("SOURCE", "A file or directory of the host; of DIR/. only what is in it"),
            ("PATH", "The copy's name in the image, or a directory that gets the copy; nothing that exists is replaced"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            bool isQuiet = parsed.GetValue(quiet);
            WriteOptions options = CompressionText.Parse(parsed.GetValue(compress));
            byte[] source = RawArguments.BytesOf(paths[0]);
            ImageArguments.Change(
                devices,
                (fs, stopped) =>
                {
                    CopyReport report = new(isQuiet);
                    using TreePut put = new(fs, options, report, stopped);
                    put.Run(source, ImageArguments.PathOf(paths[1]));
                    report.Finish();
                },
                isQuiet);
        });
        return command;
    }
}
