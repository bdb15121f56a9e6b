using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Transactions;

/// <summary>
/// A writer's part in the running transaction: it holds the file system's writer lock from <see cref="FsWriter.Begin"/> to <see cref="Dispose"/>.
/// Whoever changes something calls <see cref="Complete"/> when the change is whole. Without that, once the first block has changed, Dispose aborts:
/// the file system latches read-only and the disk keeps the last commit. What throws before the first change (a name that exists) costs nothing.
/// </summary>
public sealed class Transaction : IDisposable
{
    internal Transaction(FsWriter writer) => Writer = writer;

    public FsWriter Writer { get; }

    /// <summary>The number that this transaction's blocks and items carry: transid.</summary>
    public ulong Generation => throw new InvariantException("pending");

    /// <summary>The state so far, for all the reading classes (Subvolume, PathLookup, FileReader, ...): valid until the next change.</summary>
    public FsInfo Running => throw new InvariantException("pending");

    /// <summary>A tree by id, to be changed: subvolumes, and RootTree, CsumTree, UuidTree, QuotaTree, ...</summary>
    /// <exception cref="CorruptMetadataException">There is none.</exception>
    public Tree GetTree(ulong rootId) => GetRoot(rootId).Tree;

    /// <summary>A tree and its root item, to be changed.</summary>
    /// <exception cref="CorruptMetadataException">There is none.</exception>
    public RootState GetRoot(ulong rootId) => TryGetRoot(rootId) ?? throw new CorruptMetadataException($"no root {rootId}");

    public RootState? TryGetRoot(ulong rootId) => throw new InvariantException("pending");

    /// <summary>Says that a root item was changed in place, so that the commit writes it.</summary>
    public void NoteRootChanged(RootState root) => throw new InvariantException("pending");

    /// <summary>Makes a tree with one empty leaf, and its root item in the root tree (whose bytenr, level and generation are filled in).</summary>
    public RootState CreateRoot(Key key, in RootItem item) => throw new InvariantException("pending");

    /// <summary>
    /// Makes a tree that shares everything with <paramref name="source"/> as that is now: its root block copied, references added, and
    /// the source's last-snapshot number set.
    /// </summary>
    /// <param name="source">A tree of files.</param>
    /// <param name="key">Of the new root item: its offset is the transaction's number.</param>
    /// <param name="item">The new root item, but for bytenr, level, generation and last snapshot.</param>
    public RootState SnapshotRoot(RootState source, Key key, in RootItem item) => throw new InvariantException("pending");

    /// <summary>Takes the root item of a tree out of the root tree whose blocks have all been dropped.</summary>
    public void RemoveRoot(RootState root) => throw new InvariantException("pending");

    /// <summary>
    /// Drops a part of a dead tree's blocks and of its references to data, and notes in the root item how far it came (drop_progress), so that it can go
    /// on after a crash. True when the whole tree is gone; the root item is then still there.
    /// </summary>
    /// <param name="root">A root with no references left.</param>
    /// <param name="maxBlocks">How much to do at most.</param>
    public bool DropTree(RootState root, int maxBlocks) => throw new InvariantException("pending");

    /// <summary>Room for file data, in one piece: as much of <paramref name="wantedBytes"/> as there is, at least <paramref name="leastBytes"/>.</summary>
    /// <param name="wantedBytes">A multiple of the sector size, up to 128 MiB.</param>
    /// <param name="leastBytes">The same; equal to wanted where it must be one piece (a compressed extent).</param>
    /// <exception cref="NoSpaceException">There is no such piece.</exception>
    public DataExtent AllocateData(ulong wantedBytes, ulong leastBytes) => throw new InvariantException("pending");

    /// <summary>Gives back what <see cref="AllocateData"/> gave and nobody has come to use.</summary>
    public void ReturnData(DataExtent extent) => throw new InvariantException("pending");

    /// <summary>Enters an allocated extent in the extent tree, with its first use. To be called once the data is on its way to the disk.</summary>
    public void AddExtent(DataExtent extent, DataReference use) => throw new InvariantException("pending");

    /// <summary>One more use of an extent that the extent tree has.</summary>
    /// <param name="start">DiskBytenr of the file extent.</param>
    /// <param name="bytes">DiskNumBytes of the file extent: the whole extent.</param>
    /// <param name="use">The use.</param>
    public void AddReference(LogicalAddress start, ulong bytes, DataReference use) => throw new InvariantException("pending");

    /// <summary>One use less. With the last, the extent and its checksums go; the space is free after the commit.</summary>
    public void DropReference(LogicalAddress start, ulong bytes, DataReference use) => throw new InvariantException("pending");

    /// <summary>Enters the checksums of newly written sectors, back to back, in the csum tree.</summary>
    public void InsertChecksums(LogicalAddress start, ReadOnlySpan<byte> sums) => throw new InvariantException("pending");

    /// <summary>Says in the superblock that the file system uses features, from the next commit on.</summary>
    public void SetFeature(IncompatFlags features) => throw new InvariantException("pending");

    /// <summary>Whether any block has changed in this part.</summary>
    public bool HasChanged => throw new InvariantException("pending");

    /// <summary>The change is whole.</summary>
    public void Complete() => throw new InvariantException("pending");

    public void Dispose() => throw new InvariantException("pending");
}
