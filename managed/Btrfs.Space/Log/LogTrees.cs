using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Space.Log;

/// <summary>
/// The log of the running transaction: what was fsynced since the last commit, so that a commit of everything need not follow each fsync.
/// <para>
/// For each subvolume there is a tree of copies of items; a tree above lists those, and the superblock of the last commit leads to that one. The commit's
/// own trees are untouched. Whoever opens the file system after a power cut brings the last commit to what the log says (Btrfs.Inode/Replay). The log
/// carries the running transaction's number, one above the superblock's: of a commit that came in between it could never be taken for a part.
/// </para>
/// <para>
/// A log grows with each fsync and ends with the commit, whose superblock doesn't name it. Its blocks are free after that (<see cref="LogBlocks"/>).
/// Data that only the log tells of is not lost before: an extent that was made and given up in one transaction is pinned up to the commit.
/// </para>
/// <para>
/// As with the kernel, a log goes to the first superblock alone at once. But a power cut may tear that one, and all that was fsynced before would be lost with it; so
/// the other copies follow one write behind: what the first copy has held, durably, goes to them before it is written over.
/// </para>
/// </summary>
internal sealed class LogTrees
{
    /// <summary>A log beyond this costs more to write and to replay than a commit.</summary>
    private const long MaxBytes = 16 << 20;

    /// <summary>One fsync that writes more than so many blocks is better a commit.</summary>
    private const int MaxFreshBlocks = 256;

    private readonly SpaceState _state;
    private readonly LogBlocks _blocks;
    private readonly Dictionary<ulong, SubvolumeLog> _logs = [];
    private Tree? _list;

    // What the first superblock leads to since the last write of the log.
    private Superblock _written;
    private bool _isWritten;

    // How many copies were taken, and how many of these the disk has.
    private long _copied;
    private long _copiedAtWrite;

    public LogTrees(SpaceState state)
    {
        _state = state;
        _blocks = new LogBlocks(state.Allocator, state.Groups, state.TreeBlocks, state.MetadataType, state.Committed.NodeSize);
    }

    /// <summary>Up to the next commit. See <see cref="Transaction.ForbidLog"/>.</summary>
    public bool IsForbidden { get; set; }

    /// <summary>
    /// Whether a log can tell what has changed in a tree. Not so where the last commit doesn't know the tree, or a chunk that blocks or data may lie in, or a
    /// feature that items may use: whoever replays has nothing but that commit. A device that missed writes, or is missing, is left behind by a commit only: it would have
    /// the same commit with another log.
    /// </summary>
    public bool CanLog(RootState root) =>
        CanWrite
        && _state.Superblock.Incompat == _state.Committed.Superblock.Incompat
        && _state.Superblock.CompatRo == _state.Committed.Superblock.CompatRo
        && _blocks.Bytes < MaxBytes
        && _state.Committed.TryFindRoot(root.Id)?.Key == root.Key;

    /// <summary>Whether what was copied can still go to the disk: blocks of the log, too, need a chunk that the last commit knows.</summary>
    public bool CanWrite => !IsForbidden && !_state.Volume.HasMissedWrites && _state.Chunks.Pending.Count == 0;

    /// <summary>Everything that was copied so far.</summary>
    public LogTicket Last => new(_state.Generation, _copied);

    /// <summary>Notes that something was copied, and is whole.</summary>
    public LogTicket NoteCopied()
    {
        _copied++;
        return Last;
    }

    /// <summary>Whether the disk has all that was copied up to then.</summary>
    public bool IsWritten(LogTicket ticket) => ticket.Copied <= _copiedAtWrite;

    /// <summary>The log of a subvolume, made if there is none.</summary>
    /// <exception cref="NoSpaceException">There is no room for it.</exception>
    public SubvolumeLog Of(ulong subvolumeId)
    {
        if (!_logs.TryGetValue(subvolumeId, out SubvolumeLog? log))
            _logs.Add(subvolumeId, log = new SubvolumeLog(NewTree(), _state.Roots.Get(ObjectIds.CsumTree).Tree, _state.Committed));
        return log;
    }

    /// <summary>Makes durable what the logs hold, and all data that was written before.</summary>
    /// <exception cref="IOException">A device failed: it is not known which log is the last.</exception>
    /// <exception cref="NoSpaceException">There was no room, or it would be too much: the log on the disk is the one before.</exception>
    public void Write()
    {
        _list ??= NewTree();
        foreach ((ulong subvolumeId, SubvolumeLog log) in _logs)
            List(subvolumeId, log);
        if (_blocks.FreshCount > MaxFreshBlocks)
            throw new NoSpaceException($"the log would take {_blocks.FreshCount} blocks at once, more than {MaxFreshBlocks}");

        WriteBlocks();
        WriteSecondCopies();
        _state.Volume.Flush();
        if (_state.Volume.HasMissedWrites)
            throw new IOException("a device has missed writes, and only a commit tells of that");

        Superblock super = _state.Committed.Superblock;
        super.LogRoot = _list.Root.Bytenr.Value;
        super.LogRootLevel = (byte)_list.Root.Level;
        _state.Committed.Devices.WriteFirstSuperblocks(super, _state.Chunks.ItemOf);
        _written = super;
        _isWritten = true;
        _copiedAtWrite = _copied;
        _blocks.NoteWritten();
    }

    /// <summary>A commit begins: no more is logged. What there is stays whole on the disk until the commit is durable.</summary>
    public void End()
    {
        _blocks.PinAll(_state.Pinned);
        _logs.Clear();
        _list = null;
    }

    /// <summary>
    /// Brings the other copies of the superblock to what the first one has of the log. To be done before the flush that comes before the first one is written.
    /// </summary>
    public void WriteSecondCopies()
    {
        if (_isWritten)
            _state.Committed.Devices.WriteSuperblockMirrors(_written, _state.Chunks.ItemOf);
    }

    /// <summary>The commit is durable.</summary>
    public void NoteCommit()
    {
        _isWritten = false;
        _copiedAtWrite = _copied;
        IsForbidden = false;
    }

    private Tree NewTree()
    {
        Tree empty = new(new TreeRoot(ObjectIds.TreeLog, default, 0, 0), _blocks, _blocks, _state.Committed.NodeSize);
        ExtentBuffer leaf = _blocks.Allocate(empty, level: 0, near: default);
        return new Tree(new TreeRoot(ObjectIds.TreeLog, leaf.Bytenr, leaf.Generation, 0), _blocks, _blocks, _state.Committed.NodeSize);
    }

    private void List(ulong subvolumeId, SubvolumeLog log)
    {
        TreeRoot root = log.Tree.Root;
        if (log.ListedAt == root.Bytenr)
            return;

        RootItem item = new() { Generation = root.Generation, GenerationV2 = root.Generation, Bytenr = root.Bytenr.Value, Level = (byte)root.Level };
        _list!.Set(new Key(ObjectIds.TreeLog, ItemType.RootItem, subvolumeId), MemoryMarshal.AsBytes(new ReadOnlySpan<RootItem>(ref item)));
        log.ListedAt = root.Bytenr;
    }

    private void WriteBlocks()
    {
        IChecksum checksum = Checksums.For(_state.Superblock.CsumType);
        BlockContext context = BlockContext.FromSuperblock(_state.Superblock) with { Generation = _state.Generation };
        ExtentBuffer[] blocks = _blocks.SortedFresh();
        BlockWrite[] writes = new BlockWrite[blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            writes[i] = new BlockWrite(blocks[i].Bytenr, blocks[i].Seal(checksum));
            BlockCheck.Verify(blocks[i].Bytes, context);
        }

        _state.Volume.WriteSorted(writes);
    }
}
