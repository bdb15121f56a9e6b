using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Space.Refs;

/// <summary>
/// Who holds an extent, as a back reference names it: a tree (root), one block of shared trees (parent), a file's use (root, inode, offset), or the uses through
/// one shared leaf (parent).
/// </summary>
internal readonly record struct ReferenceKey
{
    private ReferenceKey(ItemType type, ulong owner, ulong inode, ulong offset)
    {
        Type = type;
        Owner = owner;
        Inode = inode;
        Offset = offset;
    }

    public ItemType Type { get; }

    /// <summary>The root, or for shared references the parent block.</summary>
    public ulong Owner { get; }

    public ulong Inode { get; }

    public ulong Offset { get; }

    public bool IsData => Type is ItemType.ExtentDataRef or ItemType.SharedDataRef;

    /// <summary>Offset of a keyed reference's key, and what inline references of one type are in falling order of.</summary>
    public ulong Order => Type == ItemType.ExtentDataRef ? NameHash.OfExtentDataRef(Owner, Inode, Offset) : Owner;

    public static ReferenceKey OfTree(ulong root) => new(ItemType.TreeBlockRef, root, 0, 0);

    public static ReferenceKey OfParentBlock(ulong parent) => new(ItemType.SharedBlockRef, parent, 0, 0);

    public static ReferenceKey OfFile(DataReference use) => new(ItemType.ExtentDataRef, use.RootId, use.Inode, use.Offset);

    public static ReferenceKey OfSharedLeaf(ulong parent) => new(ItemType.SharedDataRef, parent, 0, 0);

    public override string ToString() => Type switch
    {
        ItemType.ExtentDataRef => $"of root {Owner} inode {Inode} offset {(long)Offset}",
        ItemType.TreeBlockRef => $"of root {Owner}",
        _ => $"of block {Owner}",
    };
}
