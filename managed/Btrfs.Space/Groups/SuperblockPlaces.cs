using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Groups;

/// <summary>
/// Where superblock copies lie inside chunks. Chunks are allocated across those places, and the free-space tree counts them as free; nothing is to be
/// allocated there.
/// </summary>
internal static class SuperblockPlaces
{
    /// <summary>The logical ranges of a chunk that some device's superblock copy would be overwritten by.</summary>
    public static IEnumerable<(ulong Start, ulong Length)> In(Chunk chunk, ulong stripeBytes)
    {
        for (int copy = 0; copy < FormatLimits.SuperblockOffsets.Length; copy++)
        {
            ulong physical = FormatLimits.SuperblockOffsets[copy];
            for (int index = 0; index < chunk.Stripes.Length; index++)
            {
                ulong begin = chunk.Stripes[index].Offset;
                if (physical + FormatLimits.StripeLength <= begin || physical >= begin + stripeBytes)
                    continue;

                ulong row = (Math.Max(physical, begin) - begin) / FormatLimits.StripeLength;
                (ulong first, ulong stripes) = Place(chunk, row, (uint)index);
                yield return (chunk.Start.Value + first * FormatLimits.StripeLength, stripes * FormatLimits.StripeLength);
            }
        }
    }

    // The number of the first logical stripe that a row of a device's share holds, and how many stripes to keep clear. A row with parity is kept clear
    // whole: any of its data changes the parity.
    private static (ulong First, ulong Count) Place(Chunk chunk, ulong row, uint index)
    {
        uint stripes = (uint)chunk.Stripes.Length;
        switch (chunk.Type & BlockGroupFlags.ProfileMask)
        {
            case BlockGroupFlags.Raid0:
                return (row * stripes + index, 1);
            case BlockGroupFlags.Raid10:
                return (row * (stripes / (uint)chunk.SubStripes) + index / (uint)chunk.SubStripes, 1);
            case BlockGroupFlags.Raid5:
            case BlockGroupFlags.Raid6:
                uint data = stripes - (uint)chunk.ParityCount;
                return (row * data, data);
            default:
                return (row, 1);
        }
    }
}
