using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Making;

/// <summary>A device of the file system that is being made, and how far its space is given away.</summary>
internal sealed class PlannedDevice(ulong id, Uuid uuid, IBlockDevice block, ulong totalBytes)
{
    public ulong Id { get; } = id;

    public Uuid Uuid { get; } = uuid;

    public IBlockDevice Block { get; } = block;

    public ulong TotalBytes { get; } = totalBytes;

    /// <summary>Bytes in stripes of chunks.</summary>
    public ulong UsedBytes { get; private set; }

    public ulong FreeBytes => TotalBytes - Math.Min(TotalBytes, NextFree);

    /// <summary>Where the next stripe begins.</summary>
    private ulong NextFree { get; set; } = ChunkSizes.Reserved;

    /// <summary>Gives a stripe away.</summary>
    /// <param name="length">Bytes.</param>
    /// <param name="isKept">Whether a chunk stays there; else the place is only passed over.</param>
    /// <returns>Its offset on the device.</returns>
    public ulong Take(ulong length, bool isKept)
    {
        ulong start = NextFree;
        NextFree += length;
        if (isKept)
            UsedBytes += length;
        return start;
    }

    /// <summary>Sees to it that no copy of the superblock lies where trees would go: at the begin of the next stripe.</summary>
    public void StepOverSuperblock()
    {
        foreach (ulong mirror in FormatLimits.SuperblockOffsets)
        {
            if (NextFree < mirror + FormatLimits.StripeLength && NextFree + ChunkSizes.TreeArea > mirror)
                NextFree = mirror + FormatLimits.StripeLength;
        }
    }

    /// <summary>The item as the chunk tree and the superblock hold it.</summary>
    public DevItem ToItem(Uuid fsid, int sectorSize) => new()
    {
        DeviceId = Id,
        TotalBytes = TotalBytes,
        BytesUsed = UsedBytes,
        IoAlign = (uint)sectorSize,
        IoWidth = (uint)sectorSize,
        SectorSize = (uint)sectorSize,
        Uuid = Uuid,
        Fsid = fsid,
    };
}
