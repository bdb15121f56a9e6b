using System.Runtime.CompilerServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>
/// Changes the files of one subvolume, by inode number. Each method is one part of a transaction, or several where it drops or shares many extents;
/// <see cref="FsWriter.Commit"/> makes it durable. What is refused has changed nothing. Any thread may call; writes to one and the same file are
/// the caller's to put in order.
/// </summary>
/// <exception cref="FileOperationException">Every method: the file system's state forbids it; the message says why.</exception>
/// <exception cref="InvalidRequestException">Every method: there is no such subvolume.</exception>
/// <exception cref="NoSpaceException">Every method: there is not enough room.</exception>
public sealed partial class SubvolumeWriter
{
    /// <summary>Items that a change of names touches: inode, back reference, two entries, the directory, and as many for what is replaced.</summary>
    internal const int ItemsOfNames = 12;

    /// <summary>Indexes are remembered for so many directories.</summary>
    private const int MaxRememberedDirectories = 4096;

    /// <summary>0 and 1 are "." and "..".</summary>
    private const ulong FirstIndex = 2;

    private readonly SubvolumeWriters _all;

    // Numbers that were given out and not committed, or deleted again, must not come back in the same transaction: guarded by the writer's lock.
    private readonly Dictionary<ulong, ulong> _nextIndex = [];
    private ulong _nextInode;
    private ulong _lastRemoved = ObjectIds.FirstFree;
    private int _attributesVersion;

    internal SubvolumeWriter(SubvolumeWriters all, ulong rootId)
    {
        _all = all;
        RootId = rootId;
    }

    public ulong RootId { get; }

    public FsWriter Writer => _all.Writer;

    /// <summary>The writer of another subvolume of the same file system.</summary>
    /// <exception cref="InvalidRequestException">The number is none of a subvolume.</exception>
    public SubvolumeWriter Sibling(ulong rootId) => _all.Get(rootId);

    internal DiskTime Now => _all.Now;

    internal WriteOptions Writing => _all.Writing;

    internal IBufferedInodes? Buffered => _all.Buffered;

    /// <summary>Counts changes of what says how files may be written, and how they are stored: who remembers that looks whether it still holds.</summary>
    internal int AttributesVersion => Volatile.Read(ref _attributesVersion);

    /// <summary>Makes an inode. It inherits compression, copy on write and access control lists as the kernel lets it.</summary>
    /// <param name="directory">An inode number.</param>
    /// <param name="name">Bytes without a slash.</param>
    /// <param name="what">Its type and the rest.</param>
    /// <returns>The number of the new inode.</returns>
    public ulong Create(ulong directory, ReadOnlySpan<byte> name, NewInode what)
    {
        using Transaction part = Begin(ItemsOfNames);
        Change change = new(part, this, checksLater: true);
        ulong inode = CreateOperation.Create(change, directory, name, what);
        Complete(change);
        return inode;
    }

    /// <summary>Gives an inode a further name.</summary>
    public void Link(ulong inode, ulong directory, ReadOnlySpan<byte> name) => Link(this, inode, directory, name);

    /// <summary>The same for an inode of whatever subvolume: it is refused if it is of another, and if nothing else is to be said against it.</summary>
    public void Link(SubvolumeWriter source, ulong inode, ulong directory, ReadOnlySpan<byte> name)
    {
        ArgumentNullException.ThrowIfNull(source);
        using Transaction part = Begin(ItemsOfNames);
        Change change = new(part, this, checksLater: true);
        Change from = source.RootId == RootId ? change : new Change(part, source, evenReadOnly: true);
        LinkOperations.Link(change, from, inode, directory, name);
        Complete(change);
    }

    /// <summary>Takes a name of a file away; with the last one the file goes.</summary>
    public void Unlink(ulong directory, ReadOnlySpan<byte> name)
    {
        ulong orphan;
        using (Transaction part = Begin(ItemsOfNames + InodeRemoval.ItemsAtOnce, ReservePolicy.Freeing))
        {
            Change change = new(part, this, checksLater: true);
            orphan = LinkOperations.Unlink(change, directory, name);
            Complete(change);
        }

        RemoveOrphan(orphan);
    }

    /// <summary>Deletes an empty directory.</summary>
    public void RemoveDirectory(ulong directory, ReadOnlySpan<byte> name)
    {
        using Transaction part = Begin(ItemsOfNames + InodeRemoval.ItemsAtOnce, ReservePolicy.Freeing);
        Change change = new(part, this, checksLater: true);
        LinkOperations.RemoveDirectory(change, directory, name);
        Complete(change);
    }

    /// <summary>Gives an inode or a subvolume another name in the same subvolume.</summary>
    public void Rename(ulong fromDirectory, ReadOnlySpan<byte> fromName, ulong toDirectory, ReadOnlySpan<byte> toName, RenameFlags flags = RenameFlags.None) =>
        Rename(fromDirectory, fromName, this, toDirectory, toName, flags);

    /// <summary>As the other; a subvolume, and nothing else, may go to another subvolume.</summary>
    public void Rename(
        ulong fromDirectory, ReadOnlySpan<byte> fromName, SubvolumeWriter target, ulong toDirectory, ReadOnlySpan<byte> toName, RenameFlags flags = RenameFlags.None)
    {
        ulong orphan;
        using (Transaction part = Begin(2 * ItemsOfNames + InodeRemoval.ItemsAtOnce))
        {
            Change from = new(part, this, checksLater: true);
            Change to = target.RootId == RootId ? from : new Change(part, target, checksLater: true);
            orphan = RenameOperation.Rename(from, fromDirectory, fromName, to, toDirectory, toName, flags);
            from.Finish();
            Complete(to);
        }

        target.RemoveOrphan(orphan);
    }

    /// <summary>Refuses what a rename would refuse of the old name, before it looks at the new one.</summary>
    public void RequireMovable(ulong directory, ReadOnlySpan<byte> name)
    {
        using Transaction part = Begin(0, ReservePolicy.Freeing);
        RenameOperation.RequireMovable(new Change(part, this, checksLater: true), directory, name);
    }

    /// <summary>Deletes what was half deleted when the file system was last closed.</summary>
    /// <returns>How many inodes there were.</returns>
    public int CleanOrphans()
    {
        int count = 0;
        for (ulong? orphan = NextOrphan(0); orphan is { } inode; orphan = NextOrphan(inode))
        {
            RemoveOrphan(inode);
            count++;
        }

        return count;
    }

    internal ulong TakeInodeNumber(Change change)
    {
        if (_nextInode == 0)
        {
            TreeCursor cursor = change.Tree.OpenCursor();
            bool found = cursor.SeekFloor(new Key(ObjectIds.LastFree, (ItemType)byte.MaxValue, ulong.MaxValue));
            _nextInode = Math.Max(found ? cursor.Key.ObjectId : 0, _lastRemoved) + 1;
        }

        return _nextInode < ObjectIds.LastFree
            ? _nextInode++
            : throw new FileOperationException(FileError.TooLarge, $"subvolume {RootId} has no inode numbers left");
    }

    /// <summary>The number of what is gone is given to nothing else: there may be handles of it, and the next fsync must not take the one for the other.</summary>
    internal void KeepNumber(ulong inode) => _lastRemoved = Math.Max(_lastRemoved, inode);

    internal ulong TakeDirectoryIndex(Change change, ulong directory)
    {
        if (!_nextIndex.TryGetValue(directory, out ulong next))
        {
            TreeCursor cursor = change.Tree.OpenCursor();
            bool found = cursor.SeekFloor(new Key(directory, ItemType.DirIndex, ulong.MaxValue))
                && cursor.Key.ObjectId == directory && cursor.Key.Type == ItemType.DirIndex;
            next = found ? cursor.Key.Offset + 1 : FirstIndex;
            if (_nextIndex.Count >= MaxRememberedDirectories)
                _nextIndex.Clear();
        }

        _nextIndex[directory] = next + 1;
        return next;
    }

    private static void Complete(Change change)
    {
        change.Finish();
        change.Part.Complete();
    }

    private Transaction Begin(int items, ReservePolicy policy = ReservePolicy.Normal, [CallerMemberName] string what = "") =>
        Writer.Begin(items, policy, what);

    internal void RemoveOrphan(ulong inode)
    {
        for (bool isGone = inode == 0; !isGone;)
        {
            using Transaction part = Begin(InodeRemoval.ExtentsPerStep, ReservePolicy.Freeing);
            Change change = new(part, this, evenReadOnly: true);
            isGone = InodeRemoval.Step(change, inode);
            Complete(change);
        }
    }

    private ulong? NextOrphan(ulong after)
    {
        using Transaction part = Begin(0, ReservePolicy.Freeing);
        return OrphanItems.Next(new Change(part, this, evenReadOnly: true).Tree.OpenCursor(), after);
    }
}
