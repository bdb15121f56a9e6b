using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Groups;

/// <summary>
/// Makes new chunks. A chunk can be allocated from at once; its items reach the trees later (<see cref="ChunkItems"/>), because to insert them takes blocks,
/// and it may be for want of a block that the chunk is made.
/// </summary>
internal sealed class ChunkAllocator(FsInfo opened, BlockGroupTable groups)
{
    private const ulong MaxDataStripe = 1UL << 30;
    private const ulong MaxMetadataStripe = 256UL << 20;
    private const ulong LargeFileSystem = 50UL << 30;
    private const ulong MaxSystemStripe = 32UL << 20;
    private const ulong MaxDataChunk = 10UL << 30;
    private const ulong MinStripe = 1UL << 20;

    private readonly SortedList<ulong, DeviceSpace> _devices = DeviceSpace.LoadAll(opened);
    private readonly List<(BlockGroup Group, byte[] Item)> _pending = [];

    public IList<DeviceSpace> Devices => _devices.Values;

    /// <summary>The item of a device, by its id.</summary>
    public DevItem ItemOf(ulong deviceId) => _devices[deviceId].Item;

    /// <summary>Chunks whose items are not in the trees yet, in the order in which they were made.</summary>
    public List<(BlockGroup Group, byte[] Item)> Pending => _pending;

    /// <summary>Makes a chunk of a type; null where no devices have room for it.</summary>
    public BlockGroup? TryAllocate(BlockGroupFlags type)
    {
        BlockGroupFlags flags = type | ChooseProfile(type);
        Plan? plan = TryPlan(flags);
        if (plan is null)
            return null;

        byte[] item = BuildItem(flags, plan);
        ulong start = NextLogicalAddress();
        Key key = new(ObjectIds.FirstChunkTree, ItemType.ChunkItem, start);
        ChunkMap chunks = opened.Devices.Volume.Chunks;
        chunks.Add(key, item);
        foreach ((DeviceSpace device, ulong offset) in plan.Stripes)
            device.Take(offset, plan.StripeBytes);

        BlockGroup group = new(chunks.Find(new LogicalAddress(start)), used: 0) { IsPending = true };
        group.Free = new FreeSpaceMap(group.Length, opened.SectorSize);
        group.Free.Add(0, group.Length);
        foreach ((ulong at, ulong length) in SuperblockPlaces.In(group.Chunk, plan.StripeBytes))
            group.Free.Exclude(at - start, Math.Min(length, group.End - at));
        groups.Add(group);
        _pending.Add((group, item));
        return group;
    }

    /// <summary>How many bytes of a type could still be made into chunks.</summary>
    public ulong Available(BlockGroupFlags type)
    {
        ProfileRule profile = ProfileRule.For(ChooseProfile(type));
        List<ulong> free = [.. Takers()
            .Select(device => device.Item.TotalBytes - Math.Min(device.Item.TotalBytes, device.Item.BytesUsed + MinStripe))
            .Where(bytes => bytes >= MinStripe * (ulong)profile.StripesPerDevice).OrderDescending()];
        int count = DeviceCount(profile, free.Count);
        if (count == 0)
            return 0;

        // What the fullest of the chosen devices has bounds them all. An estimate: chunks of other shapes may follow.
        int dataStripes = profile.DataStripes(count * profile.StripesPerDevice);
        return free[count - 1] / (ulong)profile.StripesPerDevice * (ulong)dataStripes;
    }

    private IEnumerable<DeviceSpace> Takers() => _devices.Values.Where(device => opened.Devices.Volume.TakesChunks(device.Id));

    // The profile that groups of this type have; where there are several, as in a half-done conversion, the one that protects best. With too few
    // devices here the kernel falls back to what they can hold.
    private BlockGroupFlags ChooseProfile(BlockGroupFlags type)
    {
        BlockGroupFlags seen = BlockGroupFlags.None;
        foreach (BlockGroup group in groups.Groups)
        {
            if ((group.Flags & BlockGroupFlags.TypeMask) == type)
                seen |= group.Flags & BlockGroupFlags.ProfileMask;
        }

        int present = Takers().Count();
        ReadOnlySpan<BlockGroupFlags> byStrength =
        [
            BlockGroupFlags.Raid1C4, BlockGroupFlags.Raid1C3, BlockGroupFlags.Raid6, BlockGroupFlags.Raid10, BlockGroupFlags.Raid1,
            BlockGroupFlags.Raid5, BlockGroupFlags.Dup, BlockGroupFlags.Raid0,
        ];
        foreach (BlockGroupFlags profile in byStrength)
        {
            if ((seen & profile) != 0 && present >= ProfileRule.For(profile).MinDevices)
                return profile;
        }

        bool wantsCopies = (seen & (BlockGroupFlags.Raid1Mask | BlockGroupFlags.Raid10 | BlockGroupFlags.Raid56Mask)) != 0;
        return wantsCopies && (type & BlockGroupFlags.Data) == 0 ? BlockGroupFlags.Dup : BlockGroupFlags.None;
    }

    private Plan? TryPlan(BlockGroupFlags flags)
    {
        ProfileRule profile = ProfileRule.For(flags);
        ulong total = _devices.Values.Aggregate(0UL, (sum, device) => sum + device.Item.TotalBytes);
        (ulong maxStripe, ulong maxChunk) = Limits(flags, total);
        List<(DeviceSpace Device, ulong Offset, ulong Length)> holes = [.. Takers()
            .Select(device => (Device: device, Hole: device.FindHole(maxStripe * (ulong)profile.StripesPerDevice)))
            .Where(found => found.Hole.Length >= MinStripe * (ulong)profile.StripesPerDevice)
            .OrderByDescending(found => found.Hole.Length).ThenByDescending(found => found.Device.Item.TotalBytes - found.Device.Item.BytesUsed)
            .Select(found => (found.Device, found.Hole.Offset, found.Hole.Length))];
        int count = DeviceCount(profile, holes.Count);
        if (count == 0)
            return null;

        int stripes = count * profile.StripesPerDevice;
        ulong stripeBytes = Math.Min(holes[count - 1].Length / (ulong)profile.StripesPerDevice, maxStripe);
        ulong dataStripes = (ulong)profile.DataStripes(stripes);
        if (stripeBytes * dataStripes > maxChunk)
            stripeBytes = Math.Max(maxChunk / dataStripes, MinStripe);
        stripeBytes = stripeBytes / FormatLimits.StripeLength * FormatLimits.StripeLength;
        if (stripeBytes == 0)
            return null;

        List<(DeviceSpace, ulong)> places = [];
        for (int device = 0; device < count; device++)
        {
            for (int stripe = 0; stripe < profile.StripesPerDevice; stripe++)
                places.Add((holes[device].Device, holes[device].Offset + (ulong)stripe * stripeBytes));
        }

        return new Plan(stripeBytes, stripeBytes * dataStripes, places, profile.SubStripes);
    }

    private static int DeviceCount(ProfileRule profile, int available)
    {
        int count = available / profile.Multiple * profile.Multiple;
        if (profile.MaxDevices != 0)
            count = Math.Min(count, profile.MaxDevices);
        return count < profile.MinDevices ? 0 : count;
    }

    // The kernel's sizes: they decide how many chunks a file system of a given size comes to have.
    private static (ulong Stripe, ulong Chunk) Limits(BlockGroupFlags flags, ulong totalBytes)
    {
        (ulong stripe, ulong chunk) = (flags & BlockGroupFlags.TypeMask) switch
        {
            BlockGroupFlags.System => (MaxSystemStripe, 2 * MaxSystemStripe),
            BlockGroupFlags.Metadata => totalBytes > LargeFileSystem ? (MaxDataStripe, MaxDataStripe) : (MaxMetadataStripe, MaxMetadataStripe),
            _ => (MaxDataStripe, MaxDataChunk),
        };
        return (stripe, Math.Max(Math.Min(chunk, totalBytes / 10), MinStripe));
    }

    private ulong NextLogicalAddress()
    {
        IReadOnlyList<Chunk> chunks = opened.Devices.Volume.Chunks.Chunks;
        return chunks[^1].End.Value;
    }

    private byte[] BuildItem(BlockGroupFlags flags, Plan plan)
    {
        byte[] bytes = new byte[ChunkItem.Size + plan.Stripes.Count * StripeItem.Size];
        MemoryMarshal.Write(bytes, new ChunkItem
        {
            Length = plan.ChunkBytes,
            Owner = ObjectIds.ExtentTree,
            StripeLength = FormatLimits.StripeLength,
            Type = flags,
            IoAlign = FormatLimits.StripeLength,
            IoWidth = FormatLimits.StripeLength,
            SectorSize = (uint)opened.SectorSize,
            StripeCount = (ushort)plan.Stripes.Count,
            SubStripes = (ushort)plan.SubStripes,
        });
        Span<StripeItem> stripes = MemoryMarshal.Cast<byte, StripeItem>(bytes.AsSpan(ChunkItem.Size));
        for (int i = 0; i < stripes.Length; i++)
        {
            (DeviceSpace device, ulong offset) = plan.Stripes[i];
            stripes[i] = new StripeItem { DeviceId = device.Id, Offset = offset, DeviceUuid = device.Item.Uuid };
        }

        return bytes;
    }

    private sealed record Plan(ulong StripeBytes, ulong ChunkBytes, List<(DeviceSpace Device, ulong Offset)> Stripes, int SubStripes);
}
