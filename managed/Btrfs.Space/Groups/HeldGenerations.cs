namespace Btrfs.Space.Groups;

/// <summary>Which commits readers hold at one moment, each once and in ascending order.</summary>
/// <param name="metadata">All of them.</param>
/// <param name="data">Those whose data is held too.</param>
internal sealed class HeldGenerations(ulong[] metadata, ulong[] data)
{
    public static HeldGenerations None { get; } = new([], []);

    /// <summary>Whether a held commit reaches the extent: the newest one from before it was freed must not be from before it was made.</summary>
    public bool Reach(in FreedExtent extent)
    {
        ulong[] held = extent.IsData ? data : metadata;
        int at = Array.BinarySearch(held, extent.Freed);
        int before = (at < 0 ? ~at : at) - 1;
        return before >= 0 && held[before] >= extent.Born;
    }
}

/// <summary>An extent that no tree of the running transaction has any more.</summary>
/// <param name="Start">Logical address.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Born">The first commit that has it.</param>
/// <param name="Freed">The first commit after that, which has it no more.</param>
/// <param name="IsData">Whether it is file data rather than a tree block.</param>
internal readonly record struct FreedExtent(ulong Start, ulong Bytes, ulong Born, ulong Freed, bool IsData);
