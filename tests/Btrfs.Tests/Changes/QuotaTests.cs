using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Subvolumes;
using Btrfs.Space.Transactions;
using static Btrfs.Tests.Changes.NewImage;

namespace Btrfs.Tests.Changes;

public sealed class QuotaTests
{
    private const ulong Projects = (1UL << 48) | 7;
    private const ulong All = (2UL << 48) | 9;

    [Test]
    public void Simple_quotas_count_for_every_group_above_a_subvolume_and_for_each_once()
    {
        using NewImage image = new(features: "squota");
        ulong subvolume = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        image.Reopen();
        AddGroups(image, subvolume, Referenced(image, subvolume));
        ulong before = Referenced(image, subvolume);

        Write(image, subvolume, "file", 100_000);
        image.Reopen();
        Assert.That(Referenced(image, subvolume), Is.EqualTo(before + 102_400));
        Assert.That((Referenced(image, Projects), Referenced(image, All)), Is.EqualTo((before + 102_400, before + 102_400)));

        image.Subvolumes.Get(subvolume).Unlink(TopDirectory, "file"u8);
        image.Reopen();
        Assert.That((Referenced(image, subvolume), Referenced(image, Projects), Referenced(image, All)), Is.EqualTo((before, before, before)));
    }

    [Test]
    public void What_is_made_below_a_subvolume_joins_its_simple_groups_and_leaves_them_when_it_is_deleted()
    {
        using NewImage image = new(features: "squota");
        ulong subvolume = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        image.Reopen();
        ulong alone = Referenced(image, subvolume);
        AddGroups(image, subvolume, alone);
        ulong below = image.Operations.Create(subvolume, TopDirectory, "below"u8);
        ulong snapshot = image.Operations.Snapshot(subvolume, ObjectIds.FsTree, TopDirectory, "snapshot"u8, isReadOnly: false);
        Write(image, below, "file", 100_000);
        Write(image, snapshot, "file", 100_000);
        image.Reopen();
        Assert.That(HasRelation(image, below, Projects) && HasRelation(image, Projects, below));
        Assert.That(HasRelation(image, snapshot, Projects), Is.False);
        Assert.That(Referenced(image, All), Is.EqualTo(Referenced(image, subvolume) + Referenced(image, below)));

        image.Operations.Delete(subvolume, TopDirectory, "below"u8);
        new SubvolumeCleaner(image.Subvolumes).Run();
        image.Reopen();
        Assert.That(HasItem(image, new Key(0, ItemType.QgroupInfo, below)) || HasItem(image, new Key(0, ItemType.QgroupLimit, below)), Is.False);
        Assert.That(HasRelation(image, below, Projects) || HasRelation(image, Projects, below), Is.False);
        Assert.That(Referenced(image, All), Is.EqualTo(Referenced(image, subvolume)));
    }

    [Test]
    public void The_simple_group_of_a_deleted_subvolume_stays_while_others_share_what_it_is_charged_for()
    {
        using NewImage image = new(features: "squota");
        ulong subvolume = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        Write(image, subvolume, "file", 100_000);
        image.Operations.Snapshot(subvolume, ObjectIds.FsTree, TopDirectory, "snapshot"u8, isReadOnly: true);
        image.Operations.Delete(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        new SubvolumeCleaner(image.Subvolumes).Run();
        image.Reopen();
        Assert.That(Referenced(image, subvolume), Is.GreaterThanOrEqualTo(102_400));
    }

    [Test]
    public void The_full_group_of_a_deleted_subvolume_goes_with_it()
    {
        using NewImage image = new(features: "quota");
        ulong subvolume = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        AddGroups(image, subvolume, 0);
        image.Operations.Delete(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        new SubvolumeCleaner(image.Subvolumes).Run();
        image.Reopen();
        Assert.That(HasItem(image, new Key(0, ItemType.QgroupInfo, subvolume)) || HasRelation(image, Projects, subvolume), Is.False);
        Assert.That(HasRelation(image, Projects, All));
    }

    private static void Write(NewImage image, ulong subvolume, string name, int bytes)
    {
        SubvolumeWriter writer = image.Subvolumes.Get(subvolume);
        writer.Write(writer.Create(TopDirectory, Bytes(name), new NewInode { Mode = RegularMode }), 0, Random(1, bytes));
    }

    // 2/9 over 1/7 and over the subvolume too: two ways lead up.
    private static void AddGroups(NewImage image, ulong subvolume, ulong referenced)
    {
        using (Transaction part = image.Writer.Begin(20))
        {
            Tree tree = part.GetTree(ObjectIds.QuotaTree);
            foreach (ulong group in new[] { Projects, All })
            {
                QgroupInfoItem info = new() { Referenced = referenced, Exclusive = referenced };
                tree.Insert(new Key(0, ItemType.QgroupInfo, group), System.Runtime.InteropServices.MemoryMarshal.AsBytes([info]));
                tree.Insert(new Key(0, ItemType.QgroupLimit, group), QgroupLimitItem.Size);
            }

            foreach ((ulong member, ulong parent) in new[] { (subvolume, Projects), (Projects, All), (subvolume, All) })
            {
                tree.Insert(new Key(member, ItemType.QgroupRelation, parent), 0);
                tree.Insert(new Key(parent, ItemType.QgroupRelation, member), 0);
            }

            part.Complete();
        }

        image.Reopen();
    }

    private static ulong Referenced(NewImage image, ulong group)
    {
        TreeCursor cursor = Open(image);
        Assert.That(cursor.Seek(new Key(0, ItemType.QgroupInfo, group)));
        QgroupInfoItem info = cursor.Record<QgroupInfoItem>();
        Assert.That(info.Exclusive, Is.EqualTo(info.Referenced));
        return info.Referenced;
    }

    private static bool HasRelation(NewImage image, ulong one, ulong other) => HasItem(image, new Key(one, ItemType.QgroupRelation, other));

    private static bool HasItem(NewImage image, Key key) => Open(image).Seek(key);

    private static TreeCursor Open(NewImage image) => image.Writer.Committed.OpenCursor(image.Writer.Committed.GetRoot(ObjectIds.QuotaTree).Tree);
}
