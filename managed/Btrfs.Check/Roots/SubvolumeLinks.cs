using Btrfs.Check.Walking;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Check.Roots;

/// <summary>Root items, and that each subvolume hangs where the root tree says it does.</summary>
internal sealed class SubvolumeLinks(CheckState state, RootScan roots)
{
    private readonly Dictionary<ulong, RootRecord> _files = [];

    public void Compare()
    {
        foreach (RootRecord root in roots.Roots)
        {
            CheckItem(root);
            if (ObjectIds.IsFileTree(root.Id))
                _files[root.Id] = root;
        }

        CompareLinks();
        CompareOrphans();
        if (roots.Default is { } location && (location.Type != ItemType.RootItem || !_files.TryGetValue(location.ObjectId, out RootRecord? chosen) || chosen.Item.Refs == 0))
            state.Log.Add(FindingKind.DefaultSubvolume, ObjectIds.RootTree, location, $"the default subvolume is {location}, which does not exist");
    }

    private void CheckItem(RootRecord root)
    {
        ulong generation = state.Fs.Superblock.Generation;
        if (root.Item.Generation > generation)
            Tell(FindingKind.RootItem, root, $"has generation {root.Item.Generation}, the superblock {generation}");
        if (!ObjectIds.IsFileTree(root.Id))
            return;

        if (root.Item.RootDirId != ObjectIds.FirstFree)
            Tell(FindingKind.RootItem, root, $"has its top directory at {root.Item.RootDirId} instead of {ObjectIds.FirstFree}");
        if (root.Item.Refs > 1)
            Tell(FindingKind.RootItem, root, $"counts {root.Item.Refs} references");
    }

    private void CompareLinks()
    {
        foreach (RootLink link in roots.Refs)
        {
            if (!roots.Backrefs.Contains(link))
                TellLink(link, "has no back reference that agrees");
            if (!_files.ContainsKey(link.Child))
                TellLink(link, "is of a subvolume that does not exist");
            else
                RequireEntry(link);
        }

        HashSet<ulong> linked = [];
        foreach (RootLink link in roots.Backrefs)
        {
            if (!roots.Refs.Contains(link))
                TellLink(link, "has a back reference only, or one that differs");
            if (!linked.Add(link.Child))
                TellLink(link, "is of a subvolume that hangs in two places");
        }

        foreach (RootRecord root in _files.Values)
        {
            if (root.Id != ObjectIds.FsTree && root.Item.Refs > 0 && !linked.Contains(root.Id))
                Tell(FindingKind.RootRef, root, "hangs nowhere");
        }
    }

    private void RequireEntry(RootLink link)
    {
        if (!_files.TryGetValue(link.Parent, out RootRecord? parent))
        {
            TellLink(link, "is in a subvolume that does not exist");
            return;
        }

        ReadOnlySpan<byte> name = Convert.FromHexString(link.Name);
        TreeCursor cursor = state.Fs.OpenCursor(parent.Tree);
        try
        {
            if (!cursor.TryFind(new Key(link.Directory, ItemType.DirItem, NameHash.OfName(name))) || !LeadsTo(cursor, name, link.Child))
                TellLink(link, "has no directory entry that agrees");
            if (!cursor.TryFind(new Key(link.Directory, ItemType.DirIndex, link.Index)) || !LeadsTo(cursor, name, link.Child))
                TellLink(link, "has no directory index that agrees");
        }
        catch (CorruptMetadataException)
        {
            // The walk over the parent has told of the block.
        }
    }

    private static bool LeadsTo(TreeCursor cursor, ReadOnlySpan<byte> name, ulong child) =>
        DirEntryEnumerator.TryFind(cursor.Data, name, out DirEntry entry) && entry.IsSubvolume && entry.Location.ObjectId == child;

    private void CompareOrphans()
    {
        foreach (RootRecord root in _files.Values)
        {
            bool isOrphan = roots.Orphans.Contains(root.Id) && !roots.Inodes.Contains(root.Id);
            if (root.Item.Refs == 0)
                state.Totals.Orphans++;
            if (root.Item.Refs == 0 && !roots.Orphans.Contains(root.Id))
                Tell(FindingKind.MissingOrphanItem, root, "is deleted and has no orphan item");
            else if (root.Item.Refs > 0 && isOrphan)
                Tell(FindingKind.StaleOrphanItem, root, "has an orphan item, and is not deleted");
        }
    }

    private void TellLink(RootLink link, string what) => state.Log.Add(
        FindingKind.RootRef,
        ObjectIds.RootTree,
        new Key(link.Parent, ItemType.RootRef, link.Child),
        $"the link of subvolume {link.Child} in subvolume {link.Parent}, directory {link.Directory}, index {link.Index}, {what}");

    private void Tell(FindingKind kind, RootRecord root, string what) => state.Log.Add(kind, ObjectIds.RootTree, root.Key, $"tree {(long)root.Id} {what}");
}
