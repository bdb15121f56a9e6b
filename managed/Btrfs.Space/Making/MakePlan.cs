using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>All that is settled before the trees of a new file system are filled.</summary>
internal sealed record MakePlan(
    MakeSettings Settings, MakeUuids Uuids, IReadOnlyList<PlannedDevice> Devices, IReadOnlyList<PlannedChunk> Chunks)
{
    public PlannedChunk SystemChunk => Chunks.Single(chunk => (chunk.Type & BlockGroupFlags.System) != 0);

    public PlannedChunk MetadataChunk => Chunks.Single(chunk => (chunk.Type & BlockGroupFlags.Metadata) != 0);

    public ulong TotalBytes => Devices.Aggregate(0UL, (sum, device) => sum + device.TotalBytes);

    public int NodeSize => Settings.NodeSize;

    public DiskTime Time => new(Settings.Seconds, 0);
}
