using System.Numerics;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>The gate for superblocks. The checksum is the reader's part, and comes first.</summary>
public static class SuperblockCheck
{
    private const int MaxSectorSize = 65536;
    private const int MinSectorSize = 4096;

    /// <summary>Six tree blocks are the least that a file system has.</summary>
    private const int MinTreeBlocks = 6;

    private static readonly (IncompatFlags Flag, string Name)[] s_unsupported =
    [
        (IncompatFlags.Zoned, "zoned"),
        (IncompatFlags.ExtentTreeV2, "extent-tree-v2"),
        (IncompatFlags.RaidStripeTree, "raid-stripe-tree"),
        (IncompatFlags.RemapTree, "remap-tree"),
    ];

    private static readonly (SuperblockFlags Flag, string Name)[] s_conversions =
    [
        (SuperblockFlags.ChangingFsid | SuperblockFlags.ChangingFsidV2, "fsid"),
        (SuperblockFlags.ChangingDataCsum, "data checksum"),
        (SuperblockFlags.ChangingMetaCsum, "metadata checksum"),
    ];

    /// <summary>Checks a copy of the superblock, and the chunks in it.</summary>
    /// <param name="super">The copy.</param>
    /// <param name="physicalOffset">Where on the device the copy was read, in bytes.</param>
    /// <exception cref="CorruptMetadataException">A member contradicts the format.</exception>
    /// <exception cref="UnsupportedFeatureException">The file system needs a feature that this engine lacks.</exception>
    public static void Verify(in Superblock super, ulong physicalOffset)
    {
        if (super.Magic != Superblock.ExpectedMagic)
            throw Corrupt(physicalOffset, $"invalid magic, have 0x{super.Magic.Value:x16} expect 0x{Superblock.ExpectedMagic:x16}");
        if (super.Bytenr != physicalOffset)
            throw Corrupt(physicalOffset, $"invalid bytenr, have {super.Bytenr} expect {physicalOffset}");

        VerifyFeatures(in super);
        VerifySizes(in super, physicalOffset);
        VerifyRoots(in super, physicalOffset);
        VerifyDevices(in super, physicalOffset);
        VerifySystemChunks(in super, physicalOffset);
    }

    private static void VerifyFeatures(in Superblock super)
    {
        IncompatFlags unsupported = super.Incompat & ~IncompatFlags.Supported;
        if (unsupported != 0)
            throw new UnsupportedFeatureException($"the file system uses unsupported features: {Describe(unsupported)}");

        foreach ((SuperblockFlags flag, string name) in s_conversions)
        {
            if ((super.Flags & flag) != 0)
                throw new UnsupportedFeatureException($"the file system is in the middle of a {name} conversion");
        }
    }

    private static void VerifySizes(in Superblock super, ulong at)
    {
        uint sectorSize = super.SectorSize;
        uint nodeSize = super.NodeSize;
        if (!BitOperations.IsPow2(sectorSize) || sectorSize is < MinSectorSize or > MaxSectorSize)
            throw Corrupt(at, $"invalid sector size, have {sectorSize} expect a power of two from {MinSectorSize} to {MaxSectorSize}");
        if (!BitOperations.IsPow2(nodeSize) || nodeSize < sectorSize || nodeSize > FormatLimits.MaxNodeSize)
            throw Corrupt(at, $"invalid node size, have {nodeSize} expect a power of two from {sectorSize} to {FormatLimits.MaxNodeSize}");
        if (super.LeafSize != nodeSize)
            throw Corrupt(at, $"invalid leaf size, have {super.LeafSize} expect {nodeSize}");
        if (super.CsumType > ChecksumType.Blake2b256)
            throw new UnsupportedFeatureException($"the file system uses unsupported checksum type {(ushort)super.CsumType}");
        if (super.BytesUsed < MinTreeBlocks * (ulong)nodeSize)
            throw Corrupt(at, $"invalid bytes_used, have {super.BytesUsed} expect at least {MinTreeBlocks * nodeSize}");
        if (super.TotalBytes == 0)
            throw Corrupt(at, "invalid total_bytes 0");
    }

    private static void VerifyRoots(in Superblock super, ulong at)
    {
        VerifyRoot(at, "root", super.Root, super.RootLevel, super.SectorSize);
        VerifyRoot(at, "chunk_root", super.ChunkRoot, super.ChunkRootLevel, super.SectorSize);
        if (super.LogRoot != 0)
            VerifyRoot(at, "log_root", super.LogRoot, super.LogRootLevel, super.SectorSize);
    }

    private static void VerifyRoot(ulong at, string name, ulong bytenr, byte level, uint sectorSize)
    {
        if (bytenr == 0 || bytenr % sectorSize != 0)
            throw Corrupt(at, $"invalid {name}, have {bytenr} expect a multiple of {sectorSize}");
        if (level >= FormatLimits.MaxTreeLevel)
            throw Corrupt(at, $"invalid {name} level, have {level} expect at most {FormatLimits.MaxTreeLevel - 1}");
    }

    private static void VerifyDevices(in Superblock super, ulong at)
    {
        if (super.DeviceCount == 0)
            throw Corrupt(at, "invalid device count 0");
        if (super.DevItem.Fsid != super.MetadataUuid)
            throw Corrupt(at, $"invalid device fsid, have {super.DevItem.Fsid} expect {super.MetadataUuid}");
    }

    private static void VerifySystemChunks(in Superblock super, ulong at)
    {
        const int minimum = DiskKey.Size + ChunkItem.Size + StripeItem.Size;
        uint length = super.SystemChunkArrayLength;
        if (length is < minimum or > FormatLimits.SystemChunkArraySize)
            throw Corrupt(at, $"invalid sys_chunk_array size, have {length} expect {minimum} to {FormatLimits.SystemChunkArraySize}");

        BlockContext context = BlockContext.FromSuperblock(in super);
        ReadOnlySpan<byte> rest = super.SystemChunkArray[..(int)length];
        for (int index = 0; !rest.IsEmpty; index++)
        {
            if (rest.Length < minimum)
                throw Corrupt(at, $"sys_chunk_array entry {index} is cut off, have {rest.Length} bytes expect at least {minimum}");

            Key key = MemoryMarshal.AsRef<DiskKey>(rest);
            rest = rest[DiskKey.Size..];
            ref readonly ChunkItem chunk = ref MemoryMarshal.AsRef<ChunkItem>(rest);
            int size = ChunkCheck.SizeOf(in chunk);
            if (rest.Length < size)
                throw Corrupt(at, $"sys_chunk_array entry {index} is cut off, have {rest.Length} bytes expect {size}");

            ChunkCheck.Verify(key, rest[..size], in context, new BlockSite(ObjectIds.ChunkTree, new LogicalAddress(at), index));
            if ((chunk.Type & BlockGroupFlags.System) == 0)
                throw Corrupt(at, $"sys_chunk_array entry {index} is not a system chunk, have type 0x{(ulong)chunk.Type:x}");
            rest = rest[size..];
        }
    }

    private static string Describe(IncompatFlags flags)
    {
        List<string> names = [];
        for (int bit = 0; bit < 64; bit++)
        {
            IncompatFlags flag = (IncompatFlags)(1UL << bit);
            if ((flags & flag) == 0)
                continue;

            int known = Array.FindIndex(s_unsupported, entry => entry.Flag == flag);
            names.Add(known < 0 ? $"bit {bit}" : s_unsupported[known].Name);
        }

        return string.Join(", ", names);
    }

    private static CorruptMetadataException Corrupt(ulong physicalOffset, string reason) =>
        new($"corrupt superblock at {physicalOffset}: {reason}");
}
