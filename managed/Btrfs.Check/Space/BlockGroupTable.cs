using Btrfs.Check.Extents;
using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Space;

/// <summary>A block group as its item tells of it.</summary>
internal readonly record struct GroupRecord(ulong Start, ulong Length, ulong Used, BlockGroupFlags Flags)
{
    public ulong End => Start + Length;

    public Key Key => new(Start, ItemType.BlockGroupItem, Length);
}

/// <summary>The block groups by address, and what is checked of them.</summary>
internal sealed class BlockGroupTable(CheckState state)
{
    private readonly List<GroupRecord> _groups = [];

    public IReadOnlyList<GroupRecord> Groups => _groups;

    public void AddGroup(Key key, in BlockGroupItem item) => _groups.Add(new GroupRecord(key.ObjectId, key.Offset, item.Used, item.Flags));

    public bool Overlaps(ulong start, ulong end) => _groups.Exists(group => group.Start < end && start < group.End);

    /// <summary>Each chunk has its block group, and the other way round.</summary>
    public void CompareWithChunks(IReadOnlyList<Chunk> chunks, ulong tree)
    {
        Dictionary<ulong, GroupRecord> left = [];
        foreach (GroupRecord group in _groups)
            left.TryAdd(group.Start, group);

        foreach (Chunk chunk in chunks)
        {
            Key key = new(chunk.Start.Value, ItemType.BlockGroupItem, chunk.Length);
            if (!left.Remove(chunk.Start.Value, out GroupRecord group))
                state.Log.Add(FindingKind.MissingBlockGroup, tree, key, $"chunk {chunk.Start} has no block group");
            else if (group.Length != chunk.Length || group.Flags != chunk.Type)
                state.Log.Add(FindingKind.MissingBlockGroup, tree, key, $"block group {group.Start} has {group.Length} bytes and flags 0x{(ulong)group.Flags:x}, its chunk {chunk.Length} and 0x{(ulong)chunk.Type:x}");
        }

        foreach (GroupRecord group in left.Values)
            state.Log.Add(FindingKind.ExtraBlockGroup, tree, group.Key, $"block group {group.Start} has no chunk");
    }

    /// <summary>Each extent lies in a block group of its kind, and the group has as much in use as its extents take.</summary>
    public void CompareWithExtents(ulong tree)
    {
        ExtentTable extents = state.Extents;
        int extent = 0;
        foreach (GroupRecord group in _groups)
        {
            for (; extent < extents.Count && extents.Bytenr(extent) < group.Start; extent++)
                ReportOutside(extent);

            ulong used = 0;
            for (; extent < extents.Count && extents.Bytenr(extent) < group.End; extent++)
            {
                used += extents.Length(extent);
                BlockGroupFlags wanted = extents.IsTreeBlock(extent) ? BlockGroupFlags.Metadata | BlockGroupFlags.System : BlockGroupFlags.Data;
                if (extents.End(extent) > group.End)
                    ReportOutside(extent);
                else if ((group.Flags & wanted) == 0)
                    state.Log.Add(FindingKind.ExtentOutsideBlockGroup, ObjectIds.ExtentTree, KeyOf(extent), $"{(extents.IsTreeBlock(extent) ? "tree block" : "data extent")} {extents.Bytenr(extent)} lies in block group {group.Start} of type 0x{(ulong)group.Flags:x}");
            }

            if (used != group.Used)
                state.Log.Add(FindingKind.BlockGroupUsed, tree, group.Key, $"block group {group.Start} says that {group.Used} bytes are used, its extents take {used}");
        }

        for (; extent < extents.Count; extent++)
            ReportOutside(extent);
    }

    private void ReportOutside(int extent) =>
        state.Log.Add(FindingKind.ExtentOutsideBlockGroup, ObjectIds.ExtentTree, KeyOf(extent), $"extent {state.Extents.Bytenr(extent)} of {state.Extents.Length(extent)} bytes lies in no block group");

    private Key KeyOf(int extent) => new(state.Extents.Bytenr(extent), ItemType.ExtentItem, state.Extents.Length(extent));
}
