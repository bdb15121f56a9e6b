namespace Btrfs.Format;

/// <summary>Inode items, and the keys that name an inode.</summary>
internal static class InodeCheck
{
    private const uint ModeMask = 0xFFFF;
    private const int VerityDescriptorSize = 25;

    private const InodeFlags KnownFlags = InodeFlags.NoDataSum | InodeFlags.NoDataCow | InodeFlags.ReadOnly | InodeFlags.NoCompress
        | InodeFlags.Prealloc | InodeFlags.Sync | InodeFlags.Immutable | InodeFlags.Append | InodeFlags.NoDump | InodeFlags.NoATime
        | InodeFlags.DirSync | InodeFlags.Compress | InodeFlags.RootItemInit;

    public static void VerifyInode(in LeafCursor item)
    {
        RequireInodeKey(in item, item.Key);
        item.RequireSize(InodeItem.Size);
        ref readonly InodeItem inode = ref item.Record<InodeItem>();
        item.RequireGeneration(inode.Generation, "inode generation");
        item.RequireGeneration(inode.TransId, "inode transid");

        uint mode = inode.Mode;
        if ((mode & ~ModeMask) != 0)
            throw item.Corrupt($"unknown mode bits 0x{mode & ~ModeMask:x}");
        if (!IsKnownFileType(mode))
            throw item.Corrupt($"invalid mode, have 0{Convert.ToString(mode, 8)} expect a file type");
        if (InodeMode.IsDirectory(mode) && inode.NLink > 1)
            throw item.Corrupt($"invalid nlink of a directory, have {inode.NLink} expect at most 1");

        // Only the low half: flags of the high half that are not known here forbid to write, not to read.
        InodeFlags unknown = (InodeFlags)(uint)inode.Flags.Value & ~KnownFlags;
        if (unknown != 0)
            throw item.Corrupt($"unknown inode flags 0x{(ulong)unknown:x}");
    }

    public static void RequireInodeKey(in LeafCursor item, Key key)
    {
        bool known = key.ObjectId is >= ObjectIds.FirstFree and <= ObjectIds.LastFree or ObjectIds.RootTreeDir or ObjectIds.FreeIno;
        if (!known)
            throw item.Corrupt($"invalid inode number, have {key.ObjectId} expect {ObjectIds.FirstFree} to {ObjectIds.LastFree}");
        if (key.Offset != 0)
            throw item.Corrupt($"invalid offset of an inode key, have {key.Offset} expect 0");
    }

    /// <summary>
    /// In a tree of files an item of an inode never follows another inode's: the inode item would stand between them. A log tree
    /// is sparse and owes no such thing.
    /// </summary>
    public static void RequireSameInode(in LeafCursor item)
    {
        if (item.HasPrevious && item.PreviousKey.ObjectId != item.Key.ObjectId && ObjectIds.IsFileTree(item.Header.Owner))
            throw item.Corrupt($"invalid previous key objectid, have {item.PreviousKey.ObjectId} expect {item.Key.ObjectId}");
    }

    /// <summary>The descriptor's head stands at offset 0, its bytes behind in items of any size.</summary>
    public static void VerifyVerityDescriptor(in LeafCursor item)
    {
        if (item.Key.Offset == 0)
            item.RequireSize(VerityDescriptorSize);
    }

    private static bool IsKnownFileType(uint mode) => (mode & InodeMode.TypeMask) is InodeMode.Fifo or InodeMode.CharacterDevice
        or InodeMode.Directory or InodeMode.BlockDevice or InodeMode.Regular or InodeMode.SymbolicLink or InodeMode.Socket;
}
