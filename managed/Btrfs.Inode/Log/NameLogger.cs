using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Inode.Log;

/// <summary>
/// Judges whether a replay can bring names to what they are now. It adds names to the last commit and takes the place of others for that; what it can't do is move
/// something that is not in the log. So the answer is no where a name that the commit has was taken from an inode that is still there, or where
/// a name stands for what the commit has as something else that lives on: to lose that would be worse than to commit.
/// </summary>
internal sealed class NameLogger(Change change, CommittedFiles committed)
{
    /// <summary>An inode with more names is not worth it.</summary>
    public const int MaxNames = 256;

    /// <summary>What the commit has of an inode: null if it is of this transaction. False if its number was another's, which a replay would mix with it.</summary>
    public bool TryFindCommitted(ulong inode, in InodeItem item, out InodeItem? before)
    {
        bool found = committed.TryGetInode(inode, out InodeItem held);
        before = found ? held : null;
        return !found || held.Generation.Value == item.Generation.Value;
    }

    /// <summary>Whether all names of an inode can be told; those that the commit has not are added to <paramref name="added"/>.</summary>
    public bool CanTell(ulong inode, bool isNew, List<InodeName> added)
    {
        List<InodeName>? now = InodeName.ReadAll(change.Tree.OpenCursor(), inode, MaxNames);
        List<InodeName>? before = isNew ? [] : committed.ReadNames(inode, MaxNames);
        if (now is null || before is null)
            return false;
        foreach (InodeName name in before)
        {
            if (!now.Contains(name))
                return false;
        }

        foreach (InodeName name in now)
        {
            if (before.Contains(name))
                continue;
            if (committed.HasOtherAt(name.Parent, name.Index, name.Name) || !CanReplace(name, inode))
                return false;
            added.Add(name);
        }

        return true;
    }

    /// <summary>Whether what the commit has in an entry is gone for good: a file that had this name alone, so that nothing of it is left.</summary>
    public bool IsGone(in EntryTarget target)
    {
        if (target.IsSubvolume || target.Type == DirEntryType.Directory)
            return false;
        ulong inode = target.Location.ObjectId;
        bool isAlive = change.TryGetInode(inode, out InodeItem item) && item.NLink.Value > 0;
        return !isAlive && committed.TryGetInode(inode, out InodeItem held) && held.NLink.Value == 1;
    }

    private bool CanReplace(in InodeName name, ulong inode) =>
        !committed.TryLookup(name.Parent, name.Name, out EntryTarget held)
        || (!held.IsSubvolume && held.Location.ObjectId == inode)
        || IsGone(held);
}
