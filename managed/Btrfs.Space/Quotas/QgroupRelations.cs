using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Quotas;

/// <summary>
/// Which quota groups are members of which. Each relation stands in the quota tree twice, under either group; a member's level is below its parent's, so its id is
/// the smaller one.
/// </summary>
internal sealed class QgroupRelations(Tree quotaTree)
{
    /// <summary>The groups that a group is a member of, itself.</summary>
    public List<ulong> ParentsOf(ulong id)
    {
        List<ulong> parents = [];
        TreeCursor cursor = quotaTree.OpenCursor();
        cursor.Seek(new Key(id, ItemType.QgroupRelation, id + 1));
        for (; cursor.IsValid && cursor.Key.ObjectId == id && cursor.Key.Type == ItemType.QgroupRelation; cursor.MoveNext())
            parents.Add(cursor.Key.Offset);
        return parents;
    }

    /// <summary>A group and all above it, each once, however many ways lead there.</summary>
    public List<ulong> WithAncestors(ulong id)
    {
        List<ulong> found = [id];
        for (int i = 0; i < found.Count; i++)
        {
            foreach (ulong parent in ParentsOf(found[i]))
            {
                if (!found.Contains(parent))
                    found.Add(parent);
            }
        }

        return found;
    }

    public void Add(ulong member, ulong parent)
    {
        quotaTree.Set(new Key(member, ItemType.QgroupRelation, parent), []);
        quotaTree.Set(new Key(parent, ItemType.QgroupRelation, member), []);
    }

    public void Remove(ulong member, ulong parent)
    {
        quotaTree.TryDelete(new Key(member, ItemType.QgroupRelation, parent));
        quotaTree.TryDelete(new Key(parent, ItemType.QgroupRelation, member));
    }
}
