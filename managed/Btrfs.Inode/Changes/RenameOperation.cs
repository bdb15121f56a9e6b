using Btrfs.Format;
using Btrfs.Inode.Subvolumes;

namespace Btrfs.Inode.Changes;

/// <summary>What renameat2 can be told.</summary>
public enum RenameFlags
{
    /// <summary>What has the new name is replaced.</summary>
    None,

    /// <summary>Nothing may have the new name.</summary>
    NoReplace,

    /// <summary>The two change places.</summary>
    Exchange,
}

/// <summary>Gives inodes and subvolumes another place.</summary>
internal static class RenameOperation
{
    /// <summary>A way up that is longer goes in a circle, for all that paths allow.</summary>
    private const int MaxDepth = 1 << 20;

    /// <summary>One end of a rename.</summary>
    private ref struct Place(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        public readonly Change Change = change;
        public readonly ulong Directory = directory;
        public readonly ReadOnlySpan<byte> Name = name;
        public InodeItem Parent;
        public EntryTarget Target;
        public ulong Index;

        public readonly ulong Inode => Target.Location.ObjectId;

        public readonly bool IsDirectory => Target.Type == DirEntryType.Directory;
    }

    /// <summary>Renames within a subvolume, or a subvolume from one to another.</summary>
    /// <returns>An inode that lost its last name and is marked as an orphan; else 0.</returns>
    public static ulong Rename(
        Change from, ulong fromDirectory, ReadOnlySpan<byte> fromName, Change to, ulong toDirectory, ReadOnlySpan<byte> toName, RenameFlags flags)
    {
        Place old = new(from, fromDirectory, fromName);
        Place target = new(to, toDirectory, toName);
        old.Parent = from.GetDirectory(fromDirectory);
        target.Parent = to.GetDirectory(toDirectory);
        old.Target = NameEditor.Lookup(from, fromDirectory, fromName);
        NameEditor.RequireValid(to, toDirectory, toName);
        bool exists = NameEditor.TryLookup(to, toDirectory, toName, out target.Target);
        if (flags == RenameFlags.NoReplace && exists)
            throw to.Refuse(FileError.Exists, toDirectory, toName, "exists");
        if (flags == RenameFlags.Exchange && !exists)
            throw to.Refuse(FileError.NotFound, toDirectory, toName, "no such file or directory");
        RequireNotBelow(ref old, ref target, FileError.Invalid);
        if (exists && !IsStub(target))
            RequireNotBelow(ref target, ref old, flags == RenameFlags.Exchange ? FileError.Invalid : FileError.NotEmpty);
        // Whoever renames a thing to itself changes nothing, not even what is read-only.
        if (exists && from.RootId == to.RootId && old.Target == target.Target)
            return 0;

        RequireMovable(ref old);
        if (exists)
            RequireMovable(ref target);
        else
            to.RequireChangeable(toDirectory, target.Parent);
        if (exists && flags != RenameFlags.Exchange)
            RequireSameKind(old, target);
        RequireWritableParent(old, target);
        if (exists && flags == RenameFlags.Exchange)
            RequireWritableParent(target, old);
        // A subvolume may take the place of an empty directory of another one: only an exchange would bring what is none across.
        if (from.RootId != to.RootId && (!old.Target.IsSubvolume || (flags == RenameFlags.Exchange && !target.Target.IsSubvolume)))
            throw to.Refuse(FileError.CrossSubvolume, toDirectory, toName, "lies in another subvolume");
        RequireThere(old);
        if (flags == RenameFlags.Exchange)
        {
            RequireThere(target);
            RequireRoomForRef(old, target);
            RequireRoomForRef(target, old);
            Exchange(ref old, ref target);
            return 0;
        }

        if (exists)
            return Replace(ref old, ref target);
        NameEditor.RequireFree(to, toDirectory, toName);
        RequireRoomForRef(old, target);
        Move(ref old, ref target);
        return 0;
    }

    /// <summary>Whether something may leave its place, wherever it is to go.</summary>
    public static void RequireMovable(Change change, ulong directory, ReadOnlySpan<byte> name)
    {
        Place place = new(change, directory, name)
        {
            Parent = change.GetDirectory(directory),
            Target = NameEditor.Lookup(change, directory, name),
        };
        RequireMovable(ref place);
    }

    private static ulong Replace(ref Place old, ref Place target)
    {
        Change change = target.Change;
        ulong orphan = 0;
        if (target.Target.IsSubvolume)
        {
            // What stands for a subvolume that is elsewhere is an empty directory, no more.
            RequireRoomForRef(old, target);
            LinkOperations.RemoveStub(change, target.Directory, ref target.Parent, target.Name, target.Target);
        }
        else
        {
            InodeItem replaced = change.GetInode(target.Inode);
            if (old.IsDirectory)
                LinkOperations.RequireEmptyDirectory(change, target.Directory, target.Name, target.Inode, replaced);
            RequireRoomForRef(old, target);
            orphan = LinkOperations.RemoveName(change, target.Directory, ref target.Parent, target.Name, target.Inode, ref replaced);
        }

        if (IsSameDirectory(old, target))
            old.Parent = target.Parent;
        Move(ref old, ref target);
        return orphan;
    }

    private static void Move(ref Place old, ref Place target)
    {
        target.Target = old.Target;
        TakeOut(ref old);
        if (IsSameDirectory(old, target))
            target.Parent = old.Parent;
        PutIn(ref target);
        if (!IsSameDirectory(old, target))
            old.Change.PutDirectory(old.Directory, ref old.Parent);
        target.Change.PutDirectory(target.Directory, ref target.Parent);
        Stamp(target.Change, target.Target);
    }

    private static void Exchange(ref Place old, ref Place target)
    {
        (EntryTarget first, EntryTarget second) = (old.Target, target.Target);
        TakeOut(ref old);
        if (IsSameDirectory(old, target))
            target.Parent = old.Parent;
        TakeOut(ref target);
        target.Target = first;
        PutIn(ref target);
        if (IsSameDirectory(old, target))
            old.Parent = target.Parent;
        old.Target = second;
        PutIn(ref old);
        if (!IsSameDirectory(old, target))
            target.Change.PutDirectory(target.Directory, ref target.Parent);
        old.Change.PutDirectory(old.Directory, ref old.Parent);
        Stamp(target.Change, first);
        Stamp(old.Change, second);
    }

    private static void TakeOut(ref Place place)
    {
        Change change = place.Change;

        // All that lies below has another path now, and is not in the log: it would be lost to who looks for it there.
        if (place.Target.IsSubvolume || (place.IsDirectory && change.GetInode(place.Inode).Generation.Value != change.Generation))
            change.Part.ForbidLog();
        ulong index = place.Target.IsSubvolume
            ? SubvolumeLinks.Remove(change.Part, change.RootId, place.Inode)
            : NameEditor.RemoveRef(change, place.Inode, place.Directory, place.Name);
        NameEditor.RemoveEntry(change, place.Directory, place.Name, index);
        place.Parent.FileSize = place.Parent.FileSize - NameEditor.SizeOf(place.Name);
    }

    private static void PutIn(ref Place place)
    {
        Change change = place.Change;
        place.Index = change.NextIndex(place.Directory);
        if (place.Target.IsSubvolume)
            SubvolumeLinks.Add(change.Part, change.RootId, place.Inode, place.Directory, place.Index, place.Name);
        else
            NameEditor.InsertRef(change, place.Inode, place.Directory, place.Name, place.Index);
        NameEditor.InsertEntry(change, place.Directory, place.Name, place.Index, place.Target);
        place.Parent.FileSize = place.Parent.FileSize + NameEditor.SizeOf(place.Name);
    }

    // The top directory of a subvolume is another subvolume's business, and stays as it is.
    private static void Stamp(Change change, in EntryTarget target)
    {
        if (target.IsSubvolume)
            return;
        ulong inode = target.Location.ObjectId;
        InodeItem item = change.GetInode(inode);
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
    }

    private static bool IsSameDirectory(in Place left, in Place right) =>
        left.Change.RootId == right.Change.RootId && left.Directory == right.Directory;

    private static void RequireMovable(ref Place place)
    {
        LinkOperations.RequireShrinkable(place.Change, place.Directory, place.Parent);
        if (!place.Target.IsSubvolume)
            place.Change.RequireMovable(place.Inode, place.Change.GetInode(place.Inode));
    }

    private static bool IsStub(in Place place) =>
        place.Target.IsSubvolume && !LinkOperations.HangsHere(place.Change, place.Directory, place.Name, place.Target);

    private static void RequireThere(in Place place)
    {
        if (IsStub(place))
            throw place.Change.Refuse(FileError.Invalid, place.Directory, place.Name, "stands for a subvolume that is not there");
    }

    // As for the kernel, an inode has its new name before it loses the old one, and both must fit.
    private static void RequireRoomForRef(in Place moved, in Place into)
    {
        if (!moved.Target.IsSubvolume)
            NameEditor.RequireRoomForRef(into.Change, moved.Inode, into.Directory, into.Name);
    }

    private static void RequireSameKind(in Place old, in Place target)
    {
        if (target.IsDirectory && !old.IsDirectory)
            throw target.Change.Refuse(FileError.IsDirectory, target.Directory, target.Name, "is a directory");
        if (!target.IsDirectory && old.IsDirectory)
            throw target.Change.Refuse(FileError.NotDirectory, target.Directory, target.Name, "not a directory");
    }

    // A directory that changes its parent changes its "..", although btrfs stores none: a read-only subvolume keeps its directory.
    private static void RequireWritableParent(in Place moved, in Place into)
    {
        if (moved.Target.IsSubvolume && !IsSameDirectory(moved, into) && moved.Change.Part.GetRoot(moved.Inode).IsReadOnly)
            throw moved.Change.Refuse(FileError.ReadOnlySubvolume, moved.Directory, moved.Name, "is a read-only subvolume and can't go to another directory");
    }

    // Up from one place: the directory at the other must not be on the way to the top.
    private static void RequireNotBelow(ref Place moved, ref Place into, FileError error)
    {
        if (!moved.IsDirectory)
            return;

        ulong root = into.Change.RootId;
        ulong directory = into.Directory;
        Location? at = new Location(into.Change.OpenReader(), directory);
        for (int depth = 0; at is { } here; depth++)
        {
            if (depth > MaxDepth)
                throw new CorruptMetadataException($"corrupt metadata: root={root} directory={directory} lies inside itself");
            bool isMoved = moved.Target.IsSubvolume
                ? here.Subvolume.Id == moved.Inode
                : here.Subvolume.Id == moved.Change.RootId && here.Inode == moved.Inode;
            if (isMoved)
                throw into.Change.Refuse(error, directory, into.Name, $"lies below what is moved or replaced, in subvolume {root}");
            at = Ancestry.Above(into.Change.Part.Running, here);
        }
    }
}
