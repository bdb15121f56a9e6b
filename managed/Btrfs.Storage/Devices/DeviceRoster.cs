using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Which device is which: reads every superblock and finds out whether they make one file system.</summary>
internal sealed class DeviceRoster
{
    private readonly List<string> _notices;

    private DeviceRoster(List<(IBlockDevice Block, Superblock Superblock)> members, List<string> notices)
    {
        _notices = notices;
        Superblock = Newest(members);
        Devices = ToDevices(members);
    }

    public Superblock Superblock { get; }

    public IReadOnlyList<Device> Devices { get; }

    public IReadOnlyList<Uuid> SeedFsids { get; private set; } = [];

    public IReadOnlyList<string> Notices => _notices;

    /// <inheritdoc cref="DeviceSet.Open(IReadOnlyList{string}, DeviceOpenOptions)"/>
    public static DeviceRoster Read(IReadOnlyList<IBlockDevice> blocks, bool toWrite)
    {
        if (blocks.Count == 0)
            throw new InvalidRequestException("no device is given");

        List<string> notices = [];
        List<(IBlockDevice Block, Superblock Superblock)> members = [];
        foreach (IBlockDevice block in blocks)
            members.Add((block, SuperblockCopies.ReadNewest(block, toWrite, notices)));

        return new DeviceRoster(members, notices);
    }

    /// <summary>A file system that grew on a seed is known by the superblock that is no seed's.</summary>
    private static Superblock Newest(List<(IBlockDevice Block, Superblock Superblock)> members)
    {
        Superblock newest = members[0].Superblock;
        foreach ((_, Superblock candidate) in members)
        {
            bool better = IsSeeding(newest) == IsSeeding(candidate)
                ? candidate.Generation > newest.Generation
                : IsSeeding(newest);
            if (better)
                newest = candidate;
        }

        return newest;
    }

    private List<Device> ToDevices(List<(IBlockDevice Block, Superblock Superblock)> members)
    {
        SortedDictionary<ulong, Device> devices = [];
        List<Uuid> seedFsids = [];
        foreach ((IBlockDevice block, Superblock own) in members)
        {
            bool isSeed = own.Fsid != Superblock.Fsid;
            if (isSeed && (!IsSeeding(own) || IsSeeding(Superblock)))
                throw new InvalidRequestException($"{block.Name} belongs to file system {own.Fsid}, the other devices to {Superblock.Fsid}");

            ulong id = own.DevItem.DeviceId;
            if (devices.TryGetValue(id, out Device? other))
                throw new InvalidRequestException($"{block.Name} and {other.Block.Name} are both device {id} of file system {own.Fsid}");

            bool isStale = !isSeed && own.Generation < Superblock.Generation;
            if (isStale)
                _notices.Add($"device {id} ({block.Name}) is behind: generation {own.Generation.Value}, the newest device has {Superblock.Generation.Value}");
            if (isSeed)
                seedFsids.Add(own.MetadataUuid);

            devices.Add(id, new Device(id, own.DevItem.Uuid, block, own.Generation, isStale)
            {
                IsSeed = isSeed,
                IsOneBehind = isStale && own.Generation + 1 == Superblock.Generation,
            });
        }

        SeedFsids = seedFsids;
        return [.. devices.Values];
    }

    private static bool IsSeeding(in Superblock superblock) => (superblock.Flags & SuperblockFlags.Seeding) != 0;
}
