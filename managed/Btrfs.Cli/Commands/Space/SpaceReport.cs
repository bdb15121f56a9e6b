using System.Globalization;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Usage;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Space;

/// <summary>
/// The reports of btrfs-progs about space, in their form. What only a mounted file system has is left out: the global reserve, and what
/// statfs would tell.
/// </summary>
internal static class SpaceReport
{
    private const int ValueWidth = 10;
    private const int RawValueWidth = 18;

    public static void Show(FsInfo fs, ByteSize size, TextOutput output)
    {
        ref readonly Superblock superblock = ref fs.Superblock;
        if (superblock.Label.IsEmpty)
            output.Append("Label: none ");
        else
            output.Append("Label: '").Append(superblock.Label).Append("' ");
        output.Line($" uuid: {superblock.Fsid}");
        output.Line($"\tTotal devices {superblock.DeviceCount} FS bytes used {size.Format(superblock.BytesUsed)}");
        foreach (DevItem device in new SpaceUsage(fs).EnumerateDevices())
            output.Line($"\tdevid {device.DeviceId.Value,4} size {size.Format(device.TotalBytes)} used {size.Format(device.BytesUsed)} path {PathOf(fs, device.DeviceId)}");
        output.Line();
    }

    public static void Df(FsInfo fs, ByteSize size, TextOutput output)
    {
        foreach (SpaceTotal total in SpaceTotal.Of(fs).OrderBy(DfOrder))
            output.Line($"{ProfileText.TypeName(total.Flags)}, {ProfileText.ProfileName(total.Flags)}: total={size.Format(total.Total)}, used={size.Format(total.Used)}");
    }

    public static void Usage(FsInfo fs, ByteSize size, TextOutput output)
    {
        List<DevItem> devices = [.. new SpaceUsage(fs).EnumerateDevices()];
        List<SpaceTotal> totals = SpaceTotal.Of(fs);
        Overall(fs, size, output, devices, totals);
        foreach (SpaceTotal total in totals.OrderBy(UsageOrder))
        {
            double percent = total.Total == 0 ? 0 : 100.0 * total.Used / total.Total;
            output.Line();
            output.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"{ProfileText.TypeName(total.Flags)},{ProfileText.ProfileName(total.Flags)}: Size:{size.Format(total.Total)}, Used:{size.Format(total.Used)} ({percent:F2}%)"));
            foreach ((ulong id, ulong bytes) in total.DeviceBytes)
                output.Line($"   {PathOf(fs, id)}\t{size.Format(bytes),ValueWidth}");
        }

        output.Line();
        output.Line("Unallocated:");
        foreach (DevItem device in devices)
            output.Line($"   {PathOf(fs, device.DeviceId)}\t{size.Format(Unallocated(device)),ValueWidth}");
    }

    private static void Overall(FsInfo fs, ByteSize size, TextOutput output, List<DevItem> devices, List<SpaceTotal> totals)
    {
        ulong allocated = Sum(totals, total => total.Allocated);
        ulong unallocated = Sum(devices, Unallocated);
        List<SpaceTotal> data = totals.FindAll(total => (total.Flags & BlockGroupFlags.Data) != 0);
        List<SpaceTotal> metadata = totals.FindAll(total => (total.Flags & BlockGroupFlags.Metadata) != 0);
        double dataRatio = Ratio(data);
        double free = Sum(data, total => total.Total - Math.Min(total.Used, total.Total));
        double worst = data.Select(total => total.Ratio).DefaultIfEmpty(1).Max();
        int width = size.IsRaw ? RawValueWidth : ValueWidth;
        Dictionary<ulong, IBlockDevice> present = fs.Devices.Devices.ToDictionary(device => device.Id, device => device.Block);

        output.Line("Overall:");
        Value("Device size:\t\t", size.Format(Sum(devices, device => device.TotalBytes)));
        Value("Device allocated:\t\t", size.Format(allocated));
        Value("Device unallocated:\t\t", size.Format(unallocated));
        Value("Device missing:\t\t", size.Format(Sum(devices.FindAll(device => !present.ContainsKey(device.DeviceId)), device => device.TotalBytes)));
        Value("Device slack:\t\t", size.Format(Sum(devices, device => present.TryGetValue(device.DeviceId, out IBlockDevice? block) && block.SizeBytes > device.TotalBytes ? block.SizeBytes - device.TotalBytes : 0)));
        Value("Used:\t\t\t", size.Format(Sum(totals, total => (ulong)(total.Used * total.Ratio))));
        Value("Free (estimated):\t\t", $"{size.Format((ulong)(free + unallocated / dataRatio)).PadLeft(width)}\t(min: {size.Format((ulong)(free + unallocated / worst))})");
        Value("Data ratio:\t\t\t", dataRatio.ToString("F2", CultureInfo.InvariantCulture));
        Value("Metadata ratio:\t\t", Ratio(metadata).ToString("F2", CultureInfo.InvariantCulture));
        Value("Multiple profiles:\t\t", totals.GroupBy(total => total.Flags & BlockGroupFlags.TypeMask).Any(kind => kind.Count() > 1) ? "yes" : "no");

        void Value(string label, string value) => output.Line($"    {label}{value.PadLeft(width)}");
    }

    private static ulong Unallocated(DevItem device) => device.TotalBytes - Math.Min(device.BytesUsed, device.TotalBytes);

    private static double Ratio(List<SpaceTotal> totals)
    {
        ulong logical = Sum(totals, total => total.Total);
        return logical == 0 ? 1 : (double)Sum(totals, total => total.Allocated) / logical;
    }

    private static ulong Sum<T>(List<T> from, Func<T, ulong> value)
    {
        ulong sum = 0;
        foreach (T item in from)
            sum += value(item);
        return sum;
    }

    private static string PathOf(FsInfo fs, ulong deviceId) => fs.Devices.Devices.FirstOrDefault(device => device.Id == deviceId)?.Block.Name ?? "missing";

    // Data, system, metadata for df; data, metadata, system for usage: so do btrfs-progs.
    private static int DfOrder(SpaceTotal total) => (total.Flags & BlockGroupFlags.Data) != 0 ? 0 : (total.Flags & BlockGroupFlags.System) != 0 ? 1 : 2;

    private static int UsageOrder(SpaceTotal total) => (total.Flags & BlockGroupFlags.Data) != 0 ? 0 : (total.Flags & BlockGroupFlags.System) != 0 ? 2 : 1;
}
