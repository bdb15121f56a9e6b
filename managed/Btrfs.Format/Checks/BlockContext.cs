namespace Btrfs.Format;

/// <summary>What the checks must know of the file system that a block belongs to. Taken from a superblock that passed its own.</summary>
public readonly record struct BlockContext
{
    public required int NodeSize { get; init; }

    public required int SectorSize { get; init; }

    public required IncompatFlags Incompat { get; init; }

    public required ChecksumType Csum { get; init; }

    /// <summary>The superblock's generation; a log tree's blocks are one ahead of it.</summary>
    public required ulong Generation { get; init; }

    /// <summary>Bytes of a leaf behind its header.</summary>
    public int LeafDataSize => NodeSize - BlockHeader.Size;

    public static BlockContext FromSuperblock(in Superblock super) => new()
    {
        NodeSize = (int)super.NodeSize.Value,
        SectorSize = (int)super.SectorSize.Value,
        Incompat = super.Incompat,
        Csum = super.CsumType,
        Generation = super.Generation,
    };

    public bool Has(IncompatFlags flag) => (Incompat & flag) == flag;

    internal bool IsSectorAligned(ulong bytes) => (bytes & (ulong)(SectorSize - 1)) == 0;

    internal bool IsFuture(ulong generation) => generation > Generation && generation - Generation > 1;
}

/// <summary>Where a check looks, for its error message: the tree, the block's address and the slot (-1 for the whole block).</summary>
public readonly record struct BlockSite(ulong Root, LogicalAddress Bytenr, int Slot)
{
    internal CorruptMetadataException Corrupt(string reason) => new(Root, Bytenr, Slot, reason);
}
