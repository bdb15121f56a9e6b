using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Subvolumes;

/// <summary>The two items in the root tree that tell where a subvolume hangs.</summary>
internal static class SubvolumeLinks
{
    public static void Add(Transaction part, ulong parent, ulong child, ulong directory, ulong index, ReadOnlySpan<byte> name)
    {
        Span<byte> link = stackalloc byte[RootRef.Size + FormatLimits.MaxNameLength];
        link = link[..(RootRef.Size + name.Length)];
        MemoryMarshal.Write(link, new RootRef { DirId = directory, Sequence = index, NameLength = (ushort)name.Length });
        name.CopyTo(link[RootRef.Size..]);
        Tree roots = part.GetTree(ObjectIds.RootTree);
        roots.Insert(BackrefKey(parent, child), link);
        roots.Insert(RefKey(parent, child), link);
    }

    /// <summary>Takes both away.</summary>
    /// <returns>The index of the entry in its directory.</returns>
    /// <exception cref="CorruptMetadataException">One is missing.</exception>
    public static ulong Remove(Transaction part, ulong parent, ulong child)
    {
        Tree roots = part.GetTree(ObjectIds.RootTree);
        if (!roots.TryGet(BackrefKey(parent, child), out ReadOnlySpan<byte> link))
            throw new CorruptMetadataException($"corrupt metadata: subvolume {child} has no back reference to {parent}");
        ulong index = MemoryMarshal.AsRef<RootRef>(link).Sequence;
        roots.Delete(BackrefKey(parent, child));
        if (!roots.TryDelete(RefKey(parent, child)))
            throw new CorruptMetadataException($"corrupt metadata: subvolume {parent} has no reference to {child}");
        return index;
    }

    /// <summary>Whether other subvolumes hang in one.</summary>
    public static bool HasChildren(Transaction part, ulong parent)
    {
        TreeCursor cursor = part.GetTree(ObjectIds.RootTree).OpenCursor();
        cursor.Seek(RefKey(parent, 0));
        return cursor.IsValid && cursor.Key.ObjectId == parent && cursor.Key.Type == ItemType.RootRef;
    }

    private static Key RefKey(ulong parent, ulong child) => new(parent, ItemType.RootRef, child);

    private static Key BackrefKey(ulong parent, ulong child) => new(child, ItemType.RootBackref, parent);
}
