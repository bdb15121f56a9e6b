using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Space.Quotas;

/// <summary>
/// Keeps quotas honest. Simple ones are kept exact. Full ones, which count what each subvolume shares, are marked inconsistent with the first commit, as the
/// kernel does when it loses count: numbers that are known to be old are better than wrong ones, and a rescan by the kernel makes them right.
/// </summary>
internal sealed class QuotaState
{
    private const ulong On = 1;
    private const ulong Inconsistent = 1 << 2;
    private const ulong SimpleMode = 1 << 3;

    private static readonly Key s_status = new(0, ItemType.QgroupStatus, 0);

    private readonly Tree? _tree;

    /// <summary>Subvolumes that are gone since the last commit, and may have left nothing that their groups still count.</summary>
    private readonly List<ulong> _removed = [];

    private QuotaState(Tree? tree, SimpleQuota? simple)
    {
        _tree = tree;
        Simple = simple;
    }

    /// <summary>The accounts of simple quotas, if those are on.</summary>
    public SimpleQuota? Simple { get; }

    public static QuotaState Load(RootTable roots)
    {
        if (roots.TryGet(ObjectIds.QuotaTree)?.Tree is not { } tree || !tree.TryGet(s_status, out ReadOnlySpan<byte> data))
            return new QuotaState(null, null);

        ulong flags = MemoryMarshal.AsRef<QgroupStatusItem>(data).Flags;
        if ((flags & On) == 0)
            return new QuotaState(null, null);
        if ((flags & SimpleMode) == 0)
            return new QuotaState(tree, null);

        ulong since = MemoryMarshal.AsRef<Le64>(data[QgroupStatusItem.Size..]);
        return new QuotaState(tree, new SimpleQuota(tree, since));
    }

    /// <summary>Says in the status item that a commit has come, and, for full quotas, that it was not counted.</summary>
    public void BeginCommit(ulong generation)
    {
        if (_tree is null)
            return;

        ref QgroupStatusItem status = ref MemoryMarshal.AsRef<QgroupStatusItem>(_tree.Edit(s_status));
        status.Generation = generation;
        if (Simple is null)
            status.Flags |= Inconsistent;
    }

    /// <summary>
    /// A new subvolume gets a group of its own, without a limit. With simple quotas that is a member wherever the group of the subvolume is that shows it, as the
    /// kernel has it: what is made below a subvolume counts for whoever counts that one.
    /// </summary>
    public void AddSubvolume(ulong id, ulong shownBy, ulong generation)
    {
        if (_tree is null || !ObjectIds.IsFileTree(id) || _tree.TryGet(new Key(0, ItemType.QgroupInfo, id), out _))
            return;

        QgroupInfoItem info = new() { Generation = generation };
        _tree.Insert(new Key(0, ItemType.QgroupInfo, id), MemoryMarshal.AsBytes([info]));
        _tree.Insert(new Key(0, ItemType.QgroupLimit, id), QgroupLimitItem.Size);
        if (Simple is null)
            return;

        QgroupRelations relations = new(_tree);
        foreach (ulong parent in relations.ParentsOf(shownBy))
            relations.Add(id, parent);
    }

    /// <summary>
    /// A subvolume is gone with all its blocks, and its group is to go too: numbers of subvolumes are used again, and the next one would inherit limits and
    /// memberships.
    /// </summary>
    public void RemoveSubvolume(ulong id)
    {
        if (_tree is not null)
            _removed.Add(id);
    }

    /// <summary>
    /// Removes the groups of subvolumes that are gone. A simple one stays where it still counts something: extents that others share are charged to it for as
    /// long as they live. So all else must have come to rest.
    /// </summary>
    /// <returns>Whether there was anything to remove.</returns>
    public bool RemoveUnused()
    {
        bool any = false;
        foreach (ulong id in _removed)
        {
            Key key = new(0, ItemType.QgroupInfo, id);
            if (!_tree!.TryGet(key, out ReadOnlySpan<byte> data) || (Simple is not null && MemoryMarshal.AsRef<QgroupInfoItem>(data).Referenced != 0))
                continue;

            _tree.Delete(key);
            _tree.TryDelete(new Key(0, ItemType.QgroupLimit, id));
            QgroupRelations relations = new(_tree);
            foreach (ulong parent in relations.ParentsOf(id))
                relations.Remove(id, parent);
            any = true;
        }

        _removed.Clear();
        return any;
    }
}
