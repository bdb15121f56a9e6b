using Btrfs.Format;
using Btrfs.Space.Groups;

namespace Btrfs.Space.Making;

/// <summary>How long chunks are made, in bytes, as measured on what mkfs.btrfs 6.2 makes of devices from 16 MiB to 1 TiB.</summary>
internal static class ChunkSizes
{
    public const ulong MiB = 1024 * 1024;
    public const ulong GiB = 1024 * MiB;

    /// <summary>Nothing is allocated at the begin of a device: boot loaders live there, and the superblock.</summary>
    public const ulong Reserved = MiB;

    /// <summary>The system chunk of a single profile.</summary>
    public const ulong FirstSystem = 4 * MiB;

    /// <summary>The first chunk of data or metadata of a single profile.</summary>
    public const ulong FirstGroup = 8 * MiB;
    public const ulong SystemStripe = 8 * MiB;
    public const ulong MinMetadataStripe = 32 * MiB;
    public const ulong MinDataStripe = 64 * MiB;

    /// <summary>More than the trees of a new file system ever take of a chunk.</summary>
    public const ulong TreeArea = 4 * MiB;

    private const ulong MaxSystemChunk = 16 * MiB;
    private const ulong LargeFileSystem = 50 * GiB;

    /// <summary>The part of the whole that one chunk may take at most: a tenth.</summary>
    private const ulong MaxShare = 10;

    /// <summary>The length of each stripe of a chunk.</summary>
    /// <param name="type">What the chunk holds.</param>
    /// <param name="rule">Its profile.</param>
    /// <param name="stripes">How many stripes it has, parity and copies included.</param>
    /// <param name="totalBytes">Of all devices together.</param>
    public static ulong Stripe(BlockGroupFlags type, ProfileRule rule, int stripes, ulong totalBytes)
    {
        (ulong stripe, ulong largest, ulong least) = LimitsOf(type, totalBytes);
        if (stripe * (ulong)rule.DataStripes(stripes) > largest)
            stripe = largest / (ulong)stripes;
        return AlignDown(Math.Max(stripe, least));
    }

    /// <summary>The first chunk of mixed groups: shorter than others where the device is tiny.</summary>
    public static ulong FirstMixed(ulong totalBytes) => AlignDown(Math.Min(FirstGroup, totalBytes / MaxShare));

    private static (ulong Stripe, ulong Largest, ulong Least) LimitsOf(BlockGroupFlags type, ulong totalBytes)
    {
        if ((type & BlockGroupFlags.System) != 0)
            return (SystemStripe, MaxSystemChunk, MiB);

        ulong share = totalBytes / MaxShare;
        if ((type & BlockGroupFlags.Data) != 0)
            return (GiB, Math.Min(10 * GiB, share), MinDataStripe);

        ulong metadata = totalBytes > LargeFileSystem ? GiB : 256 * MiB;
        return (metadata, Math.Min(metadata, share), MinMetadataStripe);
    }

    private static ulong AlignDown(ulong bytes) => bytes - bytes % FormatLimits.StripeLength;
}
