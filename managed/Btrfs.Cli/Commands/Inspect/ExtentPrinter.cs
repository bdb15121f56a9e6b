using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Items about allocated and free space: extents with their back references, block groups, the free-space tree.</summary>
internal sealed class ExtentPrinter(DumpOutput output)
{
    private static readonly (ulong, string)[] s_kinds = [((ulong)ExtentFlags.Data, "DATA"), ((ulong)ExtentFlags.TreeBlock, "TREE_BLOCK")];

    public void PrintExtent(Key key, ReadOnlySpan<byte> data)
    {
        // Extents of the format's first version had a bare count.
        if (data.Length < ExtentItem.Size)
            return;

        ExtentItem extent = ItemRecord.Read<ExtentItem>(ItemRecord.Take(ref data, ExtentItem.Size));
        string backref = (extent.Flags & ExtentFlags.FullBackref) != 0 ? "|FULL_BACKREF" : "";
        output.Line($"\t\trefs {extent.Refs} gen {extent.Generation} flags {new BitNames((ulong)extent.Flags, s_kinds)}{backref}");
        if (key.Type == ItemType.MetadataItem)
        {
            output.Line($"\t\ttree block skinny level {unchecked((int)key.Offset)}");
        }
        else if ((extent.Flags & ExtentFlags.TreeBlock) != 0)
        {
            TreeBlockInfo block = ItemRecord.Read<TreeBlockInfo>(ItemRecord.Take(ref data, TreeBlockInfo.Size));
            output.Line($"\t\ttree block key {block.Key} level {block.Level}");
        }

        bool isKnown = true;
        while (isKnown && data.Length >= ExtentInlineRef.Size)
            isKnown = PrintInlineRef(ref data);
    }

    public void PrintTreeBlockRef() => output.Line($"\t\ttree block backref");

    public void PrintSharedBlockRef() => output.Line($"\t\tshared block backref");

    public void PrintLegacyRef() => output.Line($"\t\textent ref v0 (deprecated)");

    public void PrintDataRef(ReadOnlySpan<byte> data)
    {
        ExtentDataRef use = ItemRecord.Read<ExtentDataRef>(data);
        output.Line($"\t\textent data backref root {new ObjectName(use.Root)} objectid {use.ObjectId} offset {use.Offset} count {use.Count}");
    }

    public void PrintSharedDataRef(ReadOnlySpan<byte> data) =>
        output.Line($"\t\tshared data backref count {ItemRecord.Read<SharedDataRef>(data).Count}");

    public void PrintBlockGroup(ReadOnlySpan<byte> data)
    {
        BlockGroupItem group = ItemRecord.Read<BlockGroupItem>(data);
        output.Line($"\t\tblock group used {group.Used} chunk_objectid {group.ChunkObjectId} flags {ChunkPrinter.NameOf(group.Flags)}");
    }

    public void PrintFreeSpaceInfo(ReadOnlySpan<byte> data)
    {
        FreeSpaceInfo info = ItemRecord.Read<FreeSpaceInfo>(data);
        output.Line($"\t\tfree space info extent count {info.ExtentCount} flags {info.Flags}");
    }

    public void PrintFreeSpaceExtent() => output.Line($"\t\tfree space extent");

    public void PrintFreeSpaceBitmap() => output.Line($"\t\tfree space bitmap");

    /// <summary>False at a type that is not known: how long it is isn't either, so nothing behind it can be read.</summary>
    private bool PrintInlineRef(ref ReadOnlySpan<byte> data)
    {
        ExtentInlineRef head = ItemRecord.Read<ExtentInlineRef>(data);
        switch (head.Type)
        {
            case ItemType.TreeBlockRef:
                output.Line($"\t\ttree block backref root {new ObjectName(head.Offset)}");
                break;
            case ItemType.SharedBlockRef:
                output.Line($"\t\tshared block backref parent {head.Offset}");
                break;
            case ItemType.ExtentOwnerRef:
                output.Line($"\t\textent owner root {head.Offset}");
                break;
            case ItemType.ExtentDataRef:
                data = data[1..];
                PrintDataRef(ItemRecord.Take(ref data, ExtentDataRef.Size));
                return true;
            case ItemType.SharedDataRef:
                data = data[ExtentInlineRef.Size..];
                SharedDataRef shared = ItemRecord.Read<SharedDataRef>(ItemRecord.Take(ref data, SharedDataRef.Size));
                output.Line($"\t\tshared data backref parent {head.Offset} count {shared.Count}");
                return true;
            default:
                return false;
        }

        data = data[ExtentInlineRef.Size..];
        return true;
    }
}
