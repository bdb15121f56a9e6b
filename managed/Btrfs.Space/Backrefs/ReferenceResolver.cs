using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Backrefs;

/// <summary>Turns (root, key) references into the blocks that hold the pointers, by searching in the root.</summary>
internal sealed class ReferenceResolver(FsInfo fs)
{
    private readonly Dictionary<ulong, TreeCursor?> _cursors = [];

    // Filled by one search after another.
    private readonly List<ExtentUse> _found = [];

    /// <summary>
    /// Finds the items of <paramref name="reference"/>'s root that use the extent for its inode and offset.
    /// Leaves that the root shares with another owner, or that have a reference of their own, are that reference's business.
    /// </summary>
    public ExtentUse[] FindUses(Reference reference, ulong bytenr, HashSet<ulong> sharedLeaves)
    {
        if (Cursor(reference.Root) is not { } cursor)
            return [];

        // An offset of a clone may have underflowed: such a reference can only be found by searching from the file's start.
        Key key = reference.SearchKey;
        cursor.Seek(key.Offset >= long.MaxValue ? key with { Offset = 0 } : key);

        _found.Clear();
        for (bool entering = true; cursor.IsValid && _found.Count < reference.Count;)
        {
            ExtentBuffer leaf = cursor.Leaf;
            if (entering || cursor.Slot == 0)
            {
                entering = false;
                if (leaf.Owner != reference.Root || sharedLeaves.Contains(leaf.Bytenr.Value))
                {
                    cursor.MoveToNextLeaf();
                    continue;
                }
            }

            if (cursor.Key.ObjectId != key.ObjectId || cursor.Key.Type != ItemType.ExtentData)
                break;

            if (TryReadUse(leaf, cursor.Slot, bytenr, out ExtentUse use) && key.Offset == unchecked(use.FileOffset - use.ExtentOffset))
                _found.Add(use);
            cursor.MoveNext();
        }

        return [.. _found];
    }

    /// <summary>Finds all items of one leaf that use the extent.</summary>
    public ExtentUse[] FindUsesInLeaf(ulong leafBytenr, ulong bytenr)
    {
        _found.Clear();
        ExtentBuffer leaf = ReadBlock(leafBytenr, 0);
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            if (leaf.Leaf.Key(slot).Type == ItemType.ExtentData && TryReadUse(leaf, slot, bytenr, out ExtentUse use))
                _found.Add(use);
        }

        return [.. _found];
    }

    /// <summary>Gives references that only name a root the key to search with: the first one of the block itself.</summary>
    public void AddMissingKeys(ulong bytenr, List<Reference> references)
    {
        ExtentBuffer? block = null;
        foreach (Reference reference in references)
        {
            if (reference.Parent != 0 || reference.Level == 0)
                continue;
            block ??= ReadBlock(bytenr, reference.Level - 1);
            if (block.Count == 0)
                throw new CorruptMetadataException(block.Owner, block.Bytenr, -1, "a referenced tree block is empty");
            reference.SearchKey = block.Level == 0 ? block.Leaf.Key(0) : block.Node.Key(0);
        }
    }

    /// <summary>Sets the parent of a tree-block reference; it stays 0 when the block is the root.</summary>
    public void ResolveBlock(Reference reference)
    {
        if (Cursor(reference.Root) is not { } cursor || cursor.Root.Level + 1 == reference.Level)
            return;

        cursor.Seek(reference.SearchKey);
        int level = Math.Min(reference.Level, cursor.Root.Level);
        reference.Parent = cursor.BlockAt(level)!.Bytenr.Value;
    }

    private static bool TryReadUse(ExtentBuffer leaf, int slot, ulong bytenr, out ExtentUse use)
    {
        use = default;
        ReadOnlySpan<byte> data = leaf.Leaf.Data(slot);

        // An inline extent ends before the members that are looked at here.
        if ((FileExtentType)data[FileExtentItem.InlineHeaderSize - 1] == FileExtentType.Inline)
            return false;

        ref readonly FileExtentItem extent = ref Overlay.At<FileExtentItem>(data);
        if (extent.DiskBytenr.Value != bytenr)
            return false;

        Key key = leaf.Leaf.Key(slot);
        bool isPlain = extent.Compression == CompressionType.None && extent.Encryption == 0 && extent.OtherEncoding.Value == 0;
        use = new ExtentUse(leaf.Bytenr.Value, key.ObjectId, key.Offset, extent.Offset, extent.NumBytes, isPlain);
        return true;
    }

    // Data extents are used by trees of files only, so every block on the way up belongs to one.
    private ExtentBuffer ReadBlock(ulong bytenr, int level) =>
        fs.Blocks.Read(new BlockPointer(new LogicalAddress(bytenr), Generation: 0, level, FirstKey: null), ObjectIds.FsTree);

    private TreeCursor? Cursor(ulong root)
    {
        if (!_cursors.TryGetValue(root, out TreeCursor? cursor))
        {
            cursor = fs.TryFindRoot(root) is { } record ? fs.OpenCursor(record.Tree) : null;
            _cursors.Add(root, cursor);
        }

        return cursor;
    }
}
