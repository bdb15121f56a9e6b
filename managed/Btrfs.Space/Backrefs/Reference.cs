using Btrfs.Format;

namespace Btrfs.Space.Backrefs;

/// <summary>One use of a data extent: which inode of which root holds it, where in the file, and for how many bytes.</summary>
public readonly record struct FileReference(ulong Inode, ulong FileOffset, ulong NumBytes, ulong Root);

/// <summary>Called for each use that a walk finds. Return false to end the walk.</summary>
public delegate bool FileReferenceVisitor(in FileReference reference);

/// <summary>A use as one leaf tells it: the leaf may hang in several roots.</summary>
internal readonly record struct LeafReference(ulong Inode, ulong FileOffset, ulong NumBytes)
{
    public FileReference In(ulong root) => new(Inode, FileOffset, NumBytes, root);
}

/// <summary>
/// A back reference on its way from the extent tree to the block that holds the pointer. It starts either direct (the parent block is known) or
/// indirect (a root and a key to search in it), and ends direct. <see cref="Parent"/> 0 on a resolved tree-block
/// reference means that the block is the root of <see cref="Root"/>.
/// </summary>
internal sealed class Reference
{
    public required int Level { get; init; }

    public required ulong Root { get; init; }

    public Key SearchKey { get; set; }

    public ulong Parent { get; set; }

    public uint Count { get; set; }

    /// <summary>The order in which references are followed: descending, so this compares the other way round.</summary>
    public static int CompareDescending(Reference left, Reference right)
    {
        int order = right.Level.CompareTo(left.Level);
        if (order == 0)
            order = right.Root.CompareTo(left.Root);
        if (order == 0)
            order = ((byte)right.SearchKey.Type).CompareTo((byte)left.SearchKey.Type);
        if (order == 0)
            order = right.SearchKey.ObjectId.CompareTo(left.SearchKey.ObjectId);
        if (order == 0)
            order = right.SearchKey.Offset.CompareTo(left.SearchKey.Offset);
        return order != 0 ? order : right.Parent.CompareTo(left.Parent);
    }

    /// <summary>Sorts, and makes one of references that are equal in everything but their count.</summary>
    public static void MergeDescending(List<Reference> references)
    {
        if (references.Count < 2)
            return;

        references.Sort(CompareDescending);
        int kept = 0;
        for (int i = 1; i < references.Count; i++)
        {
            if (CompareDescending(references[kept], references[i]) == 0)
                references[kept].Count += references[i].Count;
            else
                references[++kept] = references[i];
        }

        references.RemoveRange(kept + 1, references.Count - kept - 1);
    }
}
