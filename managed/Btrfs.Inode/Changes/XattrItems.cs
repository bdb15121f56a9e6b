using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Changes;

/// <summary>The items that hold extended attributes: one for each hash of a name.</summary>
internal static class XattrItems
{
    public static byte[]? TryGet(Change change, ulong inode, ReadOnlySpan<byte> name) =>
        change.Tree.TryGet(KeyOf(inode, name), out ReadOnlySpan<byte> item) && DirEntryEnumerator.TryFind(item, name, out DirEntry entry)
            ? entry.Data.ToArray()
            : null;

    /// <exception cref="FileOperationException">Name and value don't fit.</exception>
    public static void RequireRoom(Change change, ulong inode, ReadOnlySpan<byte> name, int valueLength)
    {
        int size = DirItem.Size + name.Length + valueLength;
        if (size > change.Tree.MaxItemSize)
            throw change.Refuse(FileError.TooLarge, inode, $"an xattr of {name.Length + valueLength} bytes is too large, at most {change.Tree.MaxItemSize - DirItem.Size} fit");
        if (!change.Tree.TryGet(KeyOf(inode, name), out ReadOnlySpan<byte> item))
            return;

        int others = ItemList.TryFindEntry(item, name, out Range range) ? item.Length - range.GetOffsetAndLength(item.Length).Length : item.Length;
        if (others > 0 && !ItemList.CanGrow(change.Tree, others, size))
            throw change.Refuse(FileError.TooLarge, inode, "too many xattr names with one hash");
    }

    /// <summary>Adds an attribute, or replaces its value.</summary>
    public static void Set(Change change, ulong inode, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Key key = KeyOf(inode, name);
        Remove(change, inode, name);
        byte[] record = new byte[DirItem.Size + name.Length + value.Length];
        DirItem head = new()
        {
            TransId = change.Generation,
            DataLength = (ushort)value.Length,
            NameLength = (ushort)name.Length,
            Type = DirEntryType.Xattr,
        };
        MemoryMarshal.Write(record, head);
        name.CopyTo(record.AsSpan(DirItem.Size));
        value.CopyTo(record.AsSpan(DirItem.Size + name.Length));
        ItemList.Append(change.Tree, key, record);
        change.Notes.Of(inode).AreXattrsChanged = true;
    }

    public static bool Remove(Change change, ulong inode, ReadOnlySpan<byte> name)
    {
        Key key = KeyOf(inode, name);
        if (!change.Tree.TryGet(key, out ReadOnlySpan<byte> item) || !ItemList.TryFindEntry(item, name, out Range range))
            return false;
        ItemList.Remove(change.Tree, key, range);
        change.Notes.Of(inode).AreXattrsChanged = true;
        return true;
    }

    private static Key KeyOf(ulong inode, ReadOnlySpan<byte> name) => new(inode, ItemType.XattrItem, NameHash.OfName(name));
}
