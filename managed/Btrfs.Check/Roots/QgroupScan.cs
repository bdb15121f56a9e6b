using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Roots;

/// <summary>What the quota tree says: which groups there are, who is in them, and what they count.</summary>
internal sealed class QgroupScan(CheckState state)
{
    private const ulong On = 1 << 0;
    private const ulong Rescan = 1 << 1;
    private const ulong Inconsistent = 1 << 2;
    private const ulong Simple = 1 << 3;
    private const int LevelShift = 48;

    private readonly SortedDictionary<ulong, QgroupInfoItem> _infos = [];
    private readonly Dictionary<ulong, List<ulong>> _members = [];
    private ulong _flags;

    public void Leaf(ExtentBuffer buffer)
    {
        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count && !state.Blocks.IsSecondRound; slot++)
        {
            Key key = leaf.Key(slot);
            switch (key.Type)
            {
                case ItemType.QgroupStatus:
                    _flags = leaf.Record<QgroupStatusItem>(slot).Flags;
                    break;
                case ItemType.QgroupInfo:
                    _infos[key.Offset] = leaf.Record<QgroupInfoItem>(slot);
                    break;
                case ItemType.QgroupRelation when key.ObjectId >> LevelShift > key.Offset >> LevelShift:
                    if (!_members.TryGetValue(key.ObjectId, out List<ulong>? members))
                        _members.Add(key.ObjectId, members = []);
                    members.Add(key.Offset);
                    break;
            }
        }
    }

    /// <summary>Whether the counts claim to be right. With simple quotas they can't be told from the state alone.</summary>
    public bool IsAuthoritative => (_flags & (On | Rescan | Inconsistent | Simple)) == On;

    public void Compare(QgroupCount count)
    {
        foreach ((ulong id, QgroupInfoItem info) in _infos)
        {
            HashSet<ulong> roots = [];
            Collect(id, roots, []);
            (ulong referenced, ulong exclusive) = count.Of(roots);
            if (info.Referenced != referenced || info.Exclusive != exclusive)
                state.Log.Add(FindingKind.Qgroup, ObjectIds.QuotaTree, new Key(0, ItemType.QgroupInfo, id), $"qgroup {id >> LevelShift}/{id & ((1UL << LevelShift) - 1)} counts {info.Referenced} referenced and {info.Exclusive} exclusive, they are {referenced} and {exclusive}");
        }

        foreach (ulong root in count.Roots)
        {
            if (!_infos.ContainsKey(root))
                state.Log.Add(FindingKind.Qgroup, ObjectIds.QuotaTree, new Key(0, ItemType.QgroupInfo, root), $"subvolume {root} has no qgroup");
        }
    }

    private void Collect(ulong id, HashSet<ulong> roots, HashSet<ulong> seen)
    {
        if (!seen.Add(id))
            return;
        if (id >> LevelShift == 0)
            roots.Add(id);
        foreach (ulong member in _members.GetValueOrDefault(id) ?? [])
            Collect(member, roots, seen);
    }
}
