using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Inode.Changes;

/// <summary>Items that hold several records back to back, because their keys are hashes that collide, or name a directory with several links.</summary>
internal static class ItemList
{
    /// <summary>Whether an item of a size can take more bytes: up to what a leaf of its own holds, which is the kernel's limit too.</summary>
    public static bool CanGrow(Tree tree, int size, int more) => size + more <= tree.MaxItemSize;

    /// <summary>Adds a record at the end of an item, which is made where there is none.</summary>
    public static void Append(Tree tree, Key key, ReadOnlySpan<byte> record)
    {
        if (!tree.TryGet(key, out ReadOnlySpan<byte> item))
        {
            tree.Insert(key, record);
            return;
        }

        int size = item.Length;
        record.CopyTo(tree.Resize(key, size + record.Length)[size..]);
    }

    /// <summary>Cuts a record out of an item; with the last one the item goes.</summary>
    public static void Remove(Tree tree, Key key, Range range)
    {
        Span<byte> item = tree.Edit(key);
        (int start, int length) = range.GetOffsetAndLength(item.Length);
        if (length == item.Length)
        {
            tree.Delete(key);
            return;
        }

        item[(start + length)..].CopyTo(item[start..]);
        tree.Resize(key, item.Length - length);
    }

    /// <summary>Where a directory entry or xattr lies in its item.</summary>
    public static bool TryFindEntry(ReadOnlySpan<byte> item, ReadOnlySpan<byte> name, out Range range)
    {
        int start = 0;
        foreach (DirEntry entry in new DirEntryEnumerator(item))
        {
            int end = start + DirItem.Size + entry.Name.Length + entry.Data.Length;
            range = start..end;
            if (entry.Name.SequenceEqual(name))
                return true;
            start = end;
        }

        range = default;
        return false;
    }
}
