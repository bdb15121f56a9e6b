using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>The trees that tell what is allocated and what is free.</summary>
internal sealed class SpaceTrees(MakePlan plan, TreeSet trees)
{
    public void FillExtentTree(TreeDraft draft)
    {
        if (!plan.Settings.Has(MakeFeatures.BlockGroupTree))
            FillBlockGroups(draft);

        foreach (TreeShape shape in trees.Shapes)
        {
            for (int i = 0; i < shape.Count; i++)
                AddBlock(draft, shape, i);
        }
    }

    public void FillBlockGroups(TreeDraft draft)
    {
        foreach (PlannedChunk chunk in plan.Chunks)
        {
            BlockGroupItem group = new() { Used = trees.BytesIn(chunk), ChunkObjectId = ObjectIds.FirstChunkTree, Flags = chunk.Type };
            draft.Add(new Key(chunk.Start.Value, ItemType.BlockGroupItem, chunk.Length), group);
        }
    }

    public void FillFreeSpaceTree(TreeDraft draft)
    {
        foreach (PlannedChunk chunk in plan.Chunks)
        {
            ulong used = trees.BytesIn(chunk);
            bool isFull = used == chunk.Length;
            draft.Add(new Key(chunk.Start.Value, ItemType.FreeSpaceInfo, chunk.Length), new FreeSpaceInfo { ExtentCount = isFull ? 0u : 1 });
            if (!isFull)
                draft.Add(new Key((chunk.Start + used).Value, ItemType.FreeSpaceExtent, chunk.Length - used), []);
        }
    }

    private void AddBlock(TreeDraft draft, TreeShape shape, int index)
    {
        LogicalAddress address = shape.Block(index, plan.NodeSize);
        byte level = shape.LevelOf(index);
        ExtentItem extent = new() { Refs = 1, Generation = MakeSettings.Generation, Flags = ExtentFlags.TreeBlock };
        ExtentInlineRef reference = new() { Type = ItemType.TreeBlockRef, Offset = shape.Owner };
        if (plan.Settings.Has(MakeFeatures.SkinnyMetadata))
        {
            byte[] skinny = new byte[ExtentItem.Size + ExtentInlineRef.Size];
            MemoryMarshal.Write(skinny, extent);
            MemoryMarshal.Write(skinny.AsSpan(ExtentItem.Size), reference);
            draft.Add(new Key(address.Value, ItemType.MetadataItem, level), skinny);
            return;
        }

        // The key is a hint that nobody relies on; the first key of the block would need the trees to be filled before this one.
        byte[] full = new byte[ExtentItem.Size + TreeBlockInfo.Size + ExtentInlineRef.Size];
        MemoryMarshal.Write(full, extent);
        MemoryMarshal.Write(full.AsSpan(ExtentItem.Size), new TreeBlockInfo { Level = level });
        MemoryMarshal.Write(full.AsSpan(ExtentItem.Size + TreeBlockInfo.Size), reference);
        draft.Add(new Key(address.Value, ItemType.ExtentItem, (ulong)plan.NodeSize), full);
    }
}
