using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Space.Groups;

/// <summary>
/// A chunk's worth of space in the running transaction. Every byte is in one of four states, and moves around the circle:
/// free (in <see cref="Free"/>) -> reserved (allocated, the extent tree does not have it yet) -> used (it has) -> pinned (it has no more, but the last
/// commit still has) -> free at the commit.
/// </summary>
internal sealed class BlockGroup(Chunk chunk, ulong used)
{
    public Chunk Chunk { get; } = chunk;

    public ulong Start => Chunk.Start.Value;

    public ulong Length => Chunk.Length;

    public ulong End => Start + Length;

    public BlockGroupFlags Flags => Chunk.Type;

    /// <summary>Bytes that the extent tree has: what the block group's item says.</summary>
    public ulong Used { get; set; } = used;

    public ulong Reserved { get; set; }

    public ulong Pinned { get; set; }

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
    public ulong Allocatable => IsReadOnly ? 0 : Free?.FreeBytes ?? Length - Math.Min(Length, Used + Reserved + Pinned);

    public bool Contains(ulong bytenr) => bytenr - Start < Length;

    public override string ToString() => $"block group {Start} of {Length} bytes ({Flags})";
}
