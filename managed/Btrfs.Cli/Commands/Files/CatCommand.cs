using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Files;

/// <summary><c>cat</c>: file contents to standard output, every checksum verified.</summary>
internal static class CatCommand
{
    private const int BufferSize = 1 << 20;

    public static Command Create()
    {
        Command command = new("cat", "Write the content of files to standard output, every checksum verified.");
        ImageArguments image = new(command, 1, ("PATH...", "Paths from the top level (subvolume 5)"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            using Session session = new();
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            using StandardOutput output = new();
            byte[] buffer = new byte[BufferSize];
            foreach (string path in paths)
                Copy(fs, path, output, buffer, session.Stopped);
        });
        return command;
    }

    private static void Copy(BtrfsFileSystem fs, string path, StandardOutput output, byte[] buffer, CancellationToken stopped)
    {
        try
        {
            using System.IO.Stream content = fs.OpenFile(new FsPath(RawArguments.BytesOf(path)));
            for (int length; (length = content.Read(buffer)) > 0;)
            {
                stopped.ThrowIfCancellationRequested();
                output.Write(buffer.AsSpan(0, length));
            }
        }
        catch (ChecksumException error)
        {
            throw new BtrfsException($"'{path}': {error.Message}", error);
        }
    }
}
