using Btrfs.Format;

namespace Btrfs.Ctree;

public sealed partial class Tree
{
    /// <summary>Deletes an item. False where there is none.</summary>
    public bool TryDelete(Key key)
    {
        if (!Search(key))
            return false;

        DeleteAtPath(1);
        return true;
    }

    /// <summary>As <see cref="TryDelete"/>, for an item that must be there.</summary>
    public void Delete(Key key)
    {
        Find(key);
        DeleteAtPath(1);
    }

    /// <summary>Deletes every item from <paramref name="first"/> to <paramref name="last"/>, both included, leaf by leaf.</summary>
    /// <returns>How many there were.</returns>
    public int DeleteRange(Key first, Key last)
    {
        int deleted = 0;
        Key from = first;
        while (from <= last)
        {
            Search(from);
            bool hasMore = _hasHigh;
            Key next = _high;
            (int end, bool isIncluded) = Leaf.Leaf.Search(last);
            int howMany = end + (isIncluded ? 1 : 0) - _slots[0];
            if (howMany > 0)
            {
                DeleteAtPath(howMany);
                deleted += howMany;
            }

            if (!hasMore)
                break;
            from = next;
        }

        return deleted;
    }

    private void DeleteAtPath(int howMany)
    {
        LeafEditor leaf = BeginEdit();
        leaf.Delete(_slots[0], howMany);
        if (Root.Level == 0)
            return;

        if (leaf.Count == 0)
        {
            RemoveEmptyLeaf();
            return;
        }

        if (_slots[0] == 0)
            FixFirstKeys(0, leaf.View.Key(0));
        if (UsedBytes(Leaf) < LeafCapacity / 3)
            TryMerge(0);
    }
}
