using System.CommandLine;
using Btrfs.Cli.Text;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Names;

namespace Btrfs.Cli.Commands.Changes;

/// <summary><c>rm</c>: deletes files and trees.</summary>
internal sealed class RmCommand
{
    private readonly BtrfsFileSystem _fs;
    private readonly CancellationToken _stopped;

    private RmCommand(BtrfsFileSystem fs, CancellationToken stopped)
    {
        _fs = fs;
        _stopped = stopped;
    }

    public static Command Create()
    {
        Command command = new("rm", "Delete files, and with -r directories. Subvolumes are deleted with 'subvolume delete'.");
        Option<bool> recursive = new("-r", "--recursive", "-R") { Description = "Delete directories with all that is in them" };
        Option<bool> directory = new("-d", "--dir") { Description = "Delete empty directories" };
        Option<bool> force = new("-f", "--force") { Description = "Say nothing of what isn't there" };
        command.Options.Add(recursive);
        command.Options.Add(directory);
        command.Options.Add(force);
        ImageArguments image = new(command, 1, ("PATH...", "What to delete"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            ImageArguments.Change(devices, (fs, stopped) =>
            {
                RmCommand rm = new(fs, stopped);
                foreach (string path in paths)
                    rm.Delete(ImageArguments.PathOf(path), parsed.GetValue(recursive), parsed.GetValue(directory), parsed.GetValue(force));
            });
        });
        return command;
    }

    private void Delete(FsPath path, bool isRecursive, bool takesEmpty, bool isForced)
    {
        if (Places.TryFind(_fs.Writer.Running, path) is not { } found)
        {
            if (isForced)
                return;
            throw new InvalidRequestException($"no such file or directory: '{path}'");
        }

        if (found.IsSubvolumeTop)
            throw new InvalidRequestException($"'{path}' is a subvolume, it is deleted with 'subvolume delete'");
        if (!Places.IsDirectory(found))
        {
            _fs.Delete(path);
            return;
        }

        if (isRecursive && !found.IsEmptySubvolumeDirectory)
            Empty(found, new PathText(path));
        else if (!isRecursive && !takesEmpty)
            throw new InvalidRequestException($"'{path}' is a directory");
        _fs.DeleteDirectory(path);
    }

    // What was read of a directory holds until the next change, so its names are read first.
    private void Empty(Location top, PathText at)
    {
        ulong root = top.Subvolume.Id;
        SubvolumeWriter writer = _fs.Subvolumes.Get(root);
        Stack<(ulong Directory, Queue<(byte[] Name, ulong Inode, bool IsDirectory)> Left)> levels = new();
        levels.Push((top.Inode, List(root, top.Inode, at)));
        while (true)
        {
            _stopped.ThrowIfCancellationRequested();
            (ulong directory, Queue<(byte[] Name, ulong Inode, bool IsDirectory)> left) = levels.Peek();
            if (left.TryDequeue(out (byte[] Name, ulong Inode, bool IsDirectory) entry))
            {
                if (!entry.IsDirectory)
                {
                    writer.Unlink(directory, entry.Name);
                }
                else
                {
                    at.Down(entry.Name);
                    levels.Push((entry.Inode, entry.Inode == ObjectIds.EmptySubvolDir ? [] : List(root, entry.Inode, at)));
                }

                continue;
            }

            levels.Pop();
            if (!levels.TryPeek(out (ulong Directory, Queue<(byte[] Name, ulong Inode, bool IsDirectory)> Left) above))
                return;
            writer.RemoveDirectory(above.Directory, at.LastPart);
            at.Up();
        }
    }

    private Queue<(byte[] Name, ulong Inode, bool IsDirectory)> List(ulong root, ulong inode, PathText at)
    {
        PathLookup paths = new(_fs.Writer.Running);
        Location directory = paths.Top(root) with { Inode = inode };
        Queue<(byte[] Name, ulong Inode, bool IsDirectory)> found = new();
        ulong position = 0;
        while (directory.Subvolume.TryReadEntry(inode, ref position, out DirEntry entry))
        {
            Location target = paths.Follow(directory, entry);
            if (target.IsSubvolumeTop)
            {
                at.Down(entry.Name);
                throw new InvalidRequestException($"'{at}' is a subvolume, it is deleted with 'subvolume delete'");
            }

            found.Enqueue((entry.Name.ToArray(), target.Inode, target.IsEmptySubvolumeDirectory || entry.Type == DirEntryType.Directory));
        }

        return found;
    }
}
