using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Items of the quota tree. A relation of two qgroups is all in its key.</summary>
internal sealed class QuotaPrinter(DumpOutput output)
{
    private const ulong On = 1;
    private const ulong Scanning = 2;
    private const ulong Inconsistent = 4;
    private const ulong SimpleMode = 8;
    private const ulong Known = On | Scanning | Inconsistent | SimpleMode;

    public void PrintStatus(ReadOnlySpan<byte> data)
    {
        QgroupStatusItem status = ItemRecord.Read<QgroupStatusItem>(data);
        output.Write($"\t\tversion {status.Version} generation {status.Generation} flags {NameOf(status.Flags)} scan {status.Rescan}");
        if ((status.Flags & SimpleMode) != 0 && data.Length > QgroupStatusItem.Size)
            output.Write($" enable_gen {ItemRecord.Read<Le64>(data[QgroupStatusItem.Size..])}");
        output.Line();
    }

    public void PrintInfo(ReadOnlySpan<byte> data)
    {
        QgroupInfoItem info = ItemRecord.Read<QgroupInfoItem>(data);
        output.Line($"\t\tgeneration {info.Generation}");
        output.Line($"\t\treferenced {info.Referenced} referenced_compressed {info.ReferencedCompressed}");
        output.Line($"\t\texclusive {info.Exclusive} exclusive_compressed {info.ExclusiveCompressed}");
    }

    public void PrintLimit(ReadOnlySpan<byte> data)
    {
        QgroupLimitItem limit = ItemRecord.Read<QgroupLimitItem>(data);
        output.Line($"\t\tflags {limit.Flags.Value:x}");
        output.Line($"\t\tmax_referenced {Signed(limit.MaxReferenced)} max_exclusive {Signed(limit.MaxExclusive)}");
        output.Line($"\t\trsv_referenced {Signed(limit.ReservedReferenced)} rsv_exclusive {Signed(limit.ReservedExclusive)}");
    }

    private static long Signed(Le64 value) => unchecked((long)value.Value);

    // A word with a bit that has no name says nothing at all, and so does one without any.
    private static string NameOf(ulong flags)
    {
        if ((flags & ~Known) != 0)
            return "OFF";

        return ((flags & On) != 0 ? "ON" : "OFF")
            + ((flags & SimpleMode) != 0 ? "|SIMPLE_MODE" : "")
            + ((flags & Scanning) != 0 ? "|SCANNING" : "")
            + ((flags & Inconsistent) != 0 ? "|INCONSISTENT" : "");
    }
}
