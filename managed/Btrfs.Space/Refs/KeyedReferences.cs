using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Refs;

/// <summary>References that found no place in their extent's item and have items of their own behind it.</summary>
internal sealed class KeyedReferences(Tree tree)
{
    /// <summary>Hashes that are equal are rare, and so many of them at once don't come by chance.</summary>
    private const ulong FarthestFromHash = 4096;

    /// <summary>Whether an extent has any.</summary>
    public bool Any(ulong bytenr)
    {
        TreeCursor cursor = tree.OpenCursor();
        cursor.Seek(new Key(bytenr, ItemType.MetadataItem + 1, 0));
        return cursor.IsValid && cursor.Key.ObjectId == bytenr && cursor.Key.Type < ItemType.BlockGroupItem;
    }

    /// <summary>Adds to the count of a reference, which is made if it isn't there.</summary>
    public void Add(ulong bytenr, in ReferenceKey reference, uint count)
    {
        if (!reference.IsData)
            tree.Insert(KeyOf(bytenr, reference), 0);
        else if (TryFind(bytenr, reference, out Key key))
            CountOf(tree.Edit(key), reference) += count;
        else
            Insert(bytenr, reference, count);
    }

    /// <summary>Takes from the count of a reference, which goes when nothing is left.</summary>
    /// <exception cref="CorruptMetadataException">It isn't there, or has less.</exception>
    public void Drop(ulong bytenr, in ReferenceKey reference, uint count)
    {
        if (!reference.IsData)
        {
            if (count != 1 || !tree.TryDelete(KeyOf(bytenr, reference)))
                throw Missing(bytenr, reference, count);
            return;
        }

        if (!TryFind(bytenr, reference, out Key key))
            throw Missing(bytenr, reference, count);

        ref Le32 held = ref CountOf(tree.Edit(key), reference);
        if (held < count)
            throw Missing(bytenr, reference, count);

        held -= count;
        if (held == 0)
            tree.Delete(key);
    }

    public static CorruptMetadataException Missing(ulong bytenr, in ReferenceKey reference, uint count) =>
        new($"corrupt metadata: extent {bytenr} has no {count} back reference(s) {reference} to drop");

    private static Key KeyOf(ulong bytenr, in ReferenceKey reference) => new(bytenr, reference.Type, reference.Order);

    // Uses of files are keyed by a hash. One that finds its number taken gets the next that is free, and keeps it when the one before goes: so it is looked for beyond gaps.
    private bool TryFind(ulong bytenr, in ReferenceKey reference, out Key key)
    {
        key = KeyOf(bytenr, reference);
        bool isTaken = tree.TryGet(key, out ReadOnlySpan<byte> data);
        if (reference.Type == ItemType.SharedDataRef || (isTaken && IsOf(data, reference)))
            return isTaken;

        ulong hash = key.Offset;
        TreeCursor cursor = tree.OpenCursor();
        for (cursor.Seek(key); cursor.IsValid; cursor.MoveNext())
        {
            key = cursor.Key;
            if (key.ObjectId != bytenr || key.Type != reference.Type || key.Offset - hash > FarthestFromHash)
                return false;
            if (IsOf(cursor.Data, reference))
                return true;
        }

        return false;
    }

    private static bool IsOf(ReadOnlySpan<byte> data, in ReferenceKey reference)
    {
        ref readonly ExtentDataRef use = ref MemoryMarshal.AsRef<ExtentDataRef>(data);
        return use.Root == reference.Owner && use.ObjectId == reference.Inode && use.Offset == reference.Offset;
    }

    private void Insert(ulong bytenr, in ReferenceKey reference, uint count)
    {
        Key key = KeyOf(bytenr, reference);
        if (reference.Type == ItemType.SharedDataRef)
        {
            MemoryMarshal.Write(tree.Insert(key, SharedDataRef.Size), new SharedDataRef { Count = count });
            return;
        }

        while (tree.TryGet(key, out _))
            key = key with { Offset = key.Offset + 1 };
        MemoryMarshal.Write(
            tree.Insert(key, ExtentDataRef.Size),
            new ExtentDataRef { Root = reference.Owner, ObjectId = reference.Inode, Offset = reference.Offset, Count = count });
    }

    private static ref Le32 CountOf(Span<byte> data, in ReferenceKey reference) =>
        ref reference.Type == ItemType.SharedDataRef
            ? ref MemoryMarshal.AsRef<SharedDataRef>(data).Count
            : ref MemoryMarshal.AsRef<ExtentDataRef>(data).Count;
}
