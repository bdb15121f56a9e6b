using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;

namespace Btrfs.Cli.Commands.Changes;

/// <summary>Commands that make and move names: <c>mkdir</c>, <c>mv</c>, <c>ln</c>.</summary>
internal static class FileCommands
{
    private const uint DefaultDirectoryMode = 0x1ED;

    public static Command Mkdir()
    {
        Command command = new("mkdir", "Make directories.");
        Option<bool> parents = new("-p", "--parents") { Description = "Make those above too, and say nothing of what is there" };
        Option<string?> mode = new("-m", "--mode") { HelpName = "MODE", Description = "Permissions, octal; default is 755" };
        command.Options.Add(parents);
        command.Options.Add(mode);
        ImageArguments image = new(command, 1, ("PATH...", "What to make"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            uint permissions = parsed.GetValue(mode) is { } text ? ParseMode(text) : DefaultDirectoryMode;
            ImageArguments.Change(devices, (fs, _) =>
            {
                foreach (string path in paths)
                {
                    FsPath at = ImageArguments.PathOf(path);
                    if (parsed.GetValue(parents))
                        MakeAll(fs, at, permissions);
                    else
                        fs.CreateDirectory(at, Directory(permissions));
                }
            });
        });
        return command;
    }

    public static Command Mv()
    {
        Command command = new("mv", "Give files, directories and subvolumes other names or places. A file that has the name is replaced.");
        Option<bool> noReplace = new("-n", "--no-clobber") { Description = "Replace nothing" };
        Option<bool> exchange = new("--exchange") { Description = "Let both have each other's place" };
        Option<bool> noDirectory = new("-T", "--no-target-directory") { Description = "Take DEST for the name itself, even if it is a directory" };
        command.Options.Add(noReplace);
        command.Options.Add(exchange);
        command.Options.Add(noDirectory);
        ImageArguments image = new(command, 2, ("SOURCE...", "What to move"), ("DEST", "The new name, or the directory that gets it"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            bool isExchange = parsed.GetValue(exchange);
            bool isName = isExchange || parsed.GetValue(noDirectory);
            if (isName && paths.Count > 2)
                throw new UsageException($"'{paths[2]}' is one argument too many");
            if (isExchange && parsed.GetValue(noReplace))
                throw new UsageException("--exchange and --no-clobber exclude each other");
            RenameFlags flags = isExchange ? RenameFlags.Exchange : parsed.GetValue(noReplace) ? RenameFlags.NoReplace : RenameFlags.None;
            ImageArguments.Change(devices, (fs, _) =>
            {
                FsPath destination = ImageArguments.PathOf(paths[^1]);
                if (paths.Count > 2)
                    Places.FindDirectory(fs.Writer.Running, destination);
                foreach (string path in paths.SkipLast(1))
                {
                    FsPath from = ImageArguments.PathOf(path);
                    FsPath to = isName ? destination : Places.Choose(fs.Writer.Running, destination, Places.NameOf(from));

                    // A rename between two names of one file does nothing, and nobody who moves a file means that.
                    if (flags == RenameFlags.None && IsSame(fs.Writer.Running, from, to))
                        throw new InvalidRequestException($"'{from}' and '{to}' are the same file");
                    fs.Move(from, to, flags);
                }
            });
        });
        return command;
    }

    public static Command Ln()
    {
        Command command = new("ln", "Give a file a further name, or make a symbolic link.");
        Option<bool> symbolic = new("-s", "--symbolic") { Description = "Make a symbolic link that holds TARGET as it stands" };
        command.Options.Add(symbolic);
        ImageArguments image = new(command, 2, ("TARGET", "A file; with -s any text"), ("PATH", "The new name, or a directory that gets it under the target's own"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            byte[] target = RawArguments.BytesOf(paths[0]);
            ImageArguments.Change(devices, (fs, _) =>
            {
                FsPath to = Places.Choose(fs.Writer.Running, ImageArguments.PathOf(paths[1]), Places.NameOf(new FsPath(target)));
                if (parsed.GetValue(symbolic))
                    fs.CreateSymbolicLink(to, target);
                else
                    fs.CreateLink(new FsPath(target), to);
            });
        });
        return command;
    }

    /// <exception cref="UsageException">It is no octal number, or too large.</exception>
    public static uint ParseMode(string text)
    {
        uint mode = 0;
        foreach (char digit in text)
            mode = digit is >= '0' and <= '7' && mode <= 0xFFF ? mode * 8 + (uint)(digit - '0') : uint.MaxValue;
        return text.Length > 0 && mode <= 0xFFF ? mode : throw new UsageException($"'{text}' is not an octal mode");
    }

    private static bool IsSame(FsInfo fs, FsPath one, FsPath other) =>
        Places.TryFind(fs, one) is { } first && Places.TryFind(fs, other) is { } second
        && !first.IsEmptySubvolumeDirectory && first.Subvolume.Id == second.Subvolume.Id && first.Inode == second.Inode;

    private static NewInode Directory(uint permissions) => new() { Mode = InodeMode.Directory | permissions };

    private static void MakeAll(BtrfsFileSystem fs, FsPath path, uint permissions)
    {
        if (Places.TryFind(fs.Writer.Running, path) is { } found)
        {
            if (!Places.IsDirectory(found))
                throw new InvalidRequestException($"'{path}' exists and is not a directory");
            return;
        }

        MakeAll(fs, Places.Above(path), DefaultDirectoryMode);
        fs.CreateDirectory(path, Directory(permissions));
    }
}
