using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>What is kept between mounts: device statistics, a balance, free-space caches, strings for debugging.</summary>
internal sealed class StatePrinter(DumpOutput output)
{
    private const int KnownStats = 5;

    public void PrintTemporary(Key key, ReadOnlySpan<byte> data)
    {
        output.Line($"\t\ttemporary item objectid {new ObjectName(key.ObjectId, key.Type)} offset {key.Offset}");
        if (key.ObjectId == ObjectIds.Balance)
            PrintBalance(data);
        else
            output.Line($"\t\tunknown temporary item objectid {key.ObjectId}");
    }

    public void PrintPersistent(Key key, ReadOnlySpan<byte> data)
    {
        output.Line($"\t\tpersistent item objectid {new ObjectName(key.ObjectId, key.Type)} offset {key.Offset}");
        if (key.ObjectId == ObjectIds.DevStats)
            PrintDeviceStats(data);
        else
            output.Line($"\t\tunknown persistent item objectid {key.ObjectId}");
    }

    public void PrintFreeSpaceCache(ReadOnlySpan<byte> data)
    {
        FreeSpaceHeader cache = ItemRecord.Read<FreeSpaceHeader>(data);
        output.Line($"\t\tlocation key {cache.Location}");
        output.Line($"\t\tcache generation {cache.Generation} entries {cache.EntryCount} bitmaps {cache.BitmapCount}");
    }

    public void PrintString(ReadOnlySpan<byte> data) => output.Line($"\t\titem data {ItemRecord.UpToZero(data)}");

    private void PrintBalance(ReadOnlySpan<byte> data)
    {
        BalanceItem balance = ItemRecord.Read<BalanceItem>(data);
        output.Line($"\t\tbalance status flags {balance.Flags}");
        PrintBalanceArgs("DATA", balance.Data);
        PrintBalanceArgs("METADATA", balance.Metadata);
        PrintBalanceArgs("SYSTEM", balance.System);
    }

    private void PrintBalanceArgs(string type, in BalanceArgs arguments)
    {
        output.Line($"\t\t{type}");
        output.Line($"\t\tprofiles {arguments.Profiles} devid {arguments.DeviceId} target {arguments.TargetProfile} flags {arguments.Flags}");
        output.Line($"\t\tusage_min {arguments.UsageMin} usage_max {arguments.UsageMax} pstart {arguments.PhysicalStart} pend {arguments.PhysicalEnd}");
        output.Line($"\t\tvstart {arguments.LogicalStart} vend {arguments.LogicalEnd} limit_min {arguments.LimitMin} limit_max {arguments.LimitMax}");
        output.Line($"\t\tstripes_min {arguments.StripesMin} stripes_max {arguments.StripesMax}");
    }

    private void PrintDeviceStats(ReadOnlySpan<byte> data)
    {
        output.Line($"\t\tdevice stats");
        output.Line($"\t\twrite_errs {Stat(data, 0)} read_errs {Stat(data, 1)} flush_errs {Stat(data, 2)} corruption_errs {Stat(data, 3)} generation {Stat(data, 4)}");
        int extra = data.Length - KnownStats * sizeof(ulong);
        if (extra <= 0)
            return;

        output.Write($"\t\tunknown stats item bytes {extra}");
        for (int index = KnownStats; index * sizeof(ulong) < data.Length; index++)
            output.Line($"\t\tunknown item {index} offset {index * sizeof(ulong)} value {Stat(data, index)}");
    }

    private static Le64 Stat(ReadOnlySpan<byte> data, int index)
    {
        int offset = index * sizeof(ulong);
        return offset < data.Length ? ItemRecord.Read<Le64>(data[offset..]) : default;
    }
}
