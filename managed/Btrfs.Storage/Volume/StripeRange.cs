using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>A run of bytes that lies in one piece on one device of a chunk.</summary>
/// <param name="Stripe">Index into the chunk's stripes.</param>
/// <param name="Offset">Bytes behind the stripe's begin on its device.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct StripeRange(int Stripe, ulong Offset, int Length)
{
    /// <summary>Where the first bytes of a range lie, as seen by one mirror.</summary>
    /// <param name="chunk">The chunk that holds <paramref name="address"/>.</param>
    /// <param name="address">First byte.</param>
    /// <param name="length">Bytes wanted; fewer come back where a stripe or the chunk ends.</param>
    /// <param name="mirror">From 1; with parity it has no bearing, since only the first mirror is a stripe by itself.</param>
    public static StripeRange Map(Chunk chunk, LogicalAddress address, int length, int mirror)
    {
        ulong offset = address - chunk.Start;
        Invariant.That(offset < chunk.Length);
        int copy = Math.Min(mirror, chunk.MirrorCount) - 1;
        int inChunk = (int)Math.Min((ulong)length, chunk.Length - offset);

        BlockGroupFlags profile = chunk.Type & BlockGroupFlags.ProfileMask;
        if (profile is not (BlockGroupFlags.Raid0 or BlockGroupFlags.Raid10 or BlockGroupFlags.Raid5 or BlockGroupFlags.Raid6))
            return new StripeRange(copy, offset, inChunk);

        ulong number = offset / FormatLimits.StripeLength;
        ulong within = offset % FormatLimits.StripeLength;
        int inStripe = (int)Math.Min((ulong)inChunk, FormatLimits.StripeLength - within);
        uint stripes = (uint)chunk.Stripes.Length;
        switch (profile)
        {
            case BlockGroupFlags.Raid0:
                return new StripeRange((int)(number % stripes), number / stripes * FormatLimits.StripeLength + within, inStripe);

            case BlockGroupFlags.Raid10:
                uint groups = stripes / (uint)chunk.SubStripes;
                int first = (int)(number % groups) * chunk.SubStripes;
                return new StripeRange(first + copy, number / groups * FormatLimits.StripeLength + within, inStripe);

            default:
                uint data = stripes - (uint)chunk.ParityCount;
                ulong full = number / data;
                return new StripeRange(ParityStripe(chunk, full, (int)(number % data)), full * FormatLimits.StripeLength + within, inStripe);
        }
    }

    /// <summary>
    /// The stripe that plays a role in a full stripe: roles are the data stripes in order, then P, then Q, and the
    /// devices take turns by the full stripe's number.
    /// </summary>
    public static int ParityStripe(Chunk chunk, ulong fullStripe, int role)
    {
        uint stripes = (uint)chunk.Stripes.Length;
        return (int)((fullStripe % stripes + (uint)role) % stripes);
    }
}
