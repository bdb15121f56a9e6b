using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Subvolumes;

/// <summary>
/// The tree that finds subvolumes by their UUID, and by the one they were received with. Where a file system has no such tree nothing is kept:
/// the kernel makes it anew when it mounts.
/// </summary>
internal static class UuidIndex
{
    public static void Add(Transaction part, Uuid uuid, ItemType type, ulong subvolume)
    {
        if (uuid.IsZero || part.TryGetRoot(ObjectIds.UuidTree)?.Tree is not { } tree)
            return;

        Key key = uuid.ToKey(type);
        int size = 0;
        if (tree.TryGet(key, out ReadOnlySpan<byte> ids))
        {
            if (IndexOf(ids, subvolume) >= 0)
                return;
            size = ids.Length;
        }

        Span<byte> item = size == 0 ? tree.Insert(key, sizeof(ulong)) : tree.Resize(key, size + sizeof(ulong));
        MemoryMarshal.Write(item[size..], (Le64)subvolume);
    }

    public static void Remove(Transaction part, Uuid uuid, ItemType type, ulong subvolume)
    {
        if (uuid.IsZero || part.TryGetRoot(ObjectIds.UuidTree)?.Tree is not { } tree)
            return;

        Key key = uuid.ToKey(type);
        if (!tree.TryGet(key, out ReadOnlySpan<byte> ids) || IndexOf(ids, subvolume) is not (>= 0 and int index))
            return;
        if (ids.Length == sizeof(ulong))
        {
            tree.Delete(key);
            return;
        }

        Span<byte> item = tree.Edit(key);
        int at = index * sizeof(ulong);
        item[(at + sizeof(ulong))..].CopyTo(item[at..]);
        tree.Resize(key, item.Length - sizeof(ulong));
    }

    private static int IndexOf(ReadOnlySpan<byte> ids, ulong subvolume)
    {
        ReadOnlySpan<Le64> list = MemoryMarshal.Cast<byte, Le64>(ids);
        for (int index = 0; index < list.Length; index++)
        {
            if (list[index].Value == subvolume)
                return index;
        }

        return -1;
    }
}
