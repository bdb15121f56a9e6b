using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Names;
using Btrfs.Inode.Subvolumes;
using Btrfs.Space.Transactions;
using static Btrfs.Tests.Changes.NewImage;

namespace Btrfs.Tests.Changes;

public sealed class SubvolumeTests
{
    [Test]
    public void A_snapshot_stays_as_it_was()
    {
        using NewImage image = new();
        ulong subvolume = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        SubvolumeWriter writer = image.Subvolumes.Get(subvolume);
        ulong file = writer.Create(TopDirectory, "file"u8, new NewInode { Mode = RegularMode });
        writer.Write(file, 0, Random(1, 50_000));
        ulong snapshot = image.Operations.Snapshot(subvolume, ObjectIds.FsTree, TopDirectory, "snapshot"u8, isReadOnly: true);
        writer.Write(file, 0, Random(2, 50_000));
        writer.Unlink(TopDirectory, "file"u8);
        image.Reopen();

        Assert.That(image.Content(file, snapshot), Is.EqualTo(Random(1, 50_000)));
        Assert.That(
            () => image.Subvolumes.Get(snapshot).Write(file, 0, "x"u8),
            Throws.TypeOf<FileOperationException>().With.Property(nameof(FileOperationException.Error)).EqualTo(FileError.ReadOnlySubvolume));
        SubvolumeInfo info = new SubvolumeTable(image.Writer.Committed).Get(snapshot);
        Assert.That(info.Root.Item.ParentUuid, Is.EqualTo(new SubvolumeTable(image.Writer.Committed).Get(subvolume).Root.Item.Uuid));
        Assert.That((info.ParentId, info.Root.IsReadOnly), Is.EqualTo((ObjectIds.FsTree, true)));
    }

    [Test]
    public void A_directory_replaces_what_stands_for_a_subvolume_that_is_elsewhere_and_no_subvolume()
    {
        using NewImage image = new();
        ulong source = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "source"u8);
        ulong inner = image.Operations.Create(source, TopDirectory, "inner"u8);
        ulong snapshot = image.Operations.Snapshot(source, ObjectIds.FsTree, TopDirectory, "snapshot"u8, isReadOnly: false);
        SubvolumeWriter writer = image.Subvolumes.Get(snapshot);
        ulong directory = writer.Create(TopDirectory, "directory"u8, new NewInode { Mode = DirectoryMode });
        writer.Rename(TopDirectory, "directory"u8, TopDirectory, "inner"u8);
        image.Subvolumes.Get(source).Create(TopDirectory, "directory"u8, new NewInode { Mode = DirectoryMode });
        AssertRefused(FileError.NotEmpty, () => image.Subvolumes.Get(source).Rename(TopDirectory, "directory"u8, TopDirectory, "inner"u8));
        image.Reopen();

        Assert.That(image.Names(root: snapshot), Is.EqualTo(new[] { "inner" }));
        Assert.That(image.Read(snapshot).TryLookup(TopDirectory, "inner"u8, out DirEntry entry), Is.True);
        Assert.That(entry.Location, Is.EqualTo(new Key(directory, ItemType.InodeItem, 0)));
        Assert.That(new SubvolumeTable(image.Writer.Committed).Get(inner).ParentId, Is.EqualTo(source));
    }

    [Test]
    public void A_deleted_subvolume_is_freed_step_by_step_and_over_openings()
    {
        using NewImage image = new();
        ulong subvolume = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        SubvolumeWriter writer = image.Subvolumes.Get(subvolume);
        for (int i = 0; i < 2000; i++)
            writer.Create(TopDirectory, Bytes($"file{i}"), new NewInode { Mode = RegularMode });
        image.Reopen();
        ulong used = image.Writer.Committed.Superblock.BytesUsed;
        image.Operations.Delete(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        image.Reopen();
        Assert.That(image.Names(), Is.Empty);

        OrphanCleaner.Run(image.Subvolumes);
        image.Reopen();
        Assert.That(image.Writer.Committed.TryFindRoot(subvolume), Is.Null);
        Assert.That(image.Writer.Committed.Superblock.BytesUsed.Value, Is.LessThan(used - (200 << 10)));
        Assert.That(new SubvolumeCleaner(image.Subvolumes).HasWork, Is.False);
    }

    [Test]
    public void A_subvolume_takes_the_place_of_an_empty_directory_of_another()
    {
        using NewImage image = new();
        ulong moved = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "moved"u8);
        ulong other = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "other"u8);
        SubvolumeWriter writer = image.Subvolumes.Get(other);
        ulong full = writer.Create(TopDirectory, "full"u8, new NewInode { Mode = DirectoryMode });
        writer.Create(full, "file"u8, new NewInode { Mode = RegularMode });
        writer.Create(TopDirectory, "empty"u8, new NewInode { Mode = DirectoryMode });

        AssertRefused(FileError.NotEmpty, () => image.Top.Rename(TopDirectory, "moved"u8, writer, TopDirectory, "full"u8));
        AssertRefused(FileError.CrossSubvolume, () => image.Top.Rename(TopDirectory, "moved"u8, writer, TopDirectory, "empty"u8, RenameFlags.Exchange));
        image.Top.Rename(TopDirectory, "moved"u8, writer, TopDirectory, "empty"u8);
        image.Reopen();
        SubvolumeInfo info = new SubvolumeTable(image.Writer.Committed).Get(moved);
        Assert.That((info.ParentId, System.Text.Encoding.UTF8.GetString(info.Name)), Is.EqualTo((other, "empty")));
        Assert.That(image.Names(), Is.EqualTo(new[] { "other" }));
    }

    [Test]
    public void Of_two_reasons_to_refuse_the_kernel_s_first_is_told()
    {
        using NewImage image = new();
        ulong subvolume = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "subvolume"u8);
        SubvolumeWriter writer = image.Subvolumes.Get(subvolume);
        ulong file = writer.Create(TopDirectory, "file"u8, new NewInode { Mode = RegularMode });
        writer.SetFlags(file, InodeFlags.Immutable);
        ulong loose = writer.Create(TopDirectory, "loose"u8, new NewInode { Mode = RegularMode });
        ulong outside = image.CreateFile("outside");
        image.Operations.SetReadOnly(subvolume, isReadOnly: true);

        AssertRefused(FileError.Exists, () => writer.Create(TopDirectory, "file"u8, new NewInode { Mode = RegularMode }));
        AssertRefused(FileError.NameTooLong, () => writer.Create(TopDirectory, new byte[256].AsSpan(), new NewInode { Mode = RegularMode }));
        AssertRefused(FileError.NotFound, () => writer.Unlink(TopDirectory, "none"u8));
        AssertRefused(FileError.ReadOnlySubvolume, () => writer.Unlink(TopDirectory, "file"u8));
        AssertRefused(FileError.NotPermitted, () => writer.SetAttributes(file, new AttributeChange { Uid = 1 }));
        AssertRefused(FileError.ReadOnlySubvolume, () => writer.Link(image.Top, outside, TopDirectory, "link"u8));
        AssertRefused(FileError.CrossSubvolume, () => image.Top.Link(writer, loose, TopDirectory, "link"u8));
    }

    [Test]
    public void What_holds_subvolumes_or_is_the_default_is_not_deleted()
    {
        using NewImage image = new();
        ulong outer = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "outer"u8);
        ulong inner = image.Operations.Create(outer, TopDirectory, "inner"u8);
        Assert.That(() => image.Operations.Delete(ObjectIds.FsTree, TopDirectory, "outer"u8), Throws.TypeOf<FileOperationException>());
        image.Operations.SetDefault(inner);
        Assert.That(() => image.Operations.Delete(outer, TopDirectory, "inner"u8), Throws.TypeOf<FileOperationException>());
        image.Reopen();
        Assert.That(new SubvolumeTable(image.Writer.Committed).DefaultId, Is.EqualTo(inner));

        image.Operations.SetDefault(ObjectIds.FsTree);
        image.Subvolumes.Get(outer).Rename(TopDirectory, "inner"u8, image.Top, TopDirectory, "moved"u8);
        image.Operations.Delete(ObjectIds.FsTree, TopDirectory, "outer"u8);
        image.Reopen();
        Assert.That(image.Names(), Is.EqualTo(new[] { "moved" }));
    }

    [Test]
    public void What_was_received_is_forgotten_when_it_may_be_changed()
    {
        using NewImage image = new();
        ulong id = image.Operations.Create(ObjectIds.FsTree, TopDirectory, "received"u8);
        Uuid uuid = new(Random(5, Uuid.Size));
        image.Operations.SetReceived(id, uuid, 77, new DiskTime(1000, 5));
        image.Operations.SetReadOnly(id, true);
        image.Reopen();
        RootItem item = image.Writer.Committed.GetRoot(id).Item;
        Assert.That((item.ReceivedUuid, item.STransId.Value, item.STime), Is.EqualTo((uuid, 77ul, new DiskTime(1000, 5))));
        using (Transaction part = image.Writer.Begin(0))
            Assert.That(part.GetTree(ObjectIds.UuidTree).TryGet(uuid.ToKey(ItemType.UuidKeyReceivedSubvol), out _));

        image.Operations.SetReadOnly(id, false);
        image.Reopen();
        item = image.Writer.Committed.GetRoot(id).Item;
        Assert.That((item.ReceivedUuid.IsZero, item.STransId.Value, item.RTransId.Value), Is.EqualTo((true, 0ul, 0ul)));
        using (Transaction part = image.Writer.Begin(0))
            Assert.That(part.GetTree(ObjectIds.UuidTree).TryGet(uuid.ToKey(ItemType.UuidKeyReceivedSubvol), out _), Is.False);
    }

    [Test]
    public void A_large_file_that_lost_its_name_is_cleaned_up_with_the_next_opening()
    {
        using NewImage image = new();
        ulong file = image.CreateFile("file");
        for (int i = 0; i < 400; i++)
            image.Top.Write(file, (ulong)i * 8192, Random(i, 4096));
        image.Reopen();
        using (Transaction part = image.Writer.Begin(100))
        {
            Change change = new(part, image.Top);
            Assert.That(LinkOperations.Unlink(change, TopDirectory, "file"u8), Is.EqualTo(file));
            change.Finish();
            part.Complete();
        }

        image.Reopen();
        Assert.That(image.Read().GetStatus(file).LinkCount, Is.Zero);
        Assert.That(OrphanCleaner.Run(image.Subvolumes), Is.EqualTo(1));
        image.Reopen();
        Assert.That(image.Read().TryGetInode(file, out _), Is.False);
    }
}
