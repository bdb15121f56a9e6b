using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>Makes an inode and its first name.</summary>
internal static class CreateOperation
{
    /// <summary>The longest path that Linux takes, without its null.</summary>
    private const int MaxTargetLength = 4095;

    public static ulong Create(Change change, ulong directory, ReadOnlySpan<byte> name, NewInode what)
    {
        InodeItem parent = change.GetDirectory(directory);
        NameEditor.RequireFree(change, directory, name);
        change.RequireChangeable(directory, parent);
        RequireSensible(change, directory, name, what);

        ulong inode = change.NextInode();
        ulong index = change.NextIndex(directory);
        InodeItem item = NewItem(change, what, parent);
        CreationAcl acl = CreationAcl.Of(change, directory, ref item);
        byte[]? property = Inherit(change, directory, parent, ref item);
        if (InodeMode.IsSymbolicLink(item.Mode))
            item.FileSize = item.NBytes = (ulong)what.Target.Length;

        Insert(change, inode, item);
        NameEditor.InsertRef(change, inode, directory, name, index);
        acl.Store(change, inode);
        if (property is not null)
            XattrItems.Set(change, inode, Properties.CompressionName, property);
        if (InodeMode.IsSymbolicLink(item.Mode))
            FileExtents.InsertInline(change, inode, what.Target.Span, (ulong)what.Target.Length, CompressionType.None);

        NameEditor.InsertEntry(change, directory, name, index, EntryTarget.OfInode(inode, item.Mode));
        parent.FileSize = parent.FileSize + NameEditor.SizeOf(name);
        change.PutDirectory(directory, ref parent);
        return inode;
    }

    /// <summary>Makes the top directory of a new, empty subvolume: it hangs from itself.</summary>
    /// <param name="change">On the new subvolume.</param>
    /// <param name="what">A directory.</param>
    /// <param name="above">The subvolume that holds the new one, and the directory in it.</param>
    /// <param name="directory">The directory that shows it.</param>
    public static void CreateTop(Change change, NewInode what, Change above, ulong directory)
    {
        InodeItem parent = above.GetDirectory(directory);
        InodeItem item = NewItem(change, what, parent);

        // Of the directory's access control list the mode alone is inherited: the top has none.
        CreationAcl.Of(above, directory, ref item);

        // Flags come from nowhere, and the property from the top of the subvolume above, wherever the new one is shown.
        byte[]? property = Properties.InheritedBy(above, ObjectIds.FirstFree, item.Mode);
        if (property is not null)
            Properties.Apply(property, ref item);

        Insert(change, ObjectIds.FirstFree, item);
        NameEditor.InsertRef(change, ObjectIds.FirstFree, ObjectIds.FirstFree, ".."u8, 0);
        if (property is not null)
            XattrItems.Set(change, ObjectIds.FirstFree, Properties.CompressionName, property);
    }

    private static void Insert(Change change, ulong inode, in InodeItem item)
    {
        MemoryMarshal.Write(change.Tree.Insert(new Key(inode, ItemType.InodeItem, 0), InodeItem.Size), item);
        change.Notes.Of(inode).IsChanged = true;
    }

    private static InodeItem NewItem(Change change, NewInode what, in InodeItem parent)
    {
        uint mode = InodeMode.IsSymbolicLink(what.Mode) ? InodeMode.SymbolicLink | PosixMode.AllPermissions : what.Mode;
        uint gid = what.Gid;
        if ((parent.Mode & PosixMode.SetGroupId) != 0)
        {
            gid = parent.Gid;
            if (InodeMode.IsDirectory(mode))
                mode |= PosixMode.SetGroupId;
        }

        DiskTime time = what.Time ?? change.Now;
        return new InodeItem
        {
            Generation = change.Generation,
            TransId = change.Generation,
            NLink = 1,
            Uid = what.Uid,
            Gid = gid,
            Mode = mode,
            RDev = what.IsDeviceNode ? what.RDev : 0,
            ATime = time,
            CTime = time,
            MTime = time,
            OTime = time,
        };
    }

    // Flags pass on to everything; the compression property only to what can hold data, or pass it on in its turn.
    private static byte[]? Inherit(Change change, ulong directory, in InodeItem parent, ref InodeItem item)
    {
        InheritFlags((InodeFlags)parent.Flags.Value, ref item);
        if (Change.Has(item, InodeFlags.NoDataCow))
            return null;
        byte[]? property = Properties.InheritedBy(change, directory, item.Mode);
        if (property is not null)
            Properties.Apply(property, ref item);
        return property;
    }

    public static void InheritFlags(InodeFlags parent, ref InodeItem item)
    {
        InodeFlags flags = (InodeFlags)item.Flags.Value | (parent & (InodeFlags.NoCompress | InodeFlags.Compress | InodeFlags.NoDataCow));
        if ((flags & InodeFlags.NoCompress) != 0)
            flags &= ~InodeFlags.Compress;
        if ((flags & InodeFlags.NoDataCow) != 0 && InodeMode.IsRegular(item.Mode))
            flags |= InodeFlags.NoDataSum;
        item.Flags = (ulong)flags;
    }

    public static void RequireSensible(Change change, ulong directory, ReadOnlySpan<byte> name, NewInode what)
    {
        uint type = what.Mode & InodeMode.TypeMask;
        bool known = type is InodeMode.Fifo or InodeMode.CharacterDevice or InodeMode.Directory or InodeMode.BlockDevice
            or InodeMode.Regular or InodeMode.SymbolicLink or InodeMode.Socket;
        if (!known || (what.Mode & ~(InodeMode.TypeMask | PosixMode.All)) != 0)
            throw change.Refuse(FileError.Invalid, directory, name, $"invalid mode 0{Convert.ToString(what.Mode, 8)}");
        if (type != InodeMode.SymbolicLink)
            return;

        ReadOnlySpan<byte> target = what.Target.Span;
        int limit = Math.Min(MaxTargetLength, change.Tree.MaxItemSize - FileExtentItem.InlineHeaderSize);
        if (target.IsEmpty || target.Contains((byte)0))
            throw change.Refuse(FileError.Invalid, directory, name, "the target of a symbolic link is empty or has a null byte");
        if (target.Length > limit)
            throw change.Refuse(FileError.NameTooLong, directory, name, $"the target of a symbolic link has {target.Length} bytes, at most {limit} fit");
    }
}
