using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Making;

/// <summary>The superblocks of a new file system.</summary>
internal sealed class SuperblockDraft(MakePlan plan, TreeSet trees)
{
    /// <summary>What a file system without a free-space tree has: its cache of version 1 is of no generation.</summary>
    private const ulong NoCache = ulong.MaxValue;

    private readonly IChecksum _checksum = Checksums.For(plan.Settings.Checksum);

    /// <summary>A copy with its checksum.</summary>
    /// <param name="device">The device that it is for.</param>
    /// <param name="offsetBytes">Where on it the copy goes.</param>
    public byte[] Make(PlannedDevice device, ulong offsetBytes)
    {
        MakeSettings settings = plan.Settings;
        TreeShape root = trees.Shape(ObjectIds.RootTree);
        TreeShape chunks = trees.Shape(ObjectIds.ChunkTree);
        byte[] bytes = new byte[Superblock.Size];
        ref Superblock super = ref MemoryMarshal.AsRef<Superblock>(bytes.AsSpan());
        super.Fsid = plan.Uuids.Fsid;
        super.Bytenr = offsetBytes;
        super.Flags = SuperblockFlags.Written;
        super.Magic = Superblock.ExpectedMagic;
        super.Generation = MakeSettings.Generation;
        super.Root = root.Root(plan.NodeSize).Value;
        super.RootLevel = root.Level;
        super.ChunkRoot = chunks.Root(plan.NodeSize).Value;
        super.ChunkRootLevel = chunks.Level;
        super.ChunkRootGeneration = MakeSettings.Generation;
        super.TotalBytes = plan.TotalBytes;
        super.BytesUsed = trees.BytesUsed;
        super.RootDirObjectId = ObjectIds.RootTreeDir;
        super.DeviceCount = (ulong)plan.Devices.Count;
        super.SectorSize = (uint)settings.SectorSize;
        super.NodeSize = (uint)settings.NodeSize;
        super.LeafSize = (uint)settings.NodeSize;
        super.StripeSize = (uint)settings.SectorSize;
        super.CompatRo = settings.CompatRo;
        super.Incompat = settings.Incompat;
        super.CsumType = settings.Checksum;
        super.CacheGeneration = settings.Has(MakeFeatures.FreeSpaceTree) ? 0 : NoCache;
        super.DevItem = device.ToItem(plan.Uuids.Fsid, settings.SectorSize);
        settings.Label.Span.CopyTo(super.LabelField);
        super.SystemChunkArrayLength = WriteSystemChunk(super.SystemChunkArrayField);
        super.RootBackupsField[0] = MakeBackup(in super);
        _checksum.Compute(bytes.AsSpan(FormatLimits.ChecksumFieldSize), bytes);
        return bytes;
    }

    private uint WriteSystemChunk(Span<byte> array)
    {
        PlannedChunk chunk = plan.SystemChunk;
        byte[] item = chunk.ToItem(plan.Settings.SectorSize);
        MemoryMarshal.Write(array, new DiskKey(chunk.Key));
        item.CopyTo(array[DiskKey.Size..]);
        return (uint)(DiskKey.Size + item.Length);
    }

    private RootBackup MakeBackup(in Superblock super)
    {
        TreeShape extents = trees.Shape(ObjectIds.ExtentTree);
        TreeShape files = trees.Shape(ObjectIds.FsTree);
        TreeShape devices = trees.Shape(ObjectIds.DevTree);
        TreeShape sums = trees.Shape(ObjectIds.CsumTree);
        return new RootBackup
        {
            TreeRoot = super.Root,
            TreeRootGeneration = MakeSettings.Generation,
            TreeRootLevel = super.RootLevel,
            ChunkRoot = super.ChunkRoot,
            ChunkRootGeneration = MakeSettings.Generation,
            ChunkRootLevel = super.ChunkRootLevel,
            ExtentRoot = extents.Root(plan.NodeSize).Value,
            ExtentRootGeneration = MakeSettings.Generation,
            ExtentRootLevel = extents.Level,
            FsRoot = files.Root(plan.NodeSize).Value,
            FsRootGeneration = MakeSettings.Generation,
            FsRootLevel = files.Level,
            DevRoot = devices.Root(plan.NodeSize).Value,
            DevRootGeneration = MakeSettings.Generation,
            DevRootLevel = devices.Level,
            CsumRoot = sums.Root(plan.NodeSize).Value,
            CsumRootGeneration = MakeSettings.Generation,
            CsumRootLevel = sums.Level,
            TotalBytes = super.TotalBytes,
            BytesUsed = super.BytesUsed,
            DeviceCount = super.DeviceCount,
        };
    }
}
