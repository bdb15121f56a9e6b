using System.Runtime.InteropServices;
using Btrfs.Check.Extents;
using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Space;

/// <summary>Holds the free-space tree against what the extent tree leaves free, block group by block group.</summary>
internal sealed class FreeSpaceScan(CheckState state, BlockGroupTable groups)
{
    private readonly Dictionary<ulong, GroupRecord> _left = [];
    private readonly List<(ulong Start, ulong End)> _found = [];
    private GroupRecord? _group;
    private FreeSpaceInfo _info;
    private int _strays;

    /// <summary>All block groups are known: each has its part of the tree.</summary>
    public void Begin()
    {
        foreach (GroupRecord group in groups.Groups)
            _left.TryAdd(group.Start, group);
    }

    public void Leaf(ExtentBuffer buffer)
    {
        if (state.Blocks.IsSecondRound)
            return;

        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            Key key = leaf.Key(slot);
            switch (key.Type)
            {
                case ItemType.FreeSpaceInfo:
                    Finish();
                    BeginGroup(key, MemoryMarshal.AsRef<FreeSpaceInfo>(leaf.Data(slot)));
                    break;
                case ItemType.FreeSpaceExtent:
                    RequirePlace(key, inBitmaps: false);
                    Add(key.ObjectId, key.ObjectId + key.Offset);
                    break;
                case ItemType.FreeSpaceBitmap:
                    RequirePlace(key, inBitmaps: true);
                    AddBitmap(key, leaf.Data(slot));
                    break;
                default:
                    Report(key, $"an item {key} does not belong here");
                    break;
            }
        }
    }

    /// <summary>Ends the last block group.</summary>
    public void Finish()
    {
        if (_group is { } group && state.HasWholeExtentTree)
            Compare(group);
        _group = null;
        _found.Clear();
    }

    /// <summary>Block groups that the tree has nothing of, and what it has of none.</summary>
    public void ReportMissing()
    {
        // mkfs.btrfs leaves those of its first, temporary block groups behind, and nobody minds: addresses are never used again.
        if (_strays > 0)
            state.Notices.Add($"the free-space tree still has {_strays} block groups that are gone");
        foreach (GroupRecord group in _left.Values)
            Report(group.Key, $"block group {group.Start} is not in the free-space tree");
    }

    private void BeginGroup(Key key, in FreeSpaceInfo info)
    {
        _info = info;
        if (_left.Remove(key.ObjectId, out GroupRecord group) && group.Length == key.Offset)
            _group = group;
        else if (groups.Overlaps(key.ObjectId, key.ObjectId + key.Offset))
            Report(key, $"the free-space tree has {key.Offset} bytes at {key.ObjectId}, which are no block group");
        else
            _strays++;
    }

    private void RequirePlace(Key key, bool inBitmaps)
    {
        if (_group is not { } group)
            return;
        if (key.ObjectId < group.Start || key.ObjectId + key.Offset > group.End)
            Report(key, $"free space {key.ObjectId} to {key.ObjectId + key.Offset} reaches out of block group {group.Start}");
        if (inBitmaps != ((_info.Flags & FreeSpaceInfo.UsingBitmaps) != 0))
            Report(key, $"block group {group.Start} has free space as {(inBitmaps ? "a bitmap" : "an extent")}, its info says otherwise");
    }

    private void Add(ulong start, ulong end)
    {
        if (_found.Count > 0 && _found[^1].End == start)
            _found[^1] = (_found[^1].Start, end);
        else
            _found.Add((start, end));
    }

    private void AddBitmap(Key key, ReadOnlySpan<byte> bitmap)
    {
        ulong sector = (ulong)state.Fs.SectorSize;
        ulong bits = key.Offset / sector;
        for (ulong bit = 0; bit < bits; bit++)
        {
            if ((bitmap[(int)(bit / 8)] & (1 << (int)(bit % 8))) != 0)
                Add(key.ObjectId + bit * sector, key.ObjectId + (bit + 1) * sector);
        }
    }

    private void Compare(GroupRecord group)
    {
        if (_info.ExtentCount != (uint)_found.Count)
            Report(group.Key, $"block group {group.Start} counts {_info.ExtentCount} runs of free space and has {_found.Count}");

        ExtentTable extents = state.Extents;
        int found = 0;
        ulong at = group.Start;
        for (int extent = extents.LowerBound(group.Start); ; extent++)
        {
            bool isLast = extent >= extents.Count || extents.Bytenr(extent) >= group.End;
            ulong until = isLast ? group.End : extents.Bytenr(extent);
            if (until > at)
            {
                (ulong Start, ulong End) have = found < _found.Count ? _found[found] : default;
                if (have != (at, until))
                {
                    Report(group.Key, found < _found.Count
                        ? $"block group {group.Start}: {at} to {until} is free, the free-space tree has {have.Start} to {have.End}"
                        : $"block group {group.Start}: {at} to {until} is free, the free-space tree ends before");
                    return;
                }

                found++;
            }

            if (isLast)
                break;
            at = Math.Max(at, extents.End(extent));
        }

        if (found < _found.Count)
            Report(group.Key, $"block group {group.Start}: the free-space tree has {_found[found].Start} to {_found[found].End}, which is not free");
    }

    private void Report(Key key, string message) => state.Log.Add(FindingKind.FreeSpace, ObjectIds.FreeSpaceTree, key, message);
}
