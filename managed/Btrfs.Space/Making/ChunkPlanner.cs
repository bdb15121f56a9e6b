using Btrfs.Format;
using Btrfs.Space.Groups;
using Btrfs.Storage;

namespace Btrfs.Space.Making;

/// <summary>
/// Lays the first chunks over the devices. mkfs.btrfs begins with chunks of a single profile, makes the wanted ones behind them, and drops what is not
/// wanted; here their places are passed over, so that what was made by either can be compared address by address. That space is free.
/// </summary>
internal sealed class ChunkPlanner
{
    private readonly IReadOnlyList<PlannedDevice> _devices;
    private readonly MakeSettings _settings;
    private readonly ulong _totalBytes;
    private readonly List<PlannedChunk> _chunks = [];
    private LogicalAddress _next = new(ChunkSizes.Reserved);

    private ChunkPlanner(IReadOnlyList<PlannedDevice> devices, MakeSettings settings)
    {
        _devices = devices;
        _settings = settings;
        foreach (PlannedDevice device in devices)
            _totalBytes += device.TotalBytes;
    }

    /// <summary>The chunks by address: one of system, one of metadata, one of data (which is that of metadata where groups are mixed).</summary>
    /// <exception cref="NoSpaceException">The devices can't hold them.</exception>
    public static IReadOnlyList<PlannedChunk> Plan(IReadOnlyList<PlannedDevice> devices, MakeSettings settings)
    {
        ChunkPlanner planner = new(devices, settings);
        planner.PlanAll();
        return planner._chunks;
    }

    private void PlanAll()
    {
        BlockGroupFlags metadata = BlockGroupFlags.Metadata | (_settings.IsMixed ? BlockGroupFlags.Data : BlockGroupFlags.None);
        bool isSingle = _settings.Metadata.Profile == BlockGroupFlags.None;
        AddFirst(BlockGroupFlags.System, ChunkSizes.FirstSystem, isSingle);
        AddFirst(metadata, _settings.IsMixed ? ChunkSizes.FirstMixed(_totalBytes) : ChunkSizes.FirstGroup, isSingle);
        if (!_settings.IsMixed)
            AddFirst(BlockGroupFlags.Data, ChunkSizes.FirstGroup, _settings.Data.Profile == BlockGroupFlags.None);

        if (!isSingle)
        {
            Spread(BlockGroupFlags.System, _settings.Metadata);
            Spread(metadata, _settings.Metadata);
        }

        if (!_settings.IsMixed && _settings.Data.Profile != BlockGroupFlags.None)
            Spread(BlockGroupFlags.Data, _settings.Data);
    }

    private void AddFirst(BlockGroupFlags type, ulong length, bool isKept)
    {
        PlannedDevice device = _devices[0];
        if (device.FreeBytes < length)
            throw NoRoom(type);

        ulong offset = device.Take(length, isKept);
        if (isKept)
            _chunks.Add(new PlannedChunk(_next, type, length, [new ChunkStripe(device.Id, offset, device.Uuid)]));
        _next += length;
    }

    // The devices with the most room come first, as when the kernel allocates; where some are full, fewer do for a striped profile.
    private void Spread(BlockGroupFlags type, ProfileRule rule)
    {
        if ((type & BlockGroupFlags.Data) == 0 || _settings.IsMixed)
        {
            foreach (PlannedDevice device in _devices)
                device.StepOverSuperblock();
        }

        PlannedDevice[] roomy = [.. _devices.OrderByDescending(device => device.FreeBytes).ThenBy(device => device.Id)];
        for (int count = MostDevices(type, rule); count >= rule.MinDevices; count -= rule.Multiple)
        {
            ulong stripe = ChunkSizes.Stripe(type, rule, count * rule.StripesPerDevice, _totalBytes);
            if (roomy[count - 1].FreeBytes < stripe * (ulong)rule.StripesPerDevice)
                continue;

            PlannedDevice[] chosen = [.. roomy.Take(count).OrderBy(device => device.Id)];
            Add(new PlannedChunk(_next, type | rule.Profile, stripe, TakeStripes(chosen, stripe, rule.StripesPerDevice)));
            return;
        }

        throw NoRoom(type | rule.Profile);
    }

    private int MostDevices(BlockGroupFlags type, ProfileRule rule)
    {
        int count = rule.IsStriped ? Math.Min(_devices.Count, MaxStripes(type)) : rule.MaxDevices;
        return count - count % rule.Multiple;
    }

    // A chunk item has to fit a leaf, and one of system has to fit the superblock's array as well.
    private int MaxStripes(BlockGroupFlags type)
    {
        int leaf = _settings.NodeSize - BlockHeader.Size - ItemHeader.Size;
        int array = FormatLimits.SystemChunkArraySize - DiskKey.Size;
        int room = (type & BlockGroupFlags.System) != 0 ? Math.Min(leaf, array) : leaf;
        return (room - ChunkItem.Size) / StripeItem.Size;
    }

    private static ChunkStripe[] TakeStripes(PlannedDevice[] devices, ulong stripe, int perDevice)
    {
        List<ChunkStripe> stripes = [];
        foreach (PlannedDevice device in devices)
        {
            for (int i = 0; i < perDevice; i++)
                stripes.Add(new ChunkStripe(device.Id, device.Take(stripe, isKept: true), device.Uuid));
        }

        return [.. stripes];
    }

    private void Add(PlannedChunk chunk)
    {
        _chunks.Add(chunk);
        _next += chunk.Length;
    }

    private static NoSpaceException NoRoom(BlockGroupFlags type) =>
        new($"the devices have no room for the first {NameOf(type)} chunk ({ProfileRule.For(type).Name})");

    private static string NameOf(BlockGroupFlags type) => (type & BlockGroupFlags.TypeMask) switch
    {
        BlockGroupFlags.System => "system",
        BlockGroupFlags.Metadata => "metadata",
        BlockGroupFlags.Data => "data",
        _ => "data and metadata",
    };
}
