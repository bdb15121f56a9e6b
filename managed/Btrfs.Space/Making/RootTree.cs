using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>The tree of tree roots, with the directory that names the default subvolume.</summary>
internal sealed class RootTree(MakePlan plan, TreeSet trees)
{
    private const ulong InitialSize = 3;

    public void Fill(TreeDraft draft)
    {
        foreach (TreeShape shape in trees.InRootTree())
            draft.Add(new Key(shape.Owner, ItemType.RootItem, 0), MakeRoot(shape));

        FileTrees.AddTopDirectory(draft, ObjectIds.RootTreeDir, FileTrees.MakeTopDirectory(plan, plan.Time));
        AddDefault(draft, "default"u8);
    }

    private static void AddDefault(TreeDraft draft, ReadOnlySpan<byte> name)
    {
        draft.Add(new Key(ObjectIds.FsTree, ItemType.InodeRef, ObjectIds.RootTreeDir), FileTrees.MakeRef(name));
        byte[] entry = new byte[DirItem.Size + name.Length];
        MemoryMarshal.Write(entry, new DirItem
        {
            Location = new DiskKey(new Key(ObjectIds.FsTree, ItemType.RootItem, ulong.MaxValue)),
            NameLength = (ushort)name.Length,
            Type = DirEntryType.Directory,
        });
        name.CopyTo(entry.AsSpan(DirItem.Size));
        draft.Add(new Key(ObjectIds.RootTreeDir, ItemType.DirItem, NameHash.OfName(name)), entry);
    }

    private RootItem MakeRoot(TreeShape shape)
    {
        RootItem root = new()
        {
            // The inode in a root item is a leftover: nobody reads it, and all tools fill it so.
            Inode = new InodeItem
            {
                Generation = 1,
                FileSize = InitialSize,
                NBytes = (ulong)plan.NodeSize,
                NLink = 1,
                Mode = FileTrees.DirectoryMode,
            },
            Generation = MakeSettings.Generation,
            GenerationV2 = MakeSettings.Generation,
            Bytenr = shape.Root(plan.NodeSize).Value,
            BytesUsed = (ulong)(shape.Count * plan.NodeSize),
            Refs = 1,
            Level = shape.Level,
        };
        if (shape.Owner is ObjectIds.FsTree or ObjectIds.DataRelocTree)
            root.RootDirId = ObjectIds.FirstFree;
        if (shape.Owner == ObjectIds.FsTree)
        {
            root.Uuid = plan.Uuids.Subvolume;
            root.CTime = plan.Time;
            root.OTime = plan.Time;
        }

        return root;
    }
}
