
namespace Btrfs.Format;

/// <summary>Directory entries and extended attributes, which share one record.</summary>
internal static class DirItemCheck
{
    public static void Verify(in LeafCursor item)
    {
        InodeCheck.RequireSameInode(in item);
        ReadOnlySpan<byte> rest = item.Data;
        do
        {
            NameCheck.RequireRoom(in item, rest, DirItem.Size);
            ref readonly DirItem entry = ref Overlay.At<DirItem>(rest);
            VerifyType(in item, in entry);
            VerifyLocation(in item, entry.Location);

            int total = DirItem.Size + entry.NameLength + entry.DataLength;
            NameCheck.RequireRoom(in item, rest, total);
            VerifyName(in item, rest.Slice(DirItem.Size, entry.NameLength));
            rest = rest[total..];
        }
        while (!rest.IsEmpty);
    }

    private static void VerifyType(in LeafCursor item, in DirItem entry)
    {
        DirEntryType type = entry.Type & ~DirEntryType.Encrypted;
        if (type is DirEntryType.Unknown or > DirEntryType.Xattr)
            throw item.Corrupt($"invalid dir item type, have {(byte)entry.Type} expect 1 to {(byte)DirEntryType.Xattr}");

        bool isXattr = item.Key.Type == ItemType.XattrItem;
        if (isXattr != (type == DirEntryType.Xattr))
            throw item.Corrupt($"invalid dir item type for key {item.Key}, have {(byte)type}");
        if (!isXattr && entry.DataLength != 0)
            throw item.Corrupt($"invalid data length of a directory entry, have {entry.DataLength} expect 0");
    }

    private static void VerifyLocation(in LeafCursor item, Key location)
    {
        if (item.Key.Type == ItemType.XattrItem)
        {
            if (location != default)
                throw item.Corrupt($"invalid location of an xattr, have {location} expect (0 0 0)");
        }
        else if (location.Type == ItemType.InodeItem)
        {
            InodeCheck.RequireInodeKey(in item, location);
        }
        else if (location.Type != ItemType.RootItem || !ObjectIds.IsFileTree(location.ObjectId))
        {
            throw item.Corrupt($"invalid location of a directory entry, have {location} expect an inode or a subvolume");
        }
    }

    private static void VerifyName(in LeafCursor item, ReadOnlySpan<byte> name)
    {
        if (item.Key.Type == ItemType.XattrItem)
            NameCheck.VerifyLength(in item, name.Length);
        else
            NameCheck.VerifyEntryName(in item, name);

        // A DirIndex is keyed by sequence, the other two by what the name hashes to.
        if (item.Key.Type == ItemType.DirIndex)
            return;

        uint hash = NameHash.OfName(name);
        if (item.Key.Offset != hash)
            throw item.Corrupt($"name hash mismatch with key, have 0x{hash:x} expect 0x{item.Key.Offset:x}");
    }
}
