using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Quotas;

/// <summary>
/// Accounts of simple quotas: each extent is charged, for as long as it lives, to the subvolume that it was made for, whoever shares it later, and to
/// every group above that one's.
/// Only extents from after quotas were switched on count.
/// </summary>
internal sealed class SimpleQuota(Tree quotaTree, ulong enabledSince)
{
    private readonly Dictionary<ulong, long> _changes = [];

    public void Charge(ulong root, ulong bytes, ulong generation) => Change(root, (long)bytes, generation);

    public void Discharge(ulong root, ulong bytes, ulong generation) => Change(root, -(long)bytes, generation);

    /// <summary>Writes what has come together to the quota tree. Writing changes blocks of its own, so this is done until nothing is left.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool Flush(ulong generation)
    {
        if (_changes.Count == 0)
            return false;

        QgroupRelations relations = new(quotaTree);
        foreach ((ulong root, long bytes) in _changes)
        {
            if (bytes == 0)
                continue;
            foreach (ulong id in relations.WithAncestors(root))
                Add(id, bytes, generation);
        }

        _changes.Clear();
        return true;
    }

    private void Add(ulong id, long bytes, ulong generation)
    {
        if (!quotaTree.TryEdit(new Key(0, ItemType.QgroupInfo, id), out Span<byte> data))
            return;

        ref QgroupInfoItem info = ref MemoryMarshal.AsRef<QgroupInfoItem>(data);
        info.Generation = generation;
        info.Referenced += (ulong)bytes;
        info.ReferencedCompressed += (ulong)bytes;
        info.Exclusive += (ulong)bytes;
        info.ExclusiveCompressed += (ulong)bytes;
    }

    private void Change(ulong root, long bytes, ulong generation)
    {
        if (generation < enabledSince || !ObjectIds.IsFileTree(root) || root == ObjectIds.DataRelocTree)
            return;

        CollectionsMarshal.GetValueRefOrAddDefault(_changes, root, out _) += bytes;
    }
}
