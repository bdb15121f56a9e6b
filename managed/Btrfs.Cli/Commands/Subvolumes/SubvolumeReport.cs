using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Subvolumes;

/// <summary>Tells of one subvolume what <c>btrfs subvolume show</c> does, in its form.</summary>
internal static class SubvolumeReport
{
    public static void Print(SubvolumeTable table, SubvolumeInfo subvolume, TextOutput output)
    {
        bool isTop = subvolume.Id == ObjectIds.FsTree;
        bool hasPath = isTop || subvolume.ParentId != 0;
        RootItem item = subvolume.Root.Item;
        if (isTop)
            output.Line("/");
        else if (hasPath)
            output.Append(table.PathOf(subvolume)).Line();
        else
            output.Line("DELETED");

        output.Append("\tName: \t\t\t");
        if (isTop)
            output.Line("<FS_TREE>");
        else
            output.Append(subvolume.Name).Line();
        output.Line($"\tUUID: \t\t\t{UuidText(item.Uuid)}");
        output.Line($"\tParent UUID: \t\t{UuidText(item.ParentUuid)}");
        output.Line($"\tReceived UUID: \t\t{UuidText(item.ReceivedUuid)}");
        output.Line($"\tCreation time: \t\t{Time(item.OTime)}");
        output.Line($"\tSubvolume ID: \t\t{subvolume.Id}");
        output.Line($"\tGeneration: \t\t{item.Generation}");
        output.Line($"\tGen at creation: \t{item.OTransId}");
        output.Line($"\tParent ID: \t\t{subvolume.ParentId}");
        output.Line($"\tTop level ID: \t\t{subvolume.ParentId}");
        output.Line($"\tFlags: \t\t\t{(subvolume.Root.IsReadOnly ? "readonly" : "-")}");
        output.Line($"\tSend transid: \t\t{item.STransId}");
        output.Line($"\tSend time: \t\t{Time(item.STime)}");
        output.Line($"\tReceive transid: \t{item.RTransId}");
        output.Line($"\tReceive time: \t\t{Time(item.RTime)}");
        output.Line("\tSnapshot(s):");
        if (item.Uuid.IsZero)
            return;
        foreach (SubvolumeInfo snapshot in table.Enumerate())
        {
            if (snapshot.Root.Item.ParentUuid == item.Uuid && snapshot.ParentId != 0)
                output.Append("\t\t\t\t").Append(table.PathOf(snapshot)).Line();
        }
    }

    private static string UuidText(Uuid uuid) => uuid.IsZero ? "-" : uuid.ToString();

    private static string Time(DiskTime time) => time is { Seconds: 0, Nanoseconds: 0 } ? "-" : TimeText.Seconds(time);
}
