using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Inspect;

/// <summary>
/// A file system in a file whose file tree's root is replaced by blocks of our making, with their checksums: what no kernel here
/// writes. The file tree is then read as single blocks only.
/// </summary>
internal sealed class PlantedBlock : IDisposable
{
    private const ulong FileTree = ObjectIds.FsTree;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("btrfs-inspect-");
    private readonly long _physical;
    private readonly byte[] _header;

    public PlantedBlock()
    {
        Image = Path.Combine(_folder.FullName, "image");
        using (FileStream file = File.Create(Image))
            file.SetLength(200 << 20);
        Fidelity.Kernel.Tool.Run("mkfs.btrfs", "-q", "-m", "single", "-n", "65536", Image);

        using DeviceSet devices = DeviceSet.Open([Image], DeviceOpenOptions.Default);
        ExtentBufferReader blocks = new(devices.Volume, devices.Superblock, cacheLimitBytes: 0);
        devices.LoadChunkTree(blocks);
        NodeSize = (int)devices.Superblock.NodeSize.Value;
        LeafView roots = blocks.Read(
            new BlockPointer(new LogicalAddress(devices.Superblock.Root), devices.Superblock.Generation, 0, null), ObjectIds.RootTree).Leaf;
        Bytenr = roots.Record<RootItem>(roots.Search(new Key(FileTree, ItemType.RootItem, 0)).Slot).Bytenr;
        Chunk chunk = devices.Volume.Chunks.Find(new LogicalAddress(Bytenr));
        _physical = (long)(chunk.Stripes[0].Offset + (Bytenr - chunk.Start.Value));
        _header = new byte[BlockHeader.Size];
        devices.Volume.Read(new LogicalAddress(Bytenr), _header, mirror: 1);
    }

    public string Image { get; }

    public int NodeSize { get; }

    /// <summary>Where the planted block lies.</summary>
    public ulong Bytenr { get; }

    public void WriteLeaf(IReadOnlyList<(Key Key, byte[] Data)> items)
    {
        byte[] block = NewBlock(items.Count, level: 0);
        int end = NodeSize;
        for (int slot = 0; slot < items.Count; slot++)
        {
            (Key key, byte[] data) = items[slot];
            end -= data.Length;
            Span<byte> head = block.AsSpan(BlockHeader.Size + slot * ItemHeader.Size, ItemHeader.Size);
            MemoryMarshal.Write(head, new DiskKey(key));
            BinaryPrimitives.WriteInt32LittleEndian(head[DiskKey.Size..], end - BlockHeader.Size);
            BinaryPrimitives.WriteInt32LittleEndian(head[(DiskKey.Size + sizeof(int))..], data.Length);
            data.CopyTo(block, end);
        }

        Write(block);
    }

    /// <summary>Writes a node of level 1 with these keys; what it points to is nothing.</summary>
    public void WriteNode(IReadOnlyList<Key> keys)
    {
        byte[] block = NewBlock(keys.Count, level: 1);
        for (int slot = 0; slot < keys.Count; slot++)
        {
            Span<byte> pointer = block.AsSpan(BlockHeader.Size + slot * KeyPointer.Size, KeyPointer.Size);
            MemoryMarshal.Write(pointer, new DiskKey(keys[slot]));
            BinaryPrimitives.WriteInt64LittleEndian(pointer[DiskKey.Size..], NodeSize);
        }

        Write(block);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private byte[] NewBlock(int count, byte level)
    {
        const int CountOffset = BlockHeader.Size - sizeof(int) - 1;
        byte[] block = new byte[NodeSize];
        _header.CopyTo(block, 0);
        BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(CountOffset), count);
        block[CountOffset + sizeof(int)] = level;
        return block;
    }

    private void Write(byte[] block)
    {
        Checksums.For(ChecksumType.Crc32C).Compute(block.AsSpan(FormatLimits.ChecksumFieldSize), block);
        using FileStream file = new(Image, FileMode.Open, FileAccess.Write);
        file.Position = _physical;
        file.Write(block);
    }
}
