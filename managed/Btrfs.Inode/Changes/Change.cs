using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Log;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>
/// One subvolume within one part of a transaction: what every verb works on. It lives as long as the part and doesn't end it.
/// </summary>
internal sealed class Change
{
    private readonly SubvolumeWriter _subvolume;

    // Whether the subvolume may be changed although it is read-only, and whether it turned out that it may be changed at all.
    private readonly bool _evenReadOnly;
    private bool _isAdmitted;

    /// <param name="part">What it belongs to.</param>
    /// <param name="subvolume">What it changes.</param>
    /// <param name="evenReadOnly">Whether that doesn't matter.</param>
    /// <param name="checksLater">
    /// The verb says <see cref="RequireWritable"/> itself, before it changes anything: of two reasons to refuse, the one is told that the kernel would come upon first.
    /// </param>
    /// <exception cref="InvalidRequestException">There is no such subvolume, or it is deleted.</exception>
    /// <exception cref="FileOperationException">The subvolume is read-only.</exception>
    public Change(Transaction part, SubvolumeWriter subvolume, bool evenReadOnly = false, bool checksLater = false)
    {
        _subvolume = subvolume;
        _evenReadOnly = evenReadOnly;
        Part = part;
        Root = part.TryGetRoot(subvolume.RootId) is { IsDead: false } root
            ? root
            : throw new InvalidRequestException($"there is no subvolume {subvolume.RootId}");
        if (!checksLater)
            RequireWritable();
        Tree = Root.Tree;
        Now = subvolume.Now;
        Notes.Begin(part.Generation);
    }

    /// <exception cref="FileOperationException">The subvolume is read-only.</exception>
    public void RequireWritable()
    {
        if (Root.IsReadOnly && !_evenReadOnly)
            throw new FileOperationException(FileError.ReadOnlySubvolume, $"subvolume {RootId} is read-only");
        _isAdmitted = true;
    }

    /// <summary>Whether names may come to a directory, or go from it.</summary>
    public void RequireChangeable(ulong directory, in InodeItem item)
    {
        RequireNotImmutable(directory, item);
        RequireWritable();
    }

    public Transaction Part { get; }

    public RootState Root { get; }

    public Tree Tree { get; }

    /// <summary>To be told of every change of an item, for the next fsync.</summary>
    public LogNotes Notes => _subvolume.Notes;

    public ulong RootId => Root.Id;

    /// <summary>Out of what space for data is taken first; null where nothing was promised.</summary>
    public SpacePromise? Promise { get; init; }

    /// <summary>The one moment at which all of the change takes place.</summary>
    public DiskTime Now { get; }

    /// <summary>How data is stored where the inode does not say.</summary>
    public WriteOptions Writing => _subvolume.Writing;

    public ulong Generation => Part.Generation;

    /// <summary>The committed file system: its features and sizes, which no change of ours alters.</summary>
    public FsInfo Fs => Part.Writer.Committed;

    public int SectorSize => Fs.SectorSize;

    public bool HasFeature(IncompatFlags feature) => (Fs.Superblock.Incompat & feature) != 0;

    /// <summary>Whether holes go without items.</summary>
    public bool NoHoles => HasFeature(IncompatFlags.NoHoles);

    /// <summary>The running state for readers; until the next change.</summary>
    public Subvolume OpenReader() => new(Part.Running, new RootRecord(Root.Key, RunningItem()));

    public ulong AlignUp(ulong value) => (value + (ulong)SectorSize - 1) & ~((ulong)SectorSize - 1);

    public ulong AlignDown(ulong value) => value & ~((ulong)SectorSize - 1);

    /// <summary>
    /// Whether the part ran out of room for data, between two steps each of which was whole: what was done before stands. (Running out of room for
    /// metadata comes in the middle of something.)
    /// </summary>
    public bool IsCutShort { get; private set; }

    /// <summary>Room for file data.</summary>
    /// <exception cref="NoSpaceException">There is none; nothing changes by that.</exception>
    public DataExtent AllocateData(ulong wantedBytes, ulong leastBytes)
    {
        try
        {
            return Part.AllocateData(wantedBytes, leastBytes, Promise);
        }
        catch (NoSpaceException)
        {
            IsCutShort = Part.HasChanged;
            throw;
        }
    }

    public ulong NextInode() => _subvolume.TakeInodeNumber(this);

    public ulong NextIndex(ulong directory) => _subvolume.TakeDirectoryIndex(this, directory);

    public bool TryGetInode(ulong inode, out InodeItem item)
    {
        bool found = Tree.TryGet(new Key(inode, ItemType.InodeItem, 0), out ReadOnlySpan<byte> data);
        item = found ? MemoryMarshal.Read<InodeItem>(data) : default;
        if (found)
            _subvolume.Buffered?.Overlay(RootId, inode, ref item);
        return found;
    }

    /// <exception cref="FileOperationException">There is no such inode.</exception>
    public InodeItem GetInode(ulong inode) =>
        TryGetInode(inode, out InodeItem item) ? item : throw Refuse(FileError.NotFound, inode, "there is no such inode");

    /// <exception cref="FileOperationException">There is no such inode, or it is no directory.</exception>
    public InodeItem GetDirectory(ulong directory)
    {
        InodeItem item = GetInode(directory);
        return InodeMode.IsDirectory(item.Mode) ? item : throw Refuse(FileError.NotDirectory, directory, "not a directory");
    }

    /// <exception cref="FileOperationException">There is no such inode, it is no regular file, or it may not be changed.</exception>
    public InodeItem GetWritableFile(ulong inode)
    {
        InodeItem item = GetInode(inode);
        if (InodeMode.IsDirectory(item.Mode))
            throw Refuse(FileError.IsDirectory, inode, "is a directory");
        if (!InodeMode.IsRegular(item.Mode))
            throw Refuse(FileError.Invalid, inode, "not a regular file");
        RequireNotImmutable(inode, item);
        RequireWritable();
        return Has(item, InodeFlags.ReadOnlyVerity) ? throw Refuse(FileError.NotPermitted, inode, "verified by its hashes, and never written again") : item;
    }

    public void RequireNotImmutable(ulong inode, in InodeItem item)
    {
        if (Has(item, InodeFlags.Immutable))
            throw Refuse(FileError.NotPermitted, inode, "immutable");
    }

    public void RequireNotAppendOnly(ulong inode, in InodeItem item)
    {
        if (Has(item, InodeFlags.Append))
            throw Refuse(FileError.NotPermitted, inode, "append-only");
    }

    /// <summary>Whether the inode, or one entry of a directory, may go away or change place.</summary>
    public void RequireMovable(ulong inode, in InodeItem item)
    {
        RequireNotImmutable(inode, item);
        RequireNotAppendOnly(inode, item);
    }

    public static bool Has(in InodeItem item, InodeFlags flags) => ((InodeFlags)item.Flags.Value & flags) != 0;

    /// <summary>Says in the superblock that the file system uses a feature.</summary>
    public void RequireFeature(IncompatFlags feature)
    {
        if (feature != IncompatFlags.None)
            Part.EnableFeature(feature);
    }

    /// <summary>Writes an inode item back, stamped with the transaction.</summary>
    public void PutInode(ulong inode, ref InodeItem item)
    {
        item.TransId = Generation;
        item.Sequence = item.Sequence + 1;
        MemoryMarshal.Write(Tree.Edit(new Key(inode, ItemType.InodeItem, 0)), item);
        Notes.Of(inode).IsChanged = true;
        _subvolume.Buffered?.Stored(RootId, inode);
    }

    /// <summary>The size of a file, as those see it who write it.</summary>
    public ulong SizeOf(ulong inode, in InodeItem item) => _subvolume.Buffered?.SizeOf(RootId, inode) ?? item.FileSize;

    /// <inheritdoc cref="IBufferedInodes.KeepsUnlinked"/>
    public bool KeepsUnlinked(ulong inode) => _subvolume.Buffered?.KeepsUnlinked(RootId, inode) ?? false;

    /// <inheritdoc cref="IBufferedInodes.Removed"/>
    public void NoteRemoved(ulong inode)
    {
        _subvolume.KeepNumber(inode);
        _subvolume.Buffered?.Removed(RootId, inode);
    }

    /// <summary>Writes a directory back whose entries have changed.</summary>
    public void PutDirectory(ulong directory, ref InodeItem item)
    {
        item.MTime = Now;
        item.CTime = Now;
        PutInode(directory, ref item);
    }

    /// <summary>Keeps what was done to a file before there was no more room for its data.</summary>
    public void KeepCutShort(ulong inode, ref InodeItem item)
    {
        PutInode(inode, ref item);
        Finish();
        Part.Complete();
    }

    /// <summary>To be called when the change is whole: the root item tells of it.</summary>
    public void Finish()
    {
        if (!Part.HasChanged)
            return;
        Invariant.That(_isAdmitted);
        Root.Item.CTransId = Generation;
        Root.Item.CTime = Now;
        Part.NoteRootChanged(Root);
    }

    public FileOperationException Refuse(FileError error, ulong inode, string what) => FileOperationException.OfInode(error, RootId, inode, what);

    public FileOperationException Refuse(FileError error, ulong directory, ReadOnlySpan<byte> name, string what) =>
        FileOperationException.OfName(error, RootId, directory, name, what);

    // The root item lags behind its tree until the commit.
    private RootItem RunningItem()
    {
        RootItem item = Root.Item;
        TreeRoot root = Tree.Root;
        item.Bytenr = root.Bytenr.Value;
        item.Generation = root.Generation;
        item.GenerationV2 = root.Generation;
        item.Level = (byte)root.Level;
        return item;
    }
}
