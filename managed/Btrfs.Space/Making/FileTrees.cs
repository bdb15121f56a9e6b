using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>The trees of files, empty but for their top directories, and what is kept about them.</summary>
internal sealed class FileTrees(MakePlan plan)
{
    /// <summary>rwxr-xr-x.</summary>
    public const uint DirectoryMode = InodeMode.Directory | 0x1ED;

    private const ulong QuotaOn = 1 << 0;
    private const ulong QuotaSimpleMode = 1 << 3;
    private const ulong QuotaVersion = 1;

    public void FillFsTree(TreeDraft draft) => AddTopDirectory(draft, ObjectIds.FirstFree, MakeTopDirectory(plan, plan.Time));

    public void FillDataRelocTree(TreeDraft draft)
    {
        InodeItem inode = MakeTopDirectory(plan, default);
        inode.NBytes = 0;
        AddTopDirectory(draft, ObjectIds.FirstFree, inode);
    }

    public void FillUuidTree(TreeDraft draft) =>
        draft.Add(plan.Uuids.Subvolume.ToKey(ItemType.UuidKeySubvol), new Le64(ObjectIds.FsTree));

    /// <param name="draft">The quota tree.</param>
    /// <param name="usedBytes">Of the top-level subvolume's tree blocks, which are all its own.</param>
    public void FillQuotaTree(TreeDraft draft, ulong usedBytes)
    {
        bool isSimple = plan.Settings.Has(MakeFeatures.SimpleQuota);
        byte[] status = new byte[QgroupStatusItem.Size + (isSimple ? sizeof(ulong) : 0)];
        MemoryMarshal.Write(status, new QgroupStatusItem
        {
            Version = QuotaVersion,
            Generation = MakeSettings.Generation,
            Flags = QuotaOn | (isSimple ? QuotaSimpleMode : 0),
        });

        // Simple quotas count extents from this generation on: here, all of them.
        if (isSimple)
            MemoryMarshal.Write(status.AsSpan(QgroupStatusItem.Size), new Le64(MakeSettings.Generation));

        draft.Add(new Key(0, ItemType.QgroupStatus, 0), status);
        draft.Add(new Key(0, ItemType.QgroupInfo, ObjectIds.FsTree), new QgroupInfoItem
        {
            Generation = MakeSettings.Generation,
            Referenced = usedBytes,
            ReferencedCompressed = usedBytes,
            Exclusive = usedBytes,
            ExclusiveCompressed = usedBytes,
        });
        draft.Add(new Key(0, ItemType.QgroupLimit, ObjectIds.FsTree), default(QgroupLimitItem));
    }

    /// <summary>The inode of a directory that is its own parent, with its one name.</summary>
    public static void AddTopDirectory(TreeDraft draft, ulong inode, in InodeItem item)
    {
        draft.Add(new Key(inode, ItemType.InodeItem, 0), item);
        draft.Add(new Key(inode, ItemType.InodeRef, inode), MakeRef(".."u8));
    }

    /// <param name="plan">Of the file system.</param>
    /// <param name="otime">When the inode was made, which mkfs.btrfs leaves out in the tree for relocation.</param>
    public static InodeItem MakeTopDirectory(MakePlan plan, DiskTime otime) => new()
    {
        Generation = MakeSettings.Generation,
        NBytes = (ulong)plan.NodeSize,
        NLink = 1,
        Mode = DirectoryMode,
        ATime = plan.Time,
        CTime = plan.Time,
        MTime = plan.Time,
        OTime = otime,
    };

    /// <summary>An inode reference with index 0.</summary>
    public static byte[] MakeRef(ReadOnlySpan<byte> name)
    {
        byte[] data = new byte[InodeRef.Size + name.Length];
        MemoryMarshal.Write(data, new InodeRef { NameLength = (ushort)name.Length });
        name.CopyTo(data.AsSpan(InodeRef.Size));
        return data;
    }
}
