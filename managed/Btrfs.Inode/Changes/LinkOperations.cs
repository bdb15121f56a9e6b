using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>Gives inodes further names and takes names away.</summary>
internal static class LinkOperations
{
    /// <param name="change">Of the subvolume that gets the name.</param>
    /// <param name="source">Of the one that has the inode: any other is refused, but not before all else.</param>
    /// <param name="inode">Anything but a directory.</param>
    /// <param name="directory">Where the name is to be.</param>
    /// <param name="name">The name.</param>
    public static void Link(Change change, Change source, ulong inode, ulong directory, ReadOnlySpan<byte> name)
    {
        InodeItem item = source.GetInode(inode);
        InodeItem parent = change.GetDirectory(directory);
        NameEditor.RequireFree(change, directory, name);
        change.RequireChangeable(directory, parent);
        source.RequireMovable(inode, item);
        if (InodeMode.IsDirectory(item.Mode))
            throw source.Refuse(FileError.NotPermitted, inode, "a directory can't have a second name");
        if (item.NLink.Value == 0)
            throw source.Refuse(FileError.NotFound, inode, "deleted");
        if (source.RootId != change.RootId)
            throw change.Refuse(FileError.CrossSubvolume, directory, name, $"can't lead to an inode of subvolume {source.RootId}");
        if (item.NLink.Value >= NameEditor.MaxLinks)
            throw change.Refuse(FileError.TooManyLinks, inode, $"has {item.NLink} links already");
        NameEditor.RequireRoomForRef(change, inode, directory, name);

        ulong index = change.NextIndex(directory);
        NameEditor.InsertEntry(change, directory, name, index, EntryTarget.OfInode(inode, item.Mode));
        NameEditor.InsertRef(change, inode, directory, name, index);
        item.NLink = item.NLink + 1;
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
        parent.FileSize = parent.FileSize + NameEditor.SizeOf(name);
        change.PutDirectory(directory, ref parent);
    }

    /// <summary>Takes a name of a file away.</summary>
    /// <returns>The inode, if that was its last name and it has more than this part should delete; 0 if nothing remains to be done.</returns>
    public static ulong Unlink(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        InodeItem parent = change.GetDirectory(directory);
        EntryTarget target = NameEditor.Lookup(change, directory, name);
        RequireShrinkable(change, directory, parent);
        if (target.IsSubvolume)
            throw change.Refuse(FileError.IsDirectory, directory, name, "is a directory");
        InodeItem item = change.GetInode(target.Location.ObjectId);
        change.RequireMovable(target.Location.ObjectId, item);
        if (InodeMode.IsDirectory(item.Mode))
            throw change.Refuse(FileError.IsDirectory, directory, name, "is a directory");
        return RemoveName(change, directory, ref parent, name, target.Location.ObjectId, ref item);
    }

    /// <summary>Deletes an empty directory, or the stub that a nested subvolume leaves in a snapshot.</summary>
    public static void RemoveDirectory(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        InodeItem parent = change.GetDirectory(directory);
        EntryTarget target = NameEditor.Lookup(change, directory, name);
        RequireShrinkable(change, directory, parent);
        if (target.IsSubvolume)
        {
            RemoveStub(change, directory, ref parent, name, target);
            return;
        }

        ulong inode = target.Location.ObjectId;
        InodeItem item = change.GetInode(inode);
        change.RequireMovable(inode, item);
        RequireEmptyDirectory(change, directory, name, inode, item);
        RemoveName(change, directory, ref parent, name, inode, ref item);
    }

    /// <summary>Whether names may go from a directory.</summary>
    public static void RequireShrinkable(Change change, ulong directory, in InodeItem parent)
    {
        change.RequireChangeable(directory, parent);
        change.RequireNotAppendOnly(directory, parent);
    }

    public static void RequireEmptyDirectory(Change change, ulong directory, ReadOnlySpan<byte> name, ulong inode, in InodeItem item)
    {
        if (!InodeMode.IsDirectory(item.Mode))
            throw change.Refuse(FileError.NotDirectory, directory, name, "not a directory");
        if (item.FileSize.Value != 0 || !NameEditor.IsEmpty(change, inode))
            throw change.Refuse(FileError.NotEmpty, directory, name, "directory not empty");
    }

    /// <summary>Takes one name away, and with the last one the inode, if it is small.</summary>
    /// <returns>The inode if nobody has it open and it is left for <see cref="InodeRemoval"/> to delete in steps, marked as an orphan; else 0.</returns>
    public static ulong RemoveName(
        Change change, ulong directory, ref InodeItem parent, ReadOnlySpan<byte> name, ulong inode, ref InodeItem item)
    {
        bool isLast = item.NLink.Value <= 1;
        bool isOpen = isLast && change.KeepsUnlinked(inode);
        bool isSmall = isLast && !isOpen && InodeRemoval.IsSmall(change, inode);
        ulong index = isSmall ? NameEditor.IndexOf(change, inode, directory, name) : NameEditor.RemoveRef(change, inode, directory, name);
        NameEditor.RemoveEntry(change, directory, name, index);
        parent.FileSize = parent.FileSize - NameEditor.SizeOf(name);
        change.PutDirectory(directory, ref parent);
        if (isSmall)
        {
            InodeRemoval.RemoveWhole(change, inode);
            change.NoteRemoved(inode);
            return 0;
        }

        item.NLink = isLast ? 0 : item.NLink - 1;
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
        if (!isLast)
            return 0;
        OrphanItems.Add(change.Tree, inode);

        // Who has it open deletes it in the end.
        if (isOpen)
            return 0;
        change.NoteRemoved(inode);
        return inode;
    }

    /// <summary>Takes a stub away: a snapshot shows the subvolumes of its source as empty directories, which nothing in the root tree leads back to.</summary>
    /// <exception cref="FileOperationException">It is none, but the subvolume's own place.</exception>
    public static void RemoveStub(Change change, ulong directory, ref InodeItem parent, ReadOnlySpan<byte> name, in EntryTarget target)
    {
        if (HangsHere(change, directory, name, target))
            throw change.Refuse(FileError.NotEmpty, directory, name, "is a subvolume, which has its own way to be deleted");
        NameEditor.RemoveEntry(change, directory, name, NameEditor.FindIndex(change, directory, name));
        parent.FileSize = parent.FileSize - NameEditor.SizeOf(name);
        change.PutDirectory(directory, ref parent);
    }

    /// <summary>Whether an entry is the place of its subvolume, and no stub.</summary>
    public static bool HangsHere(Change change, ulong directory, ReadOnlySpan<byte> name, in EntryTarget target)
    {
        SubvolumeInfo? subvolume = new SubvolumeTable(change.Part.Running).TryGet(target.Location.ObjectId);
        return subvolume is { Root.IsDead: false }
            && subvolume.ParentId == change.RootId && subvolume.Directory == directory && subvolume.Name.SequenceEqual(name);
    }
}
