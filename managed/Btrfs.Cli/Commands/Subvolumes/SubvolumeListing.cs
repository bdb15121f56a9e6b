using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Subvolumes;

/// <summary>Prints subvolumes as <c>btrfs subvolume list</c> does: a line each, with the columns that are asked for.</summary>
internal sealed class SubvolumeListing(FsInfo fs, ulong at)
{
    private readonly SubvolumeTable _table = new(fs);

    public ulong? OnlyId { get; init; }

    public bool OnlyBelow { get; init; }

    public bool MarksPaths { get; init; }

    public bool ShowsParent { get; init; }

    public bool ShowsOrigin { get; init; }

    public bool ShowsUuid { get; init; }

    public bool ShowsParentUuid { get; init; }

    public bool ShowsReceivedUuid { get; init; }

    public bool OnlySnapshots { get; init; }

    public bool OnlyReadOnly { get; init; }

    public bool OnlyDeleted { get; init; }

    public void Print(TextOutput output, bool isTable, SubvolumeOrder order)
    {
        IEnumerable<(SubvolumeInfo Subvolume, byte[] Path)> found = _table.Enumerate().Where(IsListed).Select(subvolume => (subvolume, PathOf(subvolume)));
        if (isTable)
            PrintHead(output);
        foreach ((SubvolumeInfo subvolume, byte[] path) in order.IsGiven ? found.Order(order) : found)
            PrintOne(output, isTable, subvolume, path);
    }

    private bool IsListed(SubvolumeInfo subvolume) =>
        subvolume.Id != ObjectIds.FsTree
        && (OnlyId is null || subvolume.Id == OnlyId)
        && IsDeleted(subvolume) == OnlyDeleted
        && (!OnlyBelow || subvolume.ParentId == at)
        && (!OnlySnapshots || subvolume.IsSnapshot)
        && (!OnlyReadOnly || subvolume.Root.IsReadOnly);

    private static bool IsDeleted(SubvolumeInfo subvolume) => subvolume.ParentId == 0 || subvolume.Root.IsDead;

    private byte[] PathOf(SubvolumeInfo subvolume)
    {
        if (IsDeleted(subvolume))
            return [.. "DELETED"u8];

        byte[] path = _table.PathOf(subvolume);
        return MarksPaths && subvolume.ParentId != at ? [.. "<FS_TREE>/"u8, .. path] : path;
    }

    private void PrintOne(TextOutput output, bool isTable, SubvolumeInfo subvolume, byte[] path)
    {
        if (!isTable)
            output.Append("ID ");
        bool isFirst = true;
        foreach ((string name, string value) in Columns(subvolume))
        {
            if (isTable)
                output.Append($"{(isFirst ? "" : "\t")}{value}{(name == "top level" ? "\t" : "")}");
            else
                output.Append(isFirst ? value : $" {name} {value}");
            isFirst = false;
        }

        output.Append(isTable ? "\t" : " path ").Append(path).Line();
    }

    private void PrintHead(TextOutput output)
    {
        List<string> names = [.. Columns(_table.Get(ObjectIds.FsTree)).Select(column => column.Name), "path"];
        output.Line(string.Concat(names.Select(name => name + "\t")));
        output.Line(string.Concat(names.Select(name => new string('-', name.Length) + "\t")));
    }

    private IEnumerable<(string Name, string Value)> Columns(SubvolumeInfo subvolume)
    {
        RootRecord root = subvolume.Root;
        yield return ("ID", $"{root.Id}");
        yield return ("gen", $"{root.Item.Generation}");
        if (ShowsOrigin)
            yield return ("cgen", $"{root.Item.OTransId}");
        if (ShowsParent)
            yield return ("parent", $"{subvolume.ParentId}");
        yield return ("top level", $"{subvolume.ParentId}");
        if (OnlySnapshots)
            yield return ("otime", TimeText.Short(root.Item.OTime));
        if (ShowsParentUuid)
            yield return ("parent_uuid", UuidText(root.Item.ParentUuid));
        if (ShowsReceivedUuid)
            yield return ("received_uuid", UuidText(root.Item.ReceivedUuid));
        if (ShowsUuid)
            yield return ("uuid", UuidText(root.Item.Uuid));
    }

    private static string UuidText(Uuid uuid) => uuid.IsZero ? "-".PadRight(36) : uuid.ToString();
}
