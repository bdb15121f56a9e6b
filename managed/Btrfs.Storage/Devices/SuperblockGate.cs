using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>The one place where a superblock is checked.</summary>
internal static class SuperblockGate
{
    /// <summary>What makes a copy invalid, as a sentence; null for nothing.</summary>
    /// <param name="bytes">The copy.</param>
    /// <param name="offset">Where on its device it was found (bytes).</param>
    public static string? Fault(ReadOnlySpan<byte> bytes, ulong offset)
    {
        ref readonly Superblock superblock = ref MemoryMarshal.AsRef<Superblock>(bytes);
        if (superblock.Magic != Superblock.ExpectedMagic)
            return $"no btrfs superblock at {offset}";

        try
        {
            IChecksum checksum = Checksums.For(superblock.CsumType);
            Span<byte> computed = stackalloc byte[FormatLimits.ChecksumFieldSize];
            computed = computed[..checksum.Size];
            checksum.Compute(bytes[FormatLimits.ChecksumFieldSize..], computed);
            ReadOnlySpan<byte> stored = superblock.StoredChecksum[..checksum.Size];
            if (!computed.SequenceEqual(stored))
                return $"the superblock at {offset} has checksum {Checksums.Format(computed)}, expect {Checksums.Format(stored)}";
        }
        catch (UnsupportedFeatureException error)
        {
            return $"the superblock at {offset}: {error.Message}";
        }

        return superblock.Bytenr == offset ? null : $"the superblock at {offset} says it lies at {superblock.Bytenr.Value}";
    }

    /// <summary>Checks the members of the superblock that a file system is opened by.</summary>
    /// <exception cref="CorruptMetadataException">A member contradicts the format.</exception>
    /// <exception cref="UnsupportedFeatureException">A feature is unknown.</exception>
    public static void Verify(in Superblock superblock)
    {
        uint nodeSize = superblock.NodeSize;
        uint sectorSize = superblock.SectorSize;
        if (!uint.IsPow2(sectorSize) || sectorSize is < 4096 or > 65536)
            throw new CorruptMetadataException($"corrupt superblock: sector size is {sectorSize}");
        if (!uint.IsPow2(nodeSize) || nodeSize < sectorSize || nodeSize is < FormatLimits.MinNodeSize or > FormatLimits.MaxNodeSize)
            throw new CorruptMetadataException($"corrupt superblock: node size is {nodeSize}");

        IncompatFlags unknown = superblock.Incompat & ~IncompatFlags.Supported;
        if (unknown != 0)
            throw new UnsupportedFeatureException($"unsupported incompat features: {unknown}");
    }
}
