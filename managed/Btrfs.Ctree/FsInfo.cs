using System.Collections.Concurrent;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// An opened file system as of one commit: its devices, its logical address space, and the roots of its trees.
/// Everything reachable from here is immutable, so any number of threads may read at once. (<see cref="Running"/> makes the one exception.)
/// </summary>
public sealed class FsInfo : IDisposable
{
    /// <summary>How often the newest commit of a mounted file system is looked for before giving up.</summary>
    private const int MaxAttempts = 5;

    private readonly DeviceSet _devices;
    private readonly Superblock _superblock;
    private readonly IRunningRoots? _running;
    private readonly TreeRoot _chunkTree;
    private readonly TreeRoot _rootTree;
    private readonly ConcurrentDictionary<ulong, RootRecord?> _roots = new();
    private readonly List<string> _notices = [];

    private FsInfo(DeviceSet devices, in Superblock superblock, IBlockSource blocks, DataReader data, IRunningRoots? running)
    {
        _devices = devices;
        _superblock = superblock;
        _running = running;
        Blocks = blocks;
        Data = data;
        _chunkTree = new TreeRoot(
            ObjectIds.ChunkTree, new LogicalAddress(_superblock.ChunkRoot), _superblock.ChunkRootGeneration, _superblock.ChunkRootLevel);
        _rootTree = new TreeRoot(
            ObjectIds.RootTree, new LogicalAddress(_superblock.Root), _superblock.Generation, _superblock.RootLevel);
    }

    public DeviceSet Devices => _devices;

    public ref readonly Superblock Superblock => ref _superblock;

    public IBlockSource Blocks { get; }

    public DataReader Data { get; }

    public TreeRoot ChunkTree => _running?.ChunkTree ?? _chunkTree;

    public TreeRoot RootTree => _running?.RootTree ?? _rootTree;

    public int SectorSize => (int)_superblock.SectorSize.Value;

    public int NodeSize => (int)_superblock.NodeSize.Value;

    /// <summary>What a person should know about this opening: missing devices, mounted devices, a log tree. Lower-case sentences.</summary>
    public IReadOnlyList<string> Notices => _notices;

    /// <summary>Reads the chunk tree and the root tree's root. Takes over <paramref name="devices"/>, also when it throws.</summary>
    /// <exception cref="BtrfsException">The file system is broken or uses something unknown.</exception>
    public static FsInfo Open(DeviceSet devices, FsOpenOptions? options = null)
    {
        try
        {
            ExtentBufferReader blocks = new(
                devices.Volume, devices.Superblock, (options ?? new FsOpenOptions()).BlockCacheBytes, devices.SeedFsids);
            FsInfo fs = new(devices, devices.Superblock, blocks, new DataReader(devices.Volume, devices.Superblock), running: null);
            devices.LoadChunkTree(blocks);
            fs._notices.AddRange(devices.Notices);
            fs.Blocks.Read(fs.RootTree.Pointer, ObjectIds.RootTree);
            if (fs._superblock.LogRoot.Value != 0)
                fs._notices.Add("the file system was not cleanly unmounted: a log tree exists, and what was only fsynced is not seen (trees are as of the last commit)");
            return fs;
        }
        catch
        {
            devices.Dispose();
            throw;
        }
    }

    /// <summary>The state that a commit has just made durable, over the same devices and the same cache of blocks.</summary>
    public FsInfo After(in Superblock superblock)
    {
        Invariant.That(_running is null);
        FsInfo after = new(_devices, superblock, Blocks, Data, running: null);
        after._notices.AddRange(_devices.Notices);
        return after;
    }

    /// <summary>
    /// The same file system as a running transaction has it by now, for the writer's own eyes: what is found through it holds until the next change.
    /// </summary>
    /// <param name="blocks">The transaction's blocks over the committed ones.</param>
    /// <param name="roots">Where its trees begin.</param>
    public FsInfo Running(IBlockSource blocks, IRunningRoots roots) => new(_devices, _superblock, blocks, Data, roots);

    public TreeCursor OpenCursor(TreeRoot root) => new(Blocks, root);

    /// <summary>The root item of a tree, or null when the root tree has none.</summary>
    public RootRecord? TryFindRoot(ulong rootId)
    {
        if (_running is not null)
            return _running.TryFind(rootId);
        if (_roots.TryGetValue(rootId, out RootRecord? known))
            return known;

        TreeCursor cursor = OpenCursor(RootTree);
        RootRecord? found = null;
        if (cursor.SeekFloor(new Key(rootId, ItemType.RootItem, ulong.MaxValue))
            && cursor.Key.ObjectId == rootId && cursor.Key.Type == ItemType.RootItem)
        {
            found = RootRecord.Read(cursor.Key, cursor.Data);
        }

        return _roots.GetOrAdd(rootId, found);
    }

    /// <summary>A tree that every file system has.</summary>
    /// <exception cref="CorruptMetadataException">It has not.</exception>
    public RootRecord GetRoot(ulong rootId) =>
        TryFindRoot(rootId) ?? throw new CorruptMetadataException($"corrupt metadata: the root tree has no item for tree {rootId}");

    /// <summary>
    /// Looks whether trees which were read meanwhile are still where they were, if the kernel has the file system mounted. A committed block is
    /// reused only after a commit that no longer needs it, so a root that is unmoved in the newest commit vouches for all that was read below it.
    /// </summary>
    /// <returns>The first that has moved: what was read of it may be mixed from several states. Null if none has.</returns>
    /// <exception cref="BtrfsException">The newest commit can't be read.</exception>
    public RootRecord? FindMoved(IReadOnlyCollection<RootRecord> roots)
    {
        for (int attempt = 1; _devices.IsMounted; attempt++)
        {
            try
            {
                using FsInfo now = Open(_devices.OpenAgain(), new FsOpenOptions { BlockCacheBytes = NodeSize });
                return roots.FirstOrDefault(root => now.TryFindRoot(root.Id)?.Tree != root.Tree);
            }
            catch (CorruptMetadataException) when (attempt < MaxAttempts)
            {
                // The kernel committed between the read of the superblock and of the blocks that it names.
            }
        }

        return null;
    }

    /// <summary>Whether the kernel has the file system mounted and has committed since this opening.</summary>
    /// <exception cref="IOException">A device can't be read any more.</exception>
    /// <exception cref="BtrfsException">A device has no valid superblock any more.</exception>
    public bool HasNewerCommit() => _devices.IsMounted && _devices.ReadCurrentGeneration() != _superblock.Generation;

    public void Dispose() => _devices.Dispose();
}
