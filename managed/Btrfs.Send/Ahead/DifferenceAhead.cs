using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;
using Btrfs.Storage;

namespace Btrfs.Send.Ahead;

/// <summary>
/// Compares two snapshots in front of the send that does. Beside the leaves that differ, a send looks at the directories of what lies in them: for each change that is two or three
/// leaves more, which nothing leads to before the names are read. They are asked for here and not waited for.
/// </summary>
internal sealed class DifferenceAhead
{
    private readonly TreeComparison _comparison;
    private readonly TreeCursor _send;
    private readonly TreeCursor _parent;
    private readonly SendLead _lead;
    private ulong _directory;

    public DifferenceAhead(FsInfo fs, RootRecord send, RootRecord parent, SendLead lead)
    {
        _comparison = new TreeComparison(fs.Blocks, send.Tree, parent.Tree, readsAhead: true);
        _send = fs.OpenCursor(send.Tree);
        _parent = fs.OpenCursor(parent.Tree);
        _lead = lead;
    }

    public void Walk()
    {
        ExtentBuffer? leaf = null;
        ulong changedInode = 0;
        while (!_lead.IsStopped && _comparison.MoveNext())
        {
            Key key = _comparison.Key;
            bool isLeft = _comparison.Change != ItemChange.Deleted;
            (ExtentBuffer itemLeaf, int slot) = isLeft ? (_comparison.LeftLeaf, _comparison.LeftSlot) : (_comparison.RightLeaf, _comparison.RightSlot);
            if (itemLeaf != leaf)
            {
                if (leaf is not null)
                    _lead.EndLeaf(key.ObjectId);
                leaf = itemLeaf;
            }

            if (key.Type == ItemType.InodeItem && _comparison.Change != ItemChange.Same)
                changedInode = key.ObjectId;
            else if (NameRefEnumerator.IsNameItem(key.Type))
                AskForDirectories(new NameRefEnumerator(key, itemLeaf.Leaf.Data(slot)), key.ObjectId == changedInode || _comparison.Change != ItemChange.Same);
            else if (key.Type == ItemType.ExtentData && isLeft && _comparison.Change != ItemChange.Same)
                _lead.Plan(FileExtent.At(itemLeaf, slot));
        }
    }

    // Even of a name that has not changed the send asks whether its directory has.
    private void AskForDirectories(NameRefEnumerator names, bool withEntries)
    {
        foreach (NameRef name in names)
        {
            if (name.Parent != _directory)
                AskFor(new Key(name.Parent, ItemType.InodeItem, 0));
            _directory = name.Parent;
            if (withEntries)
                AskFor(new Key(name.Parent, ItemType.DirItem, NameHash.OfName(name.Name)));
        }
    }

    private void AskFor(Key key)
    {
        _send.Prefetch(key);
        _parent.Prefetch(key);
    }
}
