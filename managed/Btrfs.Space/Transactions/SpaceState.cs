using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Csums;
using Btrfs.Space.FreeSpace;
using Btrfs.Space.Groups;
using Btrfs.Space.Log;
using Btrfs.Space.Quotas;
using Btrfs.Space.Refs;
using Btrfs.Storage;

namespace Btrfs.Space.Transactions;

/// <summary>What the running transaction works with: the parts of this module, each made once when the file system is opened, and how they hang together.</summary>
internal sealed class SpaceState
{
    private Superblock _superblock;

    public SpaceState(FsInfo opened)
    {
        Holds = new CommitHolds(opened);
        _superblock = opened.Superblock;
        Volume = opened.Devices.Volume;
        CommittedBlocks = (ExtentBufferReader)opened.Blocks;
        Blocks = new TransactionBlocks(CommittedBlocks);
        Delayed = new DelayedReferences();
        Promised = new PromisedSpace(this);
        Groups = new BlockGroupTable(opened);
        Pinned = new PinnedExtents(Groups);
        Chunks = new ChunkAllocator(opened, Groups);
        Allocator = new ExtentAllocator(Groups, Chunks, () => Committed, opened.NodeSize);
        TreeBlocks = new TreeBlockAllocator(opened, Allocator, Groups, Delayed, Blocks, () => Extents!) { Generation = _superblock.Generation + 1 };
        Roots = new RootTable(opened, Blocks, TreeBlocks);
        Running = opened.Running(Blocks, Roots);

        bool isSkinny = (_superblock.Incompat & IncompatFlags.SkinnyMetadata) != 0;
        Extents = new ExtentTree(Roots.Get(ObjectIds.ExtentTree).Tree, Delayed, isSkinny);
        Checksums = new ChecksumItems(Roots.Get(ObjectIds.CsumTree).Tree, opened.Data.ChecksumSize, opened.SectorSize);
        FreeSpace = (_superblock.CompatRo & CompatRoFlags.FreeSpaceTree) != 0
            ? new FreeSpaceTree(Roots.Get(ObjectIds.FreeSpaceTree).Tree, opened.SectorSize)
            : null;
        Quota = QuotaState.Load(Roots);
        bool hasGroupTree = (_superblock.CompatRo & CompatRoFlags.BlockGroupTree) != 0;
        ChunkItems = new ChunkItems(
            Groups,
            Chunks,
            Roots.Get(ObjectIds.ChunkTree).Tree,
            Roots.Get(ObjectIds.DevTree).Tree,
            Roots.Get(hasGroupTree ? ObjectIds.BlockGroupTree : ObjectIds.ExtentTree).Tree,
            FreeSpace,
            TreeBlocks.ChunkTreeUuid)
        {
            MaySpare = Promised.CanSpare,
            AddToSystemArray = (key, item) => SuperblockUpdate.AddSystemChunk(ref _superblock, key, item),
        };
        Updater = new ReferenceUpdater(Extents, Delayed, Groups, ChunkItems, Pinned, FreeSpace, Checksums, Quota.Simple, Blocks);
        Log = new LogTrees(this);
    }

    /// <summary>The last durable state.</summary>
    public FsInfo Committed => Holds.Committed;

    /// <summary>Who reads the last durable state, or an earlier one.</summary>
    public CommitHolds Holds { get; }

    /// <summary>The state so far.</summary>
    public FsInfo Running { get; }

    /// <summary>The superblock as the next commit will write it.</summary>
    public ref Superblock Superblock => ref _superblock;

    public LogicalVolume Volume { get; }

    public ExtentBufferReader CommittedBlocks { get; }

    public TransactionBlocks Blocks { get; }

    public DelayedReferences Delayed { get; }

    public PinnedExtents Pinned { get; }

    public PromisedSpace Promised { get; }

    public BlockGroupTable Groups { get; }

    public ChunkAllocator Chunks { get; }

    public ChunkItems ChunkItems { get; }

    public ExtentAllocator Allocator { get; }

    public TreeBlockAllocator TreeBlocks { get; }

    public RootTable Roots { get; }

    public ExtentTree Extents { get; }

    public ChecksumItems Checksums { get; }

    public FreeSpaceTree? FreeSpace { get; }

    public QuotaState Quota { get; }

    public ReferenceUpdater Updater { get; }

    public LogTrees Log { get; }

    /// <summary>Of the running transaction.</summary>
    public ulong Generation => TreeBlocks.Generation;

    public BlockGroupFlags DataType => WithMixed(BlockGroupFlags.Data);

    public BlockGroupFlags MetadataType => WithMixed(BlockGroupFlags.Metadata);

    private BlockGroupFlags WithMixed(BlockGroupFlags type) =>
        (_superblock.Incompat & IncompatFlags.MixedGroups) != 0 ? BlockGroupFlags.Data | BlockGroupFlags.Metadata : type;
}
