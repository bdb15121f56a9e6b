using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Making;

/// <summary>
/// Makes empty file systems. Their few blocks are laid out at once where they stay, so there are no transactions: nothing refers to them until, after a
/// flush, the superblocks are written.
/// </summary>
public sealed class FileSystemMaker(MakeOptions options)
{
    /// <summary>What is wiped at both ends, so that nothing takes it for what it held before. Bytes.</summary>
    private const ulong WipedBytes = ChunkSizes.MiB;

    /// <summary>Makes a file system over devices, which are writable. What they hold is lost.</summary>
    /// <param name="devices">Get the ids 1, 2 and so on in this order. They stay the caller's.</param>
    /// <exception cref="InvalidRequestException">The options contradict each other or the devices; nothing was written.</exception>
    /// <exception cref="NoSpaceException">The devices are too small; nothing was written.</exception>
    /// <exception cref="IOException">A device could not be written.</exception>
    public MakeResult Make(IReadOnlyList<IBlockDevice> devices)
    {
        MakePlan plan = Plan(devices);
        TreeSet trees = TreeSet.Compose(plan);
        foreach (PlannedChunk chunk in plan.Chunks)
            Invariant.That(trees.BytesIn(chunk) <= Math.Min(chunk.Length, ChunkSizes.TreeArea));

        foreach (PlannedDevice device in plan.Devices)
            Wipe(device);
        Flush(devices);

        WriteTrees(plan, trees);
        Flush(devices);

        WriteSuperblocks(plan, trees);
        Flush(devices);
        return Describe(plan);
    }

    private MakePlan Plan(IReadOnlyList<IBlockDevice> devices)
    {
        if (devices.Count == 0)
            throw new InvalidRequestException("no device is given");

        MakeSettings settings = new(options, devices.Count);
        MakeUuids uuids = new(options.Fsid);
        List<PlannedDevice> planned = [];
        foreach (IBlockDevice device in devices)
        {
            ulong id = (ulong)planned.Count + 1;
            planned.Add(new PlannedDevice(id, uuids.MakeDevice(id), device, SizeOf(device, settings)));
        }

        return new MakePlan(settings, uuids, planned, ChunkPlanner.Plan(planned, settings));
    }

    private ulong SizeOf(IBlockDevice device, MakeSettings settings)
    {
        if (options.DeviceBytes > device.SizeBytes)
            throw new InvalidRequestException($"{device.Name} is smaller than the requested size, expected {options.DeviceBytes}, found {device.SizeBytes}");

        ulong size = options.DeviceBytes ?? device.SizeBytes;
        if (size < settings.MinDeviceBytes)
        {
            throw new InvalidRequestException(
                $"{device.Name} is too small to make a usable file system: {size} bytes, the minimum size for each device is {settings.MinDeviceBytes}");
        }

        return size - size % (ulong)settings.SectorSize;
    }

    // Copies of an old superblock are wiped also where the new file system doesn't reach: whoever looks at all copies would find them.
    private void Wipe(PlannedDevice device)
    {
        if (options.Discard)
            device.Block.Discard(0, device.TotalBytes);

        byte[] zeros = new byte[WipedBytes];
        device.Block.Write(0, zeros);
        device.Block.Write(device.TotalBytes - WipedBytes, zeros);
        foreach (ulong offset in FormatLimits.SuperblockOffsets)
        {
            if (offset + Superblock.Size <= device.Block.SizeBytes)
                device.Block.Write(offset, zeros.AsSpan(0, Superblock.Size));
        }
    }

    private static void WriteTrees(MakePlan plan, TreeSet trees)
    {
        LogicalVolume volume = new(plan.Devices.Select(
            device => new Device(device.Id, device.Uuid, device.Block, MakeSettings.Generation, IsStale: false)));
        foreach (PlannedChunk chunk in plan.Chunks)
            volume.Chunks.Add(chunk.Key, chunk.ToItem(plan.Settings.SectorSize));

        IChecksum checksum = Checksums.For(plan.Settings.Checksum);
        foreach (PlannedChunk chunk in new[] { plan.SystemChunk, plan.MetadataChunk })
        {
            byte[] blocks = trees.Write(chunk);
            for (int begin = 0; begin < blocks.Length; begin += plan.NodeSize)
                checksum.Compute(blocks.AsSpan(begin + FormatLimits.ChecksumFieldSize, plan.NodeSize - FormatLimits.ChecksumFieldSize), blocks.AsSpan(begin));

            // Where there is parity, what lies in the rest of a row is unknown: so it is written too, as zeros.
            int rows = (blocks.Length + chunk.RowBytes - 1) / chunk.RowBytes;
            Array.Resize(ref blocks, rows * chunk.RowBytes);
            volume.Write(chunk.Start, blocks);
        }

        // The volume bears the loss of a copy. A file system that begins with one is none to hand out.
        if (volume.WriteFaults.Count > 0)
            throw new IOException(volume.WriteFaults[0]);
    }

    // The primary copy goes last on each device: until then there is no file system on it.
    private static void WriteSuperblocks(MakePlan plan, TreeSet trees)
    {
        SuperblockDraft superblock = new(plan, trees);
        foreach (PlannedDevice device in plan.Devices)
        {
            for (int copy = FormatLimits.SuperblockOffsets.Length - 1; copy >= 0; copy--)
            {
                ulong offset = FormatLimits.SuperblockOffsets[copy];
                if (offset + Superblock.Size <= device.TotalBytes)
                    device.Block.Write(offset, superblock.Make(device, offset));
            }
        }
    }

    private static void Flush(IReadOnlyList<IBlockDevice> devices)
    {
        foreach (IBlockDevice device in devices)
            device.Flush();
    }

    private MakeResult Describe(MakePlan plan) => new()
    {
        Fsid = plan.Uuids.Fsid,
        Label = options.Label,
        NodeSize = plan.NodeSize,
        SectorSize = plan.Settings.SectorSize,
        TotalBytes = plan.TotalBytes,
        Checksum = plan.Settings.Checksum,
        Features = plan.Settings.Features,
        Chunks = [.. plan.Chunks.Select(chunk => new MadeChunk(chunk.Type, chunk.Start, chunk.Length))],
        Devices = [.. plan.Devices.Select(device => new MadeDevice(device.Id, device.TotalBytes, device.Block.Name))],
        Warnings = plan.Settings.Warnings,
    };
}
