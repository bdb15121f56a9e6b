using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Subvolumes;

/// <summary><c>subvolume list|show|get-default</c>.</summary>
internal static class SubvolumeCommands
{
    public static Command Create()
    {
        Command group = new("subvolume", "Tell about subvolumes and snapshots, make and delete them.");
        group.Aliases.Add("sub");
        group.Subcommands.Add(List());
        group.Subcommands.Add(Show());
        group.Subcommands.Add(GetDefault());
        SubvolumeChanges.AddTo(group);
        return group;
    }

    private static Command List()
    {
        Command command = new("list", "List subvolumes and snapshots.");
        Option<bool> below = new("-o") { Description = "List only the subvolumes that lie directly in the one at PATH" };
        Option<bool> absolute = new("-a") { Description = "Mark the paths of subvolumes that lie in others with <FS_TREE>/" };
        Option<bool> parent = new("-p") { Description = "Tell the id of the subvolume that holds it" };
        Option<bool> origin = new("-c") { Description = "Tell the generation in which it was made" };
        Option<bool> generation = new("-g") { Description = "Tell the generation (always told)" };
        Option<bool> uuid = new("-u") { Description = "Tell the UUID" };
        Option<bool> parentUuid = new("-q") { Description = "Tell the UUID of what it is a snapshot of" };
        Option<bool> receivedUuid = new("-R") { Description = "Tell the UUID that it was received with" };
        Option<bool> snapshots = new("-s") { Description = "List only snapshots" };
        Option<bool> readOnly = new("-r") { Description = "List only what is read-only" };
        Option<bool> deleted = new("-d") { Description = "List only what is deleted and not yet cleaned up" };
        Option<bool> table = new("-t") { Description = "Print a table" };
        Option<string?> sort = new("--sort") { HelpName = "KEYS", Description = "Sort by gen, ogen, rootid or path, several divided by commas; - before one turns it round" };
        foreach (Option option in (Option[])[below, absolute, parent, origin, generation, uuid, parentUuid, receivedUuid, snapshots, readOnly, deleted, table, sort])
            command.Options.Add(option);
        ImageArguments image = new(command, 0, ("PATH", "A subvolume, for -o and -a; default is the top level"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            SubvolumeOrder order = SubvolumeOrder.Parse(parsed.GetValue(sort));
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            ulong at = paths.Count == 0 ? ObjectIds.FsTree : new PathLookup(fs.Info).Find(new FsPath(RawArguments.BytesOf(paths[0]))).Subvolume.Id;
            SubvolumeListing listing = new(fs.Info, at)
            {
                OnlyBelow = parsed.GetValue(below),
                MarksPaths = parsed.GetValue(absolute),
                ShowsParent = parsed.GetValue(parent),
                ShowsOrigin = parsed.GetValue(origin) || parsed.GetValue(snapshots),
                ShowsUuid = parsed.GetValue(uuid),
                ShowsParentUuid = parsed.GetValue(parentUuid),
                ShowsReceivedUuid = parsed.GetValue(receivedUuid),
                OnlySnapshots = parsed.GetValue(snapshots),
                OnlyReadOnly = parsed.GetValue(readOnly),
                OnlyDeleted = parsed.GetValue(deleted),
            };
            TextOutput.Use(output => listing.Print(output, parsed.GetValue(table), order));
        });
        return command;
    }

    private static Command Show()
    {
        Command command = new("show", "Tell all that is known of a subvolume.");
        Option<ulong?> id = new("-r", "--rootid") { HelpName = "ID", Description = "The subvolume of this id" };
        Option<string?> uuid = new("-u", "--uuid") { HelpName = "UUID", Description = "The subvolume of this UUID" };
        command.Options.Add(id);
        command.Options.Add(uuid);
        ImageArguments image = new(command, 0, ("PATH", "The path of a subvolume; default is the top level"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            SubvolumeTable table = new(fs.Info);
            SubvolumeInfo subvolume =
                parsed.GetValue(id) is { } number ? table.Get(number)
                : parsed.GetValue(uuid) is { } text ? FindByUuid(table, text)
                : table.Get(new PathLookup(fs.Info).FindSubvolume(paths.Count == 0 ? FsPath.Root : new FsPath(RawArguments.BytesOf(paths[0]))).Id);
            TextOutput.Use(output => SubvolumeReport.Print(table, subvolume, output));
        });
        return command;
    }

    private static Command GetDefault()
    {
        Command command = new("get-default", "Tell which subvolume the kernel mounts when it isn't told.");
        ImageArguments image = new(command, 0);
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, _) = image.Split(parsed);
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            ulong id = fs.DefaultSubvolumeId;
            TextOutput.Use(output =>
            {
                if (id == ObjectIds.FsTree)
                    output.Line("ID 5 (FS_TREE)");
                else
                    new SubvolumeListing(fs.Info, ObjectIds.FsTree) { OnlyId = id }.Print(output, isTable: false, SubvolumeOrder.Parse(null));
            });
        });
        return command;
    }

    private static SubvolumeInfo FindByUuid(SubvolumeTable table, string text)
    {
        if (!Guid.TryParse(text, out _))
            throw new UsageException($"'{text}' is not a UUID");

        Uuid uuid = Uuid.Parse(text);
        return table.Enumerate().FirstOrDefault(subvolume => subvolume.Root.Item.Uuid == uuid)
            ?? throw new InvalidRequestException($"there is no subvolume with UUID {uuid}");
    }
}
