using System.Numerics;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>Chunks, in the chunk tree and in the superblock: what passes can be mapped without division by zero or overflow.</summary>
public static class ChunkCheck
{
    private const ulong MaxStripeRows = uint.MaxValue;

    /// <summary>Checks one chunk with its stripes.</summary>
    /// <param name="key">The chunk's key.</param>
    /// <param name="data">The chunk's record and all its stripes, no less and no more.</param>
    /// <param name="context">The file system that the chunk belongs to.</param>
    /// <param name="site">Where the chunk stands, for the message.</param>
    /// <exception cref="CorruptMetadataException">A member contradicts the format.</exception>
    public static void Verify(Key key, ReadOnlySpan<byte> data, in BlockContext context, BlockSite site)
    {
        if (key.ObjectId != ObjectIds.FirstChunkTree || key.Type != ItemType.ChunkItem)
            throw site.Corrupt($"invalid chunk key, have {key} expect objectid {ObjectIds.FirstChunkTree} type {(byte)ItemType.ChunkItem}");
        if (data.Length < ChunkItem.Size + StripeItem.Size)
            throw site.Corrupt($"invalid chunk size, have {data.Length} expect at least {ChunkItem.Size + StripeItem.Size}");

        ref readonly ChunkItem chunk = ref MemoryMarshal.AsRef<ChunkItem>(data);
        int expected = SizeOf(in chunk);
        if (data.Length != expected)
            throw site.Corrupt($"invalid chunk size, have {data.Length} expect {expected} for {chunk.StripeCount} stripes");

        VerifyRange(key.Offset, in chunk, in context, site);
        VerifyType(in chunk, in context, site);
        VerifyStripeCount(in chunk, site);
        VerifyStripes(in chunk, MemoryMarshal.Cast<byte, StripeItem>(data[ChunkItem.Size..]), in context, site);
    }

    /// <summary>Bytes of a chunk's record and its stripes.</summary>
    public static int SizeOf(in ChunkItem chunk) => ChunkItem.Size + chunk.StripeCount * StripeItem.Size;

    private static void VerifyRange(ulong logical, in ChunkItem chunk, in BlockContext context, BlockSite site)
    {
        if (!context.IsSectorAligned(logical))
            throw site.Corrupt($"unaligned chunk logical address, have {logical} expect a multiple of {context.SectorSize}");
        if (chunk.SectorSize != (uint)context.SectorSize)
            throw site.Corrupt($"invalid chunk sector size, have {chunk.SectorSize} expect {context.SectorSize}");
        if (chunk.StripeLength != FormatLimits.StripeLength)
            throw site.Corrupt($"invalid chunk stripe length, have {chunk.StripeLength} expect {FormatLimits.StripeLength}");

        ulong length = chunk.Length;
        if (length == 0 || !context.IsSectorAligned(length))
            throw site.Corrupt($"invalid chunk length, have {length} expect a multiple of {context.SectorSize}");
        if (logical + length < logical)
            throw site.Corrupt($"chunk end overflows, logical {logical} length {length}");
        if (length >= MaxStripeRows * FormatLimits.StripeLength)
            throw site.Corrupt($"chunk too long, have {length} expect less than {MaxStripeRows * FormatLimits.StripeLength}");
    }

    private static void VerifyType(in ChunkItem chunk, in BlockContext context, BlockSite site)
    {
        BlockGroupFlags unknown = chunk.Type & ~(BlockGroupFlags.TypeMask | BlockGroupFlags.ProfileMask);
        if (unknown != 0)
            throw site.Corrupt($"unrecognized chunk type bits 0x{(ulong)unknown:x}");
        if (!ChunkItem.IsSingleProfile(chunk.Type))
            throw site.Corrupt($"invalid chunk profile, have 0x{(ulong)chunk.Type:x} expect at most one profile bit");

        BlockGroupFlags type = chunk.Type & BlockGroupFlags.TypeMask;
        bool mixed = type == (BlockGroupFlags.Data | BlockGroupFlags.Metadata);
        if (mixed && !context.Has(IncompatFlags.MixedGroups))
            throw site.Corrupt("mixed chunk type without the mixed-groups feature");
        if (!mixed && BitOperations.PopCount((ulong)type) != 1)
            throw site.Corrupt($"invalid chunk type, have 0x{(ulong)type:x} expect one of data, metadata and system");
    }

    private static void VerifyStripeCount(in ChunkItem chunk, BlockSite site)
    {
        int count = chunk.StripeCount;
        bool valid = (chunk.Type & BlockGroupFlags.ProfileMask) switch
        {
            BlockGroupFlags.None => count == 1,
            BlockGroupFlags.Dup or BlockGroupFlags.Raid1 => count == 2,
            BlockGroupFlags.Raid1C3 => count == 3,
            BlockGroupFlags.Raid1C4 => count == 4,
            BlockGroupFlags.Raid10 => count >= 2 && count % 2 == 0 && chunk.SubStripes == 2,
            BlockGroupFlags.Raid5 => count >= 2,
            BlockGroupFlags.Raid6 => count >= 3,
            _ => count >= 1,
        };
        if (!valid)
            throw site.Corrupt($"invalid stripe count, have {count} with {chunk.SubStripes} sub-stripes for chunk type 0x{(ulong)chunk.Type:x}");
    }

    private static void VerifyStripes(in ChunkItem chunk, ReadOnlySpan<StripeItem> stripes, in BlockContext context, BlockSite site)
    {
        foreach (ref readonly StripeItem stripe in stripes)
        {
            // No device's share of a chunk is longer than the chunk.
            if (!context.IsSectorAligned(stripe.Offset) || stripe.Offset + chunk.Length < stripe.Offset)
                throw site.Corrupt($"invalid stripe offset, have {stripe.Offset} on device {stripe.DeviceId} for length {chunk.Length}");
        }
    }
}
