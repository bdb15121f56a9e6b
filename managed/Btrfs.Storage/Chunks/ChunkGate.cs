using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>The one place where chunk items are checked before anything maps an address with them.</summary>
internal static class ChunkGate
{
    /// <exception cref="CorruptMetadataException">A member is out of its range.</exception>
    public static void Verify(Key key, ReadOnlySpan<byte> data)
    {
        if (key.Type != ItemType.ChunkItem)
            throw Corrupt(key, $"key type is {(byte)key.Type}, expect {(byte)ItemType.ChunkItem}");
        if (data.Length < ChunkItem.Size)
            throw Corrupt(key, $"item has {data.Length} bytes, expect at least {ChunkItem.Size}");

        ref readonly ChunkItem item = ref MemoryMarshal.AsRef<ChunkItem>(data);
        int stripes = item.StripeCount;
        if (data.Length != ChunkItem.Size + stripes * StripeItem.Size)
            throw Corrupt(key, $"item has {data.Length} bytes, expect {ChunkItem.Size + stripes * StripeItem.Size} for {stripes} stripes");
        if (item.StripeLength != FormatLimits.StripeLength)
            throw Corrupt(key, $"stripe length is {item.StripeLength}, expect {FormatLimits.StripeLength}");
        if (item.Length == 0 || item.Length > ulong.MaxValue - key.Offset)
            throw Corrupt(key, $"length is {item.Length}");

        bool fits = (item.Type & BlockGroupFlags.ProfileMask) switch
        {
            BlockGroupFlags.None => stripes == 1,
            BlockGroupFlags.Raid0 => stripes >= 1,
            BlockGroupFlags.Dup or BlockGroupFlags.Raid1 => stripes == 2,
            BlockGroupFlags.Raid1C3 => stripes == 3,
            BlockGroupFlags.Raid1C4 => stripes == 4,
            BlockGroupFlags.Raid10 => item.SubStripes == 2 && stripes >= 2 && stripes % 2 == 0,
            BlockGroupFlags.Raid5 => stripes >= 2,
            BlockGroupFlags.Raid6 => stripes >= 3,
            _ => false,
        };
        if (!fits)
            throw Corrupt(key, $"type 0x{(ulong)item.Type:x} with {stripes} stripes and {item.SubStripes.Value} sub-stripes");
    }

    private static CorruptMetadataException Corrupt(Key key, string reason) => new($"corrupt chunk {key}: {reason}");
}
