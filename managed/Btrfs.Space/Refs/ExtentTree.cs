using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Refs;

/// <summary>What the extent tree and the delayed references together say of an extent.</summary>
internal readonly record struct ExtentInfo(ulong References, ExtentFlags Flags)
{
    public bool IsFullBackref => (Flags & ExtentFlags.FullBackref) != 0;
}

/// <summary>Finds extents in the running extent tree.</summary>
internal sealed class ExtentTree(Tree tree, DelayedReferences delayed, bool isSkinny)
{
    public Tree Tree { get; } = tree;

    public bool IsSkinny { get; } = isSkinny;

    /// <summary>Bytes that inline references may make an item grow to: a sixteenth of a leaf, less the extent item itself.</summary>
    public int MaxItemSize => (Tree.NodeSize - BlockHeader.Size) / 16 - ExtentItem.Size;

    /// <summary>The key under which an extent lies, or would lie.</summary>
    /// <param name="bytenr">Its address.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="level">Of a tree block; -1 for data.</param>
    public Key KeyOf(ulong bytenr, ulong bytes, int level) => level >= 0 && IsSkinny
        ? new Key(bytenr, ItemType.MetadataItem, (ulong)level)
        : new Key(bytenr, ItemType.ExtentItem, bytes);

    /// <summary>The extent's item. A tree block may lie under the old kind of key although new ones take the new kind.</summary>
    /// <exception cref="CorruptMetadataException">There is none.</exception>
    public ReadOnlySpan<byte> Find(ulong bytenr, ulong bytes, int level, out Key key)
    {
        key = KeyOf(bytenr, bytes, level);
        if (Tree.TryGet(key, out ReadOnlySpan<byte> item))
            return item;

        key = new Key(bytenr, ItemType.ExtentItem, bytes);
        return level >= 0 && Tree.TryGet(key, out item)
            ? item
            : throw new CorruptMetadataException($"corrupt metadata: the extent tree has no item for {(level < 0 ? "data" : "block")} {bytenr} of {bytes} bytes");
    }

    /// <summary>How often an extent is referenced, changes that still wait included.</summary>
    /// <exception cref="CorruptMetadataException">Nothing knows the extent.</exception>
    public ExtentInfo Lookup(ulong bytenr, ulong bytes, int level)
    {
        DelayedExtent? waiting = delayed.TryFind(bytenr);
        if (waiting is { IsNew: true })
            return new ExtentInfo((ulong)waiting.Sum, level < 0 ? ExtentFlags.Data : ExtentFlags.TreeBlock | Added(waiting));

        ref readonly ExtentItem item = ref MemoryMarshal.AsRef<ExtentItem>(Find(bytenr, bytes, level, out _));
        return waiting is null
            ? new ExtentInfo(item.Refs, item.Flags)
            : new ExtentInfo(item.Refs + (ulong)waiting.Sum, item.Flags | Added(waiting));
    }

    private static ExtentFlags Added(DelayedExtent waiting) => waiting.SetsFullBackref ? ExtentFlags.FullBackref : 0;
}
