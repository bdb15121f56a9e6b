using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Fuzz.Images;

/// <summary>A tree block of the last commit: what must be known to damage it.</summary>
internal sealed record BlockPlace(ulong Logical, ulong Root, int Level, ulong Generation, Key FirstKey);

/// <summary>An item of a leaf of the last commit.</summary>
internal readonly record struct ItemPlace(BlockPlace Block, int Slot, Key Key);

/// <summary>An undamaged image of one device, and where in it everything lies.</summary>
internal sealed class BaseImage
{
    private readonly IReadOnlyList<Chunk> _chunks;
    private readonly HashSet<ulong> _seen = [];

    private BaseImage(string name, SparseBytes bytes)
    {
        Name = name;
        Bytes = bytes;
        using FsInfo fs = FsInfo.Open(DeviceSet.Open([new ImageDevice(bytes)], DeviceOpenOptions.Default));
        Context = BlockContext.FromSuperblock(in fs.Superblock);
        Checksum = Checksums.For(fs.Superblock.CsumType);
        _chunks = [.. fs.Devices.Volume.Chunks.Chunks];

        Visit(fs, fs.ChunkTree.Pointer, fs.ChunkTree.RootId);
        Visit(fs, fs.RootTree.Pointer, fs.RootTree.RootId);
        TreeCursor roots = fs.OpenCursor(fs.RootTree);
        for (roots.Seek(Key.Min); roots.IsValid; roots.MoveNext())
        {
            if (roots.Key.Type == ItemType.RootItem)
                Visit(fs, RootRecord.Read(roots.Key, roots.Data).Tree.Pointer, roots.Key.ObjectId);
        }

        ItemsByType = Items.GroupBy(item => item.Key.Type).ToDictionary(group => group.Key, group => group.ToArray());
        Nodes = [.. Blocks.Where(block => block.Level > 0)];
        Leaves = [.. Blocks.Where(block => block.Level == 0)];
    }

    public string Name { get; }

    public SparseBytes Bytes { get; }

    public BlockContext Context { get; }

    public IChecksum Checksum { get; }

    public List<BlockPlace> Blocks { get; } = [];

    public List<ItemPlace> Items { get; } = [];

    public IReadOnlyDictionary<ItemType, ItemPlace[]> ItemsByType { get; }

    public BlockPlace[] Nodes { get; }

    /// <summary>For each block but the roots the node above it, and the slot there.</summary>
    public Dictionary<ulong, (BlockPlace Node, int Slot)> Parents { get; } = [];

    public BlockPlace[] Leaves { get; }

    public static BaseImage Load(string path) => new(Path.GetFileName(path).Split('.')[0], SparseBytes.LoadCompressed(path));

    /// <summary>All images of the corpora, in the order of their names.</summary>
    public static IReadOnlyList<BaseImage> LoadAll() =>
        [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Corpora", "images"), "*.img.gz").Order(StringComparer.Ordinal).Select(Load)];

    /// <summary>Where the copies of a range lie on the device; the images have no profile that cuts a block up.</summary>
    public IEnumerable<long> PhysicalOffsets(ulong logical)
    {
        Chunk? chunk = _chunks.FirstOrDefault(chunk => chunk.Contains(new LogicalAddress(logical)));
        return chunk is null ? [] : chunk.Stripes.ToArray().Select(stripe => (long)(stripe.Offset + (logical - chunk.Start.Value)));
    }

    public byte[] ReadLogical(ulong logical, int length) => Bytes.Read(PhysicalOffsets(logical).First(), length);

    private void Visit(FsInfo fs, BlockPointer pointer, ulong root)
    {
        if (!_seen.Add(pointer.Bytenr.Value))
            return;

        ExtentBuffer buffer = fs.Blocks.Read(pointer, root);
        Key first = buffer.Count == 0 ? default : buffer.Level == 0 ? buffer.Leaf.Key(0) : buffer.Node.Key(0);
        BlockPlace place = new(pointer.Bytenr.Value, root, pointer.Level, buffer.Generation, first);
        Blocks.Add(place);
        for (int slot = 0; slot < buffer.Count; slot++)
        {
            if (buffer.Level == 0)
            {
                Items.Add(new ItemPlace(place, slot, buffer.Leaf.Key(slot)));
                continue;
            }

            KeyPointer child = buffer.Node.Pointer(slot);
            Parents.TryAdd(child.Bytenr, (place, slot));
            Visit(fs, new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, buffer.Level - 1, child.Key), root);
        }
    }
}
