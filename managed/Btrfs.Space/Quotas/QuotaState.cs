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

    /// <summary>A new subvolume gets a group of its own, without a limit.</summary>
    public void AddSubvolume(ulong id, ulong generation)
    {
        if (_tree is null || !ObjectIds.IsFileTree(id) || _tree.TryGet(new Key(0, ItemType.QgroupInfo, id), out _))
            return;

        QgroupInfoItem info = new() { Generation = generation };
        _tree.Insert(new Key(0, ItemType.QgroupInfo, id), MemoryMarshal.AsBytes([info]));
        _tree.Insert(new Key(0, ItemType.QgroupLimit, id), QgroupLimitItem.Size);
    }
}
