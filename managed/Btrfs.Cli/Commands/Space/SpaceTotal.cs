using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Usage;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Space;

/// <summary>All block groups of one kind and profile together.</summary>
internal sealed class SpaceTotal(BlockGroupFlags flags)
{
    public BlockGroupFlags Flags { get; } = flags;

    /// <summary>Bytes that can hold something, each copy counted once.</summary>
    public ulong Total { get; private set; }

    /// <summary>Bytes that hold something.</summary>
    public ulong Used { get; private set; }

    /// <summary>Bytes of devices, copies and parity included.</summary>
    public ulong Allocated { get; private set; }

    /// <summary>Bytes of each device.</summary>
    public SortedDictionary<ulong, ulong> DeviceBytes { get; } = [];

    /// <summary>Bytes of devices for one byte held.</summary>
    public double Ratio => Total == 0 ? 1 : (double)Allocated / Total;

    public static List<SpaceTotal> Of(FsInfo fs)
    {
        Dictionary<BlockGroupFlags, SpaceTotal> totals = [];
        foreach (BlockGroupUsage group in new SpaceUsage(fs).EnumerateBlockGroups())
        {
            BlockGroupFlags flags = group.Chunk.Type & (BlockGroupFlags.TypeMask | BlockGroupFlags.ProfileMask);
            if (!totals.TryGetValue(flags, out SpaceTotal? total))
                totals.Add(flags, total = new SpaceTotal(flags));
            total.Add(group);
        }

        return [.. totals.Values];
    }

    private void Add(BlockGroupUsage group)
    {
        Total += group.Chunk.Length;
        Used += group.Used;
        ulong stripe = SpaceUsage.StripeBytes(group.Chunk);
        foreach (ref readonly ChunkStripe place in group.Chunk.Stripes)
        {
            DeviceBytes[place.DeviceId] = DeviceBytes.GetValueOrDefault(place.DeviceId) + stripe;
            Allocated += stripe;
        }
    }
}
