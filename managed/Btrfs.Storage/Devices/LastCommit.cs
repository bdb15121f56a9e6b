using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// Tells of devices whose superblock is one commit behind whether they were there for that commit. A power cut between two superblocks leaves such a device, and its
/// blocks were durable before. But a file system that was written once without it leaves it the same way; then no block of that commit is on it.
/// </summary>
/// <param name="volume">With the chunks of the newest commit.</param>
/// <param name="superblock">The newest.</param>
internal sealed class LastCommit(LogicalVolume volume, Superblock superblock)
{
    private readonly List<ulong> _blocks = BlocksOf(superblock);

    /// <summary>Whether the device lacks what it should have. False also where no block that is looked at belongs on it, or it can't be read.</summary>
    public bool IsMissedBy(Device device) => _blocks.Exists(block => IsLackedBy(device, new LogicalAddress(block)));

    // The roots that the superblock names and that this commit has written: any commit writes the root tree's.
    private static List<ulong> BlocksOf(in Superblock superblock)
    {
        ulong generation = superblock.Generation;
        List<ulong> blocks = [superblock.Root];
        AddIfNew(superblock.ChunkRoot, superblock.ChunkRootGeneration);
        foreach (ref readonly RootBackup backup in superblock.RootBackups)
        {
            if (backup.TreeRoot.Value != superblock.Root.Value || backup.TreeRootGeneration.Value != generation)
                continue;
            AddIfNew(backup.ExtentRoot, backup.ExtentRootGeneration);
            AddIfNew(backup.FsRoot, backup.FsRootGeneration);
            AddIfNew(backup.DevRoot, backup.DevRootGeneration);
            AddIfNew(backup.CsumRoot, backup.CsumRootGeneration);
        }

        return blocks;

        void AddIfNew(ulong block, ulong written)
        {
            if (written == generation)
                blocks.Add(block);
        }
    }

    private bool IsLackedBy(Device device, LogicalAddress block)
    {
        if (!volume.Chunks.TryFind(block, out Chunk? chunk))
            return false;

        // With parity only the first mirror is a stripe by itself.
        int copies = chunk.ParityCount > 0 ? 1 : chunk.MirrorCount;
        for (int mirror = 1; mirror <= copies; mirror++)
        {
            StripeRange range = StripeRange.Map(chunk, block, BlockHeader.Size, mirror);
            if (ReferenceEquals(volume.FindDevice(chunk.Stripes[range.Stripe]), device) && IsOtherBlock(chunk, range, block))
                return true;
        }

        return false;
    }

    private bool IsOtherBlock(Chunk chunk, in StripeRange range, LogicalAddress block)
    {
        byte[] bytes = new byte[BlockHeader.Size];
        try
        {
            volume.ReadStripe(chunk, range.Stripe, range.Offset, bytes);
        }
        catch (IOException)
        {
            return false;
        }

        ref readonly BlockHeader header = ref Overlay.At<BlockHeader>(bytes);
        return header.Bytenr.Value != block.Value || header.Generation.Value != superblock.Generation.Value || header.Fsid != superblock.MetadataUuid;
    }
}
