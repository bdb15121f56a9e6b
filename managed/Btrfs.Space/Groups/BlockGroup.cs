using Btrfs.Format;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Space.Groups;

/// <summary>
/// A chunk's worth of space in the running transaction. Every byte is in one of five states, and moves around the circle:
/// free (in <see cref="Free"/>) -> reserved (allocated, the extent tree does not have it yet) -> used (it has) -> pinned (it has no more, but the last
/// commit still has) -> at the commit held, where a reader of an earlier commit still has it (<see cref="CommitHold"/>) -> free. The disk knows no held space: there it is free.
/// </summary>
internal sealed class BlockGroup(Chunk chunk, ulong used)
{
    private List<FreedExtent> _held = [];

    public Chunk Chunk { get; } = chunk;

    public ulong Start => Chunk.Start.Value;

    public ulong Length => Chunk.Length;

    public ulong End => Start + Length;

    public BlockGroupFlags Flags => Chunk.Type;

    /// <summary>Bytes that the extent tree has: what the block group's item says.</summary>
    public ulong Used { get; set; } = used;

    public ulong Reserved { get; set; }

    public ulong Pinned { get; set; }

    public ulong Held { get; private set; }

    /// <summary>Null until somebody wants to allocate from the group.</summary>
    public FreeSpaceMap? Free { get; set; }

    /// <summary>Whether the item in the tree says something else than <see cref="Used"/>.</summary>
    public bool IsItemDirty { get; set; }

    /// <summary>Made in this transaction, and its items are not in the trees yet.</summary>
    public bool IsPending { get; set; }

    /// <summary>Nothing more is to be allocated from it: it is about to go, or a device that it needs is missing.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>Extents, or bitmaps, of the free-space tree; null until known.</summary>
    public FreeSpaceInfo? FreeSpaceInfo { get; set; }

    /// <summary>Bytes that could be allocated. The places of superblock copies count as free here until the map is loaded.</summary>
    public ulong Allocatable => IsReadOnly ? 0 : Free?.FreeBytes ?? Length - Math.Min(Length, Used + Reserved + Pinned + Held);

    public bool Contains(ulong bytenr) => bytenr - Start < Length;

    /// <summary>Keeps an extent that is free on the disk from being allocated.</summary>
    public void Hold(in FreedExtent extent)
    {
        Held += extent.Bytes;
        _held.Add(extent);
    }

    /// <summary>Takes out of a map that was loaded from the disk what is held.</summary>
    public void ExcludeHeld(FreeSpaceMap map)
    {
        foreach (FreedExtent extent in _held)
            map.Remove(extent.Start - Start, extent.Bytes);
    }

    /// <summary>Frees what is not held any more.</summary>
    /// <param name="held">Which commits still are.</param>
    public void ReleaseHeld(HeldGenerations held)
    {
        List<FreedExtent> kept = [];
        foreach (FreedExtent extent in _held)
        {
            if (held.Reach(extent))
            {
                kept.Add(extent);
                continue;
            }

            Held -= extent.Bytes;
            Free?.Add(extent.Start - Start, extent.Bytes);
        }

        _held = kept;
    }

    public override string ToString() => $"block group {Start} of {Length} bytes ({Flags})";
}
