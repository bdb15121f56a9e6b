using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Usage;

/// <summary>A block group: its chunk, and how many of its bytes are allocated.</summary>
public readonly record struct BlockGroupUsage(Chunk Chunk, ulong Used);

/// <summary>Tells how the space of a file system is used, as of the last commit.</summary>
public sealed class SpaceUsage(FsInfo fs)
{
    /// <summary>All block groups by address.</summary>
    /// <exception cref="CorruptMetadataException">A chunk has no block group.</exception>
    public IEnumerable<BlockGroupUsage> EnumerateBlockGroups()
    {
        bool hasOwnTree = (fs.Superblock.CompatRo & CompatRoFlags.BlockGroupTree) != 0;
        TreeCursor cursor = fs.OpenCursor(fs.GetRoot(hasOwnTree ? ObjectIds.BlockGroupTree : ObjectIds.ExtentTree).Tree);
        foreach (Chunk chunk in fs.Devices.Volume.Chunks.Chunks)
        {
            if (!cursor.TryFind(new Key(chunk.Start.Value, ItemType.BlockGroupItem, chunk.Length)))
                throw new CorruptMetadataException($"corrupt metadata: chunk {chunk.Start} of {chunk.Length} bytes has no block group");
            yield return new BlockGroupUsage(chunk, cursor.Record<BlockGroupItem>().Used);
        }
    }

    /// <summary>The devices that the file system says it has, missing ones included, by id.</summary>
    public IEnumerable<DevItem> EnumerateDevices()
    {
        TreeCursor cursor = fs.OpenCursor(fs.ChunkTree);
        cursor.Seek(new Key(ObjectIds.DevItems, ItemType.DevItem, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == ObjectIds.DevItems && cursor.Key.Type == ItemType.DevItem; cursor.MoveNext())
            yield return cursor.Record<DevItem>();
    }

    /// <summary>Bytes of a device that each stripe of a chunk takes.</summary>
    public static ulong StripeBytes(Chunk chunk)
    {
        int stripes = chunk.Stripes.Length;
        int copies = (chunk.Type & BlockGroupFlags.ProfileMask) switch
        {
            BlockGroupFlags.Raid0 or BlockGroupFlags.Raid5 or BlockGroupFlags.Raid6 => 1,
            BlockGroupFlags.Raid10 => Math.Max(chunk.SubStripes, 1),
            _ => stripes,
        };
        return chunk.Length * (ulong)copies / (ulong)Math.Max(stripes - chunk.ParityCount, 1);
    }
}
