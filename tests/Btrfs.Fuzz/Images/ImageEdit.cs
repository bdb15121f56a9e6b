using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Fuzz.Images;

/// <summary>
/// Damage in the making: blocks, superblocks and data to be changed in place. At the end every changed block and superblock gets its
/// right checksum, so that the damage comes through to what lies behind the checksums.
/// </summary>
internal sealed class ImageEdit(BaseImage image, Random random)
{
    private readonly Dictionary<ulong, byte[]> _blocks = [];
    private readonly Dictionary<ulong, byte[]> _data = [];
    private byte[]? _super;

    public BaseImage Image { get; } = image;

    public Random Random { get; } = random;

    /// <summary>Set to leave the checksums wrong.</summary>
    public bool KeepsChecksums { get; set; }

    /// <summary>The bytes of a tree block, to be changed.</summary>
    public byte[] Block(BlockPlace place) => Block(place.Logical);

    public byte[] Block(ulong logical)
    {
        if (!_blocks.TryGetValue(logical, out byte[]? bytes))
            _blocks[logical] = bytes = Image.ReadLogical(logical, Image.Context.NodeSize);
        return bytes;
    }

    /// <summary>Makes the nodes above a block agree with the first key, generation and level that it has now.</summary>
    public void FixParents(BlockPlace place)
    {
        for (ulong logical = place.Logical; Image.Parents.TryGetValue(logical, out (BlockPlace Node, int Slot) parent); logical = parent.Node.Logical)
        {
            byte[] block = Block(logical);
            byte[] node = Block(parent.Node);
            int pointer = BlockHeader.Size + parent.Slot * KeyPointer.Size;
            block.AsSpan(BlockHeader.Size, DiskKey.Size).CopyTo(node.AsSpan(pointer));
            Members.Write(
                node.AsSpan(pointer),
                Members.Of<KeyPointer>(nameof(KeyPointer.Generation)),
                Members.Read(block, Members.Of<BlockHeader>(nameof(BlockHeader.Generation))));
            if (parent.Slot != 0)
                return;
        }
    }

    /// <summary>The bytes of one sector of data, to be changed.</summary>
    public byte[] Sector(ulong logical)
    {
        if (!_data.TryGetValue(logical, out byte[]? bytes))
            _data[logical] = bytes = Image.ReadLogical(logical, Image.Context.SectorSize);
        return bytes;
    }

    /// <summary>The bytes of the superblock, to be changed; its mirrors follow.</summary>
    public byte[] Super => _super ??= Image.Bytes.Read((long)FormatLimits.SuperblockOffsets[0], Superblock.Size);

    public List<Patch> Finish()
    {
        FixDataChecksums();
        List<Patch> patches = [];
        foreach ((ulong logical, byte[] bytes) in _data)
            AddCopies(patches, logical, bytes);
        foreach ((ulong logical, byte[] bytes) in _blocks)
        {
            Seal(bytes);
            AddCopies(patches, logical, bytes);
        }

        if (_super is not null)
            AddSuperblocks(patches, _super);
        return patches;
    }

    private void AddCopies(List<Patch> patches, ulong logical, byte[] bytes)
    {
        foreach (long physical in Image.PhysicalOffsets(logical))
            patches.AddRange(Patch.Between(Image.Bytes.Read(physical, bytes.Length), bytes, physical));
    }

    private void AddSuperblocks(List<Patch> patches, byte[] bytes)
    {
        ulong primary = MemoryMarshal.AsRef<Superblock>(bytes).Bytenr;
        foreach (ulong offset in FormatLimits.SuperblockOffsets)
        {
            if (offset + Superblock.Size > (ulong)Image.Bytes.Length)
                continue;

            // A bytenr that is part of the damage stays as it is.
            byte[] copy = [.. bytes];
            if (primary == FormatLimits.SuperblockOffsets[0])
                Members.Write(copy, Members.Of<Superblock>(nameof(Superblock.Bytenr)), offset);
            Seal(copy);
            patches.AddRange(Patch.Between(Image.Bytes.Read((long)offset, copy.Length), copy, (long)offset));
        }
    }

    private void FixDataChecksums()
    {
        if (KeepsChecksums || !Image.ItemsByType.TryGetValue(ItemType.ExtentCsum, out ItemPlace[]? runs))
            return;

        ulong sectorSize = (ulong)Image.Context.SectorSize;
        foreach ((ulong logical, byte[] bytes) in _data)
        {
            ItemPlace run = runs.LastOrDefault(run => run.Key.Offset <= logical);
            if (run.Block is null)
                continue;

            byte[] leaf = Block(run.Block);
            LeafItems items = LeafItems.TryRead(leaf, Image.Context.NodeSize);
            int at = (int)((logical - run.Key.Offset) / sectorSize) * Image.Checksum.Size;
            (int start, int length) = items.DataRange(run.Slot);
            if (at + Image.Checksum.Size <= length)
                Image.Checksum.Compute(bytes, leaf.AsSpan(start + at, Image.Checksum.Size));
        }
    }

    private void Seal(byte[] block)
    {
        if (!KeepsChecksums)
            Image.Checksum.Compute(block.AsSpan(FormatLimits.ChecksumFieldSize), block);
    }
}
