using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Items that name trees: their roots, the links between subvolumes, and the index by UUID.</summary>
internal sealed class RootPrinter(DumpOutput output)
{
    private static readonly (ulong, string)[] s_flags = [((ulong)RootFlags.ReadOnly, "RDONLY")];

    public void PrintRoot(ReadOnlySpan<byte> data)
    {
        RootItem root = ItemRecord.Read<RootItem>(data);
        output.Line($"\t\tgeneration {root.Generation} root_dirid {root.RootDirId} bytenr {root.Bytenr} byte_limit {root.ByteLimit} bytes_used {root.BytesUsed}");
        output.Line($"\t\tlast_snapshot {root.LastSnapshot} flags 0x{(ulong)root.Flags:x}({new BitNames((ulong)root.Flags, s_flags, "none")}) refs {root.Refs}");
        output.Line($"\t\tdrop_progress key {root.DropProgress} drop_level {root.DropLevel}");
        output.Line($"\t\tlevel {root.Level} generation_v2 {root.GenerationV2}");

        // What lies behind was not kept up to date by a kernel that does not know it.
        if (root.Generation.Value != root.GenerationV2.Value)
            return;

        output.Line($"\t\tuuid {root.Uuid}");
        output.Line($"\t\tparent_uuid {root.ParentUuid}");
        output.Line($"\t\treceived_uuid {root.ReceivedUuid}");
        output.Line($"\t\tctransid {root.CTransId} otransid {root.OTransId} stransid {root.STransId} rtransid {root.RTransId}");
        output.Line($"\t\tctime {root.CTime}");
        output.Line($"\t\totime {root.OTime}");
        output.Line($"\t\tstime {root.STime}");
        output.Line($"\t\trtime {root.RTime}");
    }

    public void PrintRootRef(string kind, ReadOnlySpan<byte> data)
    {
        RootRef link = ItemRecord.Read<RootRef>(ItemRecord.Take(ref data, RootRef.Size));
        ReadOnlySpan<byte> name = ItemRecord.Take(ref data, link.NameLength);
        output.Line($"\t\troot {kind} key dirid {link.DirId} sequence {link.Sequence} name {ItemRecord.UpToZero(name)}");
    }

    public void PrintUuidEntry(ReadOnlySpan<byte> data)
    {
        if (data.Length % sizeof(ulong) != 0)
        {
            output.Line($"btrfs: uuid item with illegal size {data.Length}!");
            return;
        }

        while (!data.IsEmpty)
            output.Line($"\t\tsubvol_id {ItemRecord.Read<Le64>(ItemRecord.Take(ref data, sizeof(ulong)))}");
    }
}
