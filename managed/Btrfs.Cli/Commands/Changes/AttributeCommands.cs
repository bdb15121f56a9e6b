using System.CommandLine;
using System.Globalization;
using Btrfs.Cli.Text;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;

namespace Btrfs.Cli.Commands.Changes;

/// <summary>Commands that change what inodes say of themselves: <c>chmod</c>, <c>chown</c>, <c>touch</c>, <c>truncate</c>, <c>fallocate</c>.</summary>
internal static class AttributeCommands
{
    public static Command Chmod()
    {
        Command command = new("chmod", "Change permissions.");
        ImageArguments image = new(command, 2, ("MODE", "Octal"), ("PATH...", "Whose"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> arguments) = image.Split(parsed);
            uint mode = FileCommands.ParseMode(arguments[0]);
            ForEach(devices, arguments, (fs, path) => fs.SetAttributes(path, new AttributeChange { Permissions = mode }));
        });
        return command;
    }

    public static Command Chown()
    {
        Command command = new("chown", "Change owners, by number. As with coreutils, what is no directory loses its set-id bits and capabilities.");
        ImageArguments image = new(command, 2, ("OWNER", "UID, UID:GID or :GID"), ("PATH...", "Whose"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> arguments) = image.Split(parsed);
            string[] ids = arguments[0].Split(':');
            if (ids.Length > 2 || ids.All(id => id.Length == 0))
                throw new UsageException($"'{arguments[0]}' is not UID, UID:GID or :GID");
            uint? uid = ParseId(ids[0]);
            uint? gid = ids.Length > 1 ? ParseId(ids[1]) : null;
            ForEach(devices, arguments, (fs, path) => fs.ChangeOwner(path, uid, gid));
        });
        return command;
    }

    public static Command Touch()
    {
        Command command = new("touch", "Set the times of files to now, and make those that aren't there.");
        ImageArguments image = new(command, 1, ("PATH...", "Whose"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            TimeSpan now = DateTime.UtcNow - DateTime.UnixEpoch;
            DiskTime time = new((long)now.TotalSeconds, (uint)(now.Ticks % TimeSpan.TicksPerSecond * 100));
            ImageArguments.Change(devices, (fs, _) =>
            {
                foreach (FsPath path in paths.Select(ImageArguments.PathOf))
                {
                    if (Places.TryFind(fs.Writer.Running, path) is null)
                        fs.CreateFile(path);
                    else
                        fs.SetAttributes(path, new AttributeChange { ATime = time, MTime = time, CTime = time });
                }
            });
        });
        return command;
    }

    public static Command Truncate()
    {
        Command command = new("truncate", "Set the size of files: what is cut off is gone, what is new reads as zeros.");
        Option<string?> size = new("-s", "--size") { HelpName = "SIZE", Description = "Bytes; K, M, G and so on stand for KiB, MiB, GiB" };
        command.Options.Add(size);
        ImageArguments image = new(command, 1, ("PATH...", "Whose"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            ulong bytes = RequireSize(parsed, size);
            ImageArguments.Change(devices, (fs, _) =>
            {
                foreach (string path in paths)
                    fs.SetLength(ImageArguments.PathOf(path), bytes);
            });
        });
        return command;
    }

    public static Command Fallocate()
    {
        Command command = new("fallocate", "Allocate space for a range of a file, or make a hole of it.");
        Option<string?> offset = new("-o", "--offset") { HelpName = "SIZE", Description = "Where the range begins; default is 0" };
        Option<string?> length = new("-l", "--length") { HelpName = "SIZE", Description = "How long it is" };
        Option<bool> keepSize = new("-n", "--keep-size") { Description = "Leave the file's size alone" };
        Option<bool> punch = new("-p", "--punch-hole") { Description = "Make a hole" };
        Option<bool> zero = new("-z", "--zero-range") { Description = "Make preallocated space that reads as zeros" };
        foreach (Option option in (Option[])[offset, length, keepSize, punch, zero])
            command.Options.Add(option);
        ImageArguments image = new(command, 1, ("PATH", "Whose"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            bool keepsSize = parsed.GetValue(keepSize);
            if (parsed.GetValue(punch) && parsed.GetValue(zero))
                throw new UsageException("--punch-hole and --zero-range exclude each other");
            AllocateMode mode =
                parsed.GetValue(punch) ? AllocateMode.PunchHole
                : parsed.GetValue(zero) ? (keepsSize ? AllocateMode.ZeroRangeKeepSize : AllocateMode.ZeroRange)
                : keepsSize ? AllocateMode.PreallocateKeepSize : AllocateMode.Preallocate;
            ulong begin = parsed.GetValue(offset) is null ? 0 : RequireSize(parsed, offset);
            ulong bytes = RequireSize(parsed, length);
            ImageArguments.Change(devices, (fs, _) => fs.Allocate(ImageArguments.PathOf(paths[0]), begin, bytes, mode));
        });
        return command;
    }

    private static void ForEach(IReadOnlyList<string> devices, IReadOnlyList<string> arguments, Action<BtrfsFileSystem, FsPath> change)
    {
        if (arguments.Count < 2)
            throw new UsageException("PATH is missing");
        ImageArguments.Change(devices, (fs, _) =>
        {
            foreach (string path in arguments.Skip(1))
                change(fs, ImageArguments.PathOf(path));
        });
    }

    private static uint? ParseId(string text)
    {
        if (text.Length == 0)
            return null;
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint id) && id != uint.MaxValue ? id : throw new UsageException($"'{text}' is not the number of a user or group");
    }

    private static ulong RequireSize(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } text)
            throw new UsageException($"{option.Aliases.FirstOrDefault(alias => alias.StartsWith("--", StringComparison.Ordinal)) ?? option.Name} is missing");
        return ByteSize.TryParse(text, out ulong size) ? size : throw new UsageException($"'{text}' is not a size");
    }
}
