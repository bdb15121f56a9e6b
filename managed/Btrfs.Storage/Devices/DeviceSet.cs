using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>The devices of one file system, opened together, and the logical volume that they make.</summary>
public sealed class DeviceSet : IDisposable
{
    private readonly IReadOnlyList<IBlockDevice> _blocks;
    private readonly List<string> _notices;
    private readonly DeviceOpenOptions _options;
    private readonly Superblock _superblock;
    private readonly string? _countNotice;
    private readonly SuperblockWriter _superblocks;

    private DeviceSet(IReadOnlyList<IBlockDevice> blocks, DeviceRoster roster, DeviceOpenOptions options)
    {
        _blocks = blocks;
        _options = options;
        _notices = [.. blocks.SelectMany(block => block.Notices), .. roster.Notices];
        _superblock = roster.Superblock;
        SeedFsids = roster.SeedFsids;
        Devices = roster.Devices;

        ulong expected = _superblock.DeviceCount;
        ulong present = (ulong)Devices.Count;
        if (present < expected)
        {
            string missing = $"{expected - present} of {expected} devices {(expected - present == 1 ? "is" : "are")} missing";
            if (!options.AllowMissingDevices)
                throw new InvalidRequestException($"{missing}, file system {_superblock.Fsid}");

            _countNotice = $"{missing}, opened degraded";
            _notices.Add(_countNotice);
        }

        Volume = new LogicalVolume(Devices, lacksDevices: present < expected);
        _superblocks = new SuperblockWriter(Volume);
        Volume.Chunks.AddSystemArray(_superblock);
    }

    /// <summary>The newest valid superblock over all devices.</summary>
    public ref readonly Superblock Superblock => ref _superblock;

    /// <summary>What a user should know of how the devices were found: sentences, lower case, without a full stop.</summary>
    public IReadOnlyList<string> Notices => _notices;

    /// <summary>The devices that are here, by devid.</summary>
    public IReadOnlyList<Device> Devices { get; }

    /// <summary>Metadata UUIDs of seed file systems among the devices.</summary>
    public IReadOnlyList<Uuid> SeedFsids { get; }

    public LogicalVolume Volume { get; }

    /// <summary>Whether the host has any of the devices mounted.</summary>
    public bool IsMounted => _blocks.Any(block => block.IsMounted);

    /// <summary>
    /// The generation that the newest superblock has by now. Where it is not that of <see cref="Superblock"/> a mounted file system has committed
    /// since, and blocks that were free to go may hold something else.
    /// </summary>
    /// <exception cref="IOException">A device can't be read any more.</exception>
    /// <exception cref="BtrfsException">A device has no valid superblock any more.</exception>
    public ulong ReadCurrentGeneration() => DeviceRoster.Read(_blocks, toWrite: false).Superblock.Generation;

    /// <summary>Opens the devices of one file system, given in any order.</summary>
    /// <exception cref="IOException">A file can't be opened or read; to be written, a device must give every copy of its superblock.</exception>
    /// <exception cref="InvalidRequestException">The files belong to different file systems, or a device is given twice.</exception>
    /// <exception cref="CorruptMetadataException">A device has no valid superblock.</exception>
    /// <exception cref="UnsupportedFeatureException">The file system has a feature that this engine doesn't know.</exception>
    public static DeviceSet Open(IReadOnlyList<string> paths, DeviceOpenOptions options)
    {
        List<IBlockDevice> opened = [];
        try
        {
            foreach (string path in paths)
                opened.Add(FileBlockDevice.Open(path, options));
        }
        catch
        {
            opened.ForEach(device => device.Dispose());
            throw;
        }

        return Open(opened, options);
    }

    /// <summary>The same over devices that are already open. The set owns them from here on, also when this fails.</summary>
    /// <inheritdoc cref="Open(IReadOnlyList{string}, DeviceOpenOptions)"/>
    public static DeviceSet Open(IReadOnlyList<IBlockDevice> devices, DeviceOpenOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            return new DeviceSet(devices, DeviceRoster.Read(devices, options.Writable), options);
        }
        catch
        {
            foreach (IBlockDevice device in devices)
                device.Dispose();
            throw;
        }
    }

    /// <summary>A second set over the same files, to be read: what they hold now.</summary>
    /// <inheritdoc cref="Open(IReadOnlyList{string}, DeviceOpenOptions)"/>
    public DeviceSet OpenAgain() => Open([.. _blocks.Select(block => block.Name)], _options with { Writable = false });

    /// <summary>A second set over the same open devices, which takes writes and keeps them in memory. This one must outlive it.</summary>
    public DeviceSet OverlayInMemory() => Open([.. _blocks.Select(block => new MemoryOverlayDevice(block, leaveOpen: true))], _options);

    /// <summary>Adds every chunk of the chunk tree to the volume, and a notice for each device that a chunk names and that is not here.</summary>
    /// <param name="reader">Over <see cref="Volume"/>.</param>
    /// <exception cref="CorruptMetadataException">The chunk tree is damaged on every mirror.</exception>
    /// <exception cref="InvalidRequestException">A device is missing, and the options don't allow that.</exception>
    public void LoadChunkTree(ExtentBufferReader reader)
    {
        new ChunkTreeLoader(reader, Volume.Chunks).Load(_superblock);
        IReadOnlyList<ulong> missing = Volume.MissingDevices();
        if (missing.Count == 0)
            return;
        if (!_options.AllowMissingDevices)
            throw new InvalidRequestException($"device {missing[0]} is missing, file system {_superblock.Fsid}");

        // What was only a number at first has names now.
        if (_countNotice is not null)
            _notices.Remove(_countNotice);
        _notices.AddRange(missing.Select(id => $"device {id} is missing, opened degraded"));
    }

    /// <summary>
    /// Makes a state the newest: writes its superblock to every device that takes writes, each with the device's own item, in all copies that fit the device,
    /// and returns when they are durable. All that the superblock leads to must be durable before (<see cref="LogicalVolume.Flush"/>). A device that fails is
    /// noted in <see cref="LogicalVolume.WriteFaults"/>, as long as one takes it.
    /// </summary>
    /// <param name="common">What is the same for all devices; its device item, address and checksum are filled in here.</param>
    /// <param name="devItemOf">The item of a device, by devid.</param>
    /// <exception cref="IOException">No device took it: which state is the newest is not known.</exception>
    public void WriteSuperblocks(in Superblock common, Func<ulong, DevItem> devItemOf) => _superblocks.Write(common, devItemOf);

    /// <summary>
    /// Makes a log the newest, as an fsync does: as the other, but in the first copy alone, and every device must take it. What was durable in the first copies
    /// before is to go to the others by <see cref="WriteSuperblockMirrors"/>, and to be durable there, before this.
    /// </summary>
    /// <inheritdoc cref="WriteSuperblocks"/>
    public void WriteFirstSuperblocks(in Superblock common, Func<ulong, DevItem> devItemOf) => _superblocks.WriteFirst(common, devItemOf);

    /// <summary>Writes a superblock to all copies but the first; durable after the next flush. A device that fails is noted, and gets no more of them.</summary>
    /// <param name="common">What is the same for all devices.</param>
    /// <param name="devItemOf">The item of a device, by devid.</param>
    public void WriteSuperblockMirrors(in Superblock common, Func<ulong, DevItem> devItemOf) => _superblocks.WriteMirrors(common, devItemOf);

    /// <summary>
    /// Writes anew what copies a crash has left torn or behind of the devices' newest superblock: to be done before the first change. The copy that is behind
    /// leads to blocks which may be overwritten from then on, and it is what is left if the next superblock is torn.
    /// </summary>
    /// <exception cref="IOException">A device failed.</exception>
    public void RestoreSuperblockCopies() => _superblocks.RestoreCopies();

    /// <summary>
    /// Leaves devices behind that have the superblock of the commit before the last, and not what that commit wrote: they were not there. To be done before the first change,
    /// and before it is asked whether there can be any (<see cref="LogicalVolume.VerifyWritable"/>).
    /// </summary>
    public void LeaveAbsenteesBehind()
    {
        LastCommit last = new(Volume, _superblock);
        foreach (Device device in Devices)
        {
            if (device.IsOneBehind && last.IsMissedBy(device))
                device.LeaveBehind();
        }
    }

    public void Dispose()
    {
        foreach (IBlockDevice block in _blocks)
            block.Dispose();
    }
}
