using System.CommandLine;
using System.Globalization;
using Btrfs.Cli.Commands.Changes;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Subvolumes;

/// <summary><c>subvolume create|snapshot|delete|set-default</c>.</summary>
internal static class SubvolumeChanges
{
    public static void AddTo(Command group)
    {
        group.Subcommands.Add(Create());
        group.Subcommands.Add(Snapshot());
        group.Subcommands.Add(Delete());
        group.Subcommands.Add(SetDefault());
    }

    private static Command Create()
    {
        Command command = new("create", "Make empty subvolumes.");
        ImageArguments image = new(command, 1, ("PATH...", "Where; nothing may be there, and the directory above must"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            ImageArguments.Change(devices, (fs, _) =>
            {
                foreach (string path in paths)
                    fs.CreateSubvolume(ImageArguments.PathOf(path));
            });
            Tell(paths, path => $"Create subvolume '{path}'");
        });
        return command;
    }

    private static Command Snapshot()
    {
        Command command = new("snapshot", "Make a snapshot of a subvolume.");
        Option<bool> readOnly = new("-r") { Description = "Make it read-only: what send takes" };
        command.Options.Add(readOnly);
        ImageArguments image = new(
            command,
            2,
            ("SOURCE", "A subvolume"),
            ("PATH", "The snapshot's path, or a directory that gets it under the name of the source"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            bool isReadOnly = parsed.GetValue(readOnly);
            FsPath made = default;
            ImageArguments.Change(devices, (fs, _) =>
            {
                FsPath source = ImageArguments.PathOf(paths[0]);
                made = Places.Choose(fs.Writer.Running, ImageArguments.PathOf(paths[1]), Places.NameOf(source));
                fs.CreateSnapshot(source, made, isReadOnly);
            });
            Tell([made.ToString()], path => $"Create a {(isReadOnly ? "readonly " : "")}snapshot of '{paths[0]}' in '{path}'");
        });
        return command;
    }

    private static Command Delete()
    {
        Command command = new("delete", "Delete subvolumes and snapshots, and free their space. If that is stopped, the next change of the file system goes on with it.");
        Option<bool> after = new("-c", "--commit-after") { Description = "Commit when all are deleted (always done)" };
        Option<bool> each = new("-C", "--commit-each") { Description = "Commit after each" };
        Option<bool> noClean = new("--no-clean") { Description = "Leave their space to whoever changes the file system next" };
        command.Options.Add(after);
        command.Options.Add(each);
        command.Options.Add(noClean);
        ImageArguments image = new(command, 1, ("PATH...", "Subvolumes that hold no others"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            bool commitsEach = parsed.GetValue(each);
            ImageArguments.Change(devices, (fs, stopped) =>
            {
                foreach (string path in paths)
                {
                    fs.DeleteSubvolume(ImageArguments.PathOf(path));
                    if (commitsEach)
                        fs.Commit();
                }

                // From here on they are gone, whenever their space is freed.
                fs.Commit();
                if (!parsed.GetValue(noClean))
                    fs.CleanUp(stopped);
            });
            Tell(paths, path => $"Delete subvolume '{path}'");
        });
        return command;
    }

    private static Command SetDefault()
    {
        Command command = new("set-default", "Say which subvolume the kernel mounts when it isn't told.");
        ImageArguments image = new(command, 1, ("PATH", "A subvolume, by its path or its id"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            ImageArguments.Change(devices, (fs, _) => fs.SetDefaultSubvolume(FindByPathOrId(fs, paths[0])));
        });
        return command;
    }

    private static FsPath FindByPathOrId(BtrfsFileSystem fs, string text)
    {
        FsPath path = ImageArguments.PathOf(text);
        if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id) || Places.TryFind(fs.Writer.Running, path) is not null)
            return path;
        if (id is 0 or ObjectIds.FsTree)
            return FsPath.Root;
        SubvolumeTable table = new(fs.Writer.Running);
        return new FsPath(table.PathOf(table.Get(id)));
    }

    private static void Tell(IReadOnlyList<string> paths, Func<string, string> line) =>
        TextOutput.Use(output =>
        {
            foreach (string path in paths)
                output.Line(line(path));
        });
}
