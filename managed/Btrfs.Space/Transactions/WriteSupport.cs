using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.FreeSpace;

namespace Btrfs.Space.Transactions;

/// <summary>Says which file systems the engine can write: a writer has to understand all that it changes, where a reader may look past it.</summary>
internal static class WriteSupport
{
    private const CompatRoFlags Known =
        CompatRoFlags.FreeSpaceTree | CompatRoFlags.FreeSpaceTreeValid | CompatRoFlags.Verity | CompatRoFlags.BlockGroupTree;

    private const SuperblockFlags Unfinished = SuperblockFlags.Seeding | SuperblockFlags.MetaDump | SuperblockFlags.MetaDumpV2
        | SuperblockFlags.ChangingFsid | SuperblockFlags.ChangingFsidV2 | SuperblockFlags.ChangingBlockGroupTree
        | SuperblockFlags.ChangingDataCsum | SuperblockFlags.ChangingMetaCsum;

    /// <exception cref="UnsupportedFeatureException">It can't be written.</exception>
    public static void Require(FsInfo fs)
    {
        CompatRoFlags unknown = fs.Superblock.CompatRo & ~Known;
        if (unknown != 0)
            throw new UnsupportedFeatureException($"can't write: unknown read-only-compatible features 0x{(ulong)unknown:x}");

        SuperblockFlags unfinished = fs.Superblock.Flags & Unfinished;
        if (unfinished != 0)
            throw new UnsupportedFeatureException($"can't write: the file system is in the state {unfinished}");

        // A rebuild allocates blocks, and what the log uses is not known before it is replayed. No kernel fsyncs into such a state.
        if (FreeSpaceRebuild.IsNeeded(fs) && fs.Superblock.LogRoot.Value != 0)
            throw new UnsupportedFeatureException("can't write: there is a log tree, and the free-space tree is not valid");

        if ((fs.Superblock.Incompat & IncompatFlags.MixedBackref) == 0)
            throw new UnsupportedFeatureException("can't write: the file system has back references of the kind before 2009");

        TreeCursor cursor = fs.OpenCursor(fs.RootTree);
        if (cursor.Seek(new Key(ObjectIds.Balance, ItemType.TemporaryItem, 0)))
            throw new UnsupportedFeatureException("can't write: a balance is under way; let the kernel finish or cancel it");
        if (fs.TryFindRoot(ObjectIds.TreeReloc) is not null)
            throw new UnsupportedFeatureException("can't write: a relocation is under way; let the kernel finish it");
    }
}
