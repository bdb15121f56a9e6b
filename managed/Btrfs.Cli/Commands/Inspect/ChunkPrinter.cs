using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>How the address space lies on devices: chunks, devices, and the devices' allocated ranges.</summary>
internal sealed class ChunkPrinter(DumpOutput output)
{
    private static readonly (ulong, string)[] s_types =
    [
        ((ulong)BlockGroupFlags.Data, "DATA"),
        ((ulong)BlockGroupFlags.Metadata, "METADATA"),
        ((ulong)BlockGroupFlags.System, "SYSTEM"),
    ];

    public void PrintChunk(ReadOnlySpan<byte> data)
    {
        ChunkItem chunk = ItemRecord.Read<ChunkItem>(ItemRecord.Take(ref data, ChunkItem.Size));
        if (chunk.StripeCount == 0)
        {
            output.Line($"invalid num_stripes: 0");
            return;
        }

        output.Line($"\t\tlength {chunk.Length} owner {chunk.Owner} stripe_len {chunk.StripeLength} type {NameOf(chunk.Type)}");
        output.Line($"\t\tio_align {chunk.IoAlign} io_width {chunk.IoWidth} sector_size {chunk.SectorSize}");
        output.Line($"\t\tnum_stripes {chunk.StripeCount} sub_stripes {chunk.SubStripes}");
        for (int i = 0; i < chunk.StripeCount && !data.IsEmpty; i++)
        {
            StripeItem stripe = ItemRecord.Read<StripeItem>(ItemRecord.Take(ref data, StripeItem.Size));
            output.Line($"\t\t\tstripe {i} devid {stripe.DeviceId} offset {stripe.Offset}");
            output.Line($"\t\t\tdev_uuid {stripe.DeviceUuid}");
        }
    }

    public void PrintDevice(ReadOnlySpan<byte> data)
    {
        DevItem device = ItemRecord.Read<DevItem>(data);
        output.Line($"\t\tdevid {device.DeviceId} total_bytes {device.TotalBytes} bytes_used {device.BytesUsed}");
        output.Line($"\t\tio_align {device.IoAlign} io_width {device.IoWidth} sector_size {device.SectorSize} type {device.Type}");
        output.Line($"\t\tgeneration {device.Generation} start_offset {device.StartOffset} dev_group {device.DevGroup}");
        output.Line($"\t\tseek_speed {device.SeekSpeed} bandwidth {device.Bandwidth}");
        output.Line($"\t\tuuid {device.Uuid}");
        output.Line($"\t\tfsid {device.Fsid}");
    }

    public void PrintDevExtent(ReadOnlySpan<byte> data)
    {
        DevExtent extent = ItemRecord.Read<DevExtent>(data);
        output.Line($"\t\tdev extent chunk_tree {extent.ChunkTree}");
        output.Line($"\t\tchunk_objectid {extent.ChunkObjectId} chunk_offset {extent.ChunkOffset} length {extent.Length}");
        output.Line($"\t\tchunk_tree_uuid {extent.ChunkTreeUuid}");
    }

    /// <summary>What a chunk or block group holds and its profile: "METADATA|DUP".</summary>
    public static string NameOf(BlockGroupFlags type) => $"{new BitNames((ulong)type, s_types)}|{NameOfProfile(type)}";

    private static string NameOfProfile(BlockGroupFlags type) => (type & BlockGroupFlags.ProfileMask) switch
    {
        BlockGroupFlags.Raid0 => "RAID0",
        BlockGroupFlags.Raid1 => "RAID1",
        BlockGroupFlags.Raid1C3 => "RAID1C3",
        BlockGroupFlags.Raid1C4 => "RAID1C4",
        BlockGroupFlags.Dup => "DUP",
        BlockGroupFlags.Raid10 => "RAID10",
        BlockGroupFlags.Raid5 => "RAID5",
        BlockGroupFlags.Raid6 => "RAID6",
        _ => "single",
    };
}
