using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Walks the chunk tree once, while a file system is opened, and adds its chunks to the map.</summary>
internal sealed class ChunkTreeLoader(ExtentBufferReader reader, ChunkMap chunks)
{
    private Key? _last;

    /// <exception cref="CorruptMetadataException">The tree is damaged on every mirror.</exception>
    public void Load(in Superblock superblock)
    {
        BlockPointer root = new(new LogicalAddress(superblock.ChunkRoot), superblock.ChunkRootGeneration, superblock.ChunkRootLevel, null);
        Visit(root);
    }

    // Levels fall by one at each step, which the reader sees to, so the depth is bounded. Keys must rise over the whole walk,
    // so that no block is met twice and a tree of loops ends at the first.
    private void Visit(in BlockPointer pointer)
    {
        ExtentBuffer buffer = reader.Read(pointer, ObjectIds.ChunkTree);
        for (int slot = 0; slot < buffer.Count; slot++)
        {
            if (buffer.Level > 0)
            {
                ref readonly KeyPointer child = ref buffer.Node.Pointer(slot);
                Visit(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, buffer.Level - 1, child.Key));
                continue;
            }

            Key key = buffer.Leaf.Key(slot);
            if (_last is { } last && key <= last)
                throw new CorruptMetadataException(ObjectIds.ChunkTree, buffer.Bytenr, slot, $"key {key} does not rise above {last}");

            _last = key;
            if (key.Type == ItemType.ChunkItem)
                chunks.Add(key, buffer.Leaf.Data(slot));
        }
    }
}
