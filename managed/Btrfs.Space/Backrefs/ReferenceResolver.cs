using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Backrefs;

/// <summary>Turns (root, key) references into the blocks that hold the pointers, by searching in the root.</summary>
internal sealed class ReferenceResolver(FsInfo fs)
{
    private readonly Dictionary<ulong, TreeCursor?> _cursors = [];

    /// <summary>Told of each use as it is found, with the leaf that holds it. Return false to end the walk.</summary>
    public delegate bool UseFound(ulong leaf, LeafReference use);

    /// <summary>
    /// Finds the leaves of <paramref name="reference"/>'s root that use the extent for its inode and offset, and appends a direct reference for each.
    /// Leaves that the root shares with another owner, or that have a reference of their own, are that reference's business.
    /// </summary>
    public bool ResolveData(Reference reference, in ExtentQuery query, HashSet<ulong> sharedLeaves, List<Reference> direct, UseFound useFound)
    {
        if (Cursor(reference.Root) is not { } cursor)
            return true;

        // An offset of a clone may have underflowed: such a reference can only be found by searching from the file's start.
        Key key = reference.SearchKey;
        cursor.Seek(key.Offset >= long.MaxValue ? key with { Offset = 0 } : key);

        int firstNew = direct.Count;
        uint count = 0;
        for (bool entering = true; cursor.IsValid && count < reference.Count;)
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

            if (TryMatch(cursor, reference, query, out bool covers, out LeafReference use))
            {
                count++;
                if (covers)
                {
                    if (!useFound(leaf.Bytenr.Value, use))
                        return false;
                    AddUse(direct, firstNew, reference, leaf.Bytenr.Value, use);
                }
            }

            cursor.MoveNext();
        }

        return true;
    }

    /// <summary>Reads the leaf that a shared reference names and collects all uses of the extent in it, the last one first.</summary>
    public bool ReadSharedLeaf(Reference reference, in ExtentQuery query, UseFound useFound)
    {
        List<LeafReference> uses = [];
        ExtentBuffer block = ReadBlock(reference.Parent, 0);
        LeafView leaf = block.Leaf;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            Key key = leaf.Key(slot);
            if (key.Type != ItemType.ExtentData)
                continue;
            ReadOnlySpan<byte> data = leaf.Data(slot);
            if (!UsesExtent(data, query, key, out LeafReference use, out bool covers) || !covers)
                continue;
            if (!useFound(reference.Parent, use))
                return false;
            uses.Insert(0, use);
        }

        reference.Uses = uses;
        return true;
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

    private static void AddUse(List<Reference> direct, int firstNew, Reference reference, ulong leaf, LeafReference use)
    {
        for (int i = firstNew; i < direct.Count; i++)
        {
            if (direct[i].Parent == leaf)
            {
                direct[i].Uses!.Add(use);
                return;
            }
        }

        direct.Add(new Reference
        {
            Level = reference.Level,
            Root = reference.Root,
            SearchKey = reference.SearchKey,
            Parent = leaf,
            Count = reference.Count,
            Uses = [use],
        });
    }

    private static bool TryMatch(TreeCursor cursor, Reference reference, in ExtentQuery query, out bool covers, out LeafReference use)
    {
        ReadOnlySpan<byte> data = cursor.Data;
        if (!UsesExtent(data, query, cursor.Key, out use, out covers))
            return false;

        ulong extentOffset = MemoryMarshal.AsRef<FileExtentItem>(data).Offset;
        return reference.SearchKey.Offset == unchecked(cursor.Key.Offset - extentOffset);
    }

    private static bool UsesExtent(ReadOnlySpan<byte> data, in ExtentQuery query, Key key, out LeafReference use, out bool covers)
    {
        use = default;
        covers = false;

        // An inline extent ends before the members that are looked at here.
        if ((FileExtentType)data[FileExtentItem.InlineHeaderSize - 1] == FileExtentType.Inline)
            return false;

        ref readonly FileExtentItem extent = ref MemoryMarshal.AsRef<FileExtentItem>(data);
        if (extent.DiskBytenr.Value != query.Bytenr)
            return false;

        ulong fileOffset = key.Offset;
        covers = true;
        if (extent.Compression == CompressionType.None && extent.Encryption == 0 && extent.OtherEncoding.Value == 0)
        {
            ulong start = extent.Offset;
            covers = query.ExtentOffset >= start && query.ExtentOffset < start + extent.NumBytes;
            fileOffset += unchecked(query.ExtentOffset - start);
        }

        use = new LeafReference(key.ObjectId, fileOffset, extent.NumBytes);
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
