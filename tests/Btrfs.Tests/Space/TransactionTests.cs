using System.Runtime.InteropServices;
using System.Text;
using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using Btrfs.Storage;
using Btrfs.Tests.Making;

namespace Btrfs.Tests.Space;

public sealed class TransactionTests
{
    [Test]
    public void A_commit_raises_the_generation_by_one_and_none_without_a_change_does()
    {
        MadeImage image = new(new MakeOptions());
        using FsWriter writer = image.OpenForWriting();
        ulong before = writer.Committed.Superblock.Generation;
        writer.Commit();
        Assert.That(writer.Committed.Superblock.Generation.Value, Is.EqualTo(before));
        AddXattr(writer, "user.a");
        writer.Commit();
        Assert.That(writer.Committed.Superblock.Generation.Value, Is.EqualTo(before + 1));
        AssertClean(image);
    }

    [Test]
    public void A_committed_state_stays_as_it_was_while_the_next_one_grows()
    {
        MadeImage image = new(new MakeOptions());
        using FsWriter writer = image.OpenForWriting();
        AddXattr(writer, "user.first");
        writer.Commit();
        FsInfo old = writer.Committed;
        for (int i = 0; i < 2000; i++)
            AddXattr(writer, $"user.{i}");
        Assert.That(CountXattrs(old), Is.EqualTo(1));
        Assert.That(CountXattrs(writer.Running), Is.EqualTo(2001));
        writer.Commit();
        Assert.That(CountXattrs(writer.Committed), Is.EqualTo(2001));
        AssertClean(image);
    }

    [Test]
    public void A_change_that_ends_half_way_latches_the_file_system_and_the_disk_keeps_the_last_commit()
    {
        MadeImage image = new(new MakeOptions());
        using (FsWriter writer = image.OpenForWriting())
        {
            AddXattr(writer, "user.kept");
            writer.Commit();
            using (Transaction part = writer.Begin(1, what: "half"))
                part.GetTree(ObjectIds.FsTree).Insert(KeyOf("user.lost"), XattrOf("user.lost"));

            ReadOnlyFileSystemException? refused = Assert.Throws<ReadOnlyFileSystemException>(() => writer.Begin(1).Dispose());
            Assert.That(refused!.Message, Does.Contain("half failed half way"));
            Assert.That(writer.Commit, Throws.TypeOf<ReadOnlyFileSystemException>());
            Assert.That(writer.Failure, Is.SameAs(refused.InnerException));
        }

        using FsInfo again = image.Open();
        Assert.That(CountXattrs(again), Is.EqualTo(1));
        AssertClean(image);
    }

    [Test]
    public void What_is_refused_before_the_first_change_costs_nothing()
    {
        MadeImage image = new(new MakeOptions());
        using FsWriter writer = image.OpenForWriting();
        writer.Begin(1).Dispose();
        Assert.That(writer.Failure, Is.Null);
        AddXattr(writer, "user.a");
        writer.Commit();
        AssertClean(image);
    }

    [Test]
    public void A_device_that_fails_a_write_of_the_commit_latches_the_file_system()
    {
        MadeImage image = new(new MakeOptions { MetadataProfile = BlockGroupFlags.None });
        FaultyDevice device = new(image.Devices[0]);
        using FsWriter writer = FsWriter.Open(DeviceSet.Open([device], new DeviceOpenOptions { Writable = true }));
        AddXattr(writer, "user.a");
        device.Fail(DeviceCall.Write);
        Assert.That(writer.Commit, Throws.InstanceOf<IOException>());
        Assert.That(writer.Failure, Is.InstanceOf<IOException>());
        Assert.That(() => AddXattr(writer, "user.b"), Throws.TypeOf<ReadOnlyFileSystemException>());
    }

    [TestCase(false, 1)]
    [TestCase(false, long.MaxValue)]
    [TestCase(true, 1)]
    public void A_device_that_misses_a_write_is_found_behind_the_others_when_it_is_opened_again(bool isFlush, long count)
    {
        MadeImage image = new(new MakeOptions { DataProfile = BlockGroupFlags.Raid5, MetadataProfile = BlockGroupFlags.Raid5 }, devices: 3, megabytes: 160);
        FaultyDevice first = new(image.Devices[0]);
        using (FsWriter writer = FsWriter.Open(DeviceSet.Open([first, .. image.Devices.Skip(1)], new DeviceOpenOptions { Writable = true })))
        {
            ulong before = writer.Committed.Superblock.Generation;
            AddXattr(writer, "user.a", 3000);
            first.Fail(isFlush ? DeviceCall.Flush : DeviceCall.Write, count: count);
            writer.Commit();

            // One behind is what a power cut leaves, and that device would be taken for whole.
            Assert.That(writer.Committed.Superblock.Generation.Value, Is.EqualTo(before + 2));
            for (int i = 0; i < 20; i++)
            {
                AddXattr(writer, $"user.{i}", 3000);
                writer.Commit();
            }

            Assert.That(writer.Committed.Superblock.Generation.Value, Is.EqualTo(before + 22));
        }

        AssertClean(image);
        using FsInfo again = image.Open();
        Assert.That(CountXattrs(again), Is.EqualTo(21));
        Assert.That(again.Devices.Devices.Select(device => device.TakesWrites), Is.EqualTo(new[] { false, true, true }));
    }

    [Test]
    public void Where_a_chunk_cannot_do_without_the_device_a_missed_write_of_a_copy_is_borne()
    {
        MadeImage image = new(new MakeOptions { MetadataProfile = BlockGroupFlags.Dup });
        FaultyDevice device = new(image.Devices[0]);
        using (FsWriter writer = FsWriter.Open(DeviceSet.Open([device], new DeviceOpenOptions { Writable = true })))
        {
            AddXattr(writer, "user.a");
            device.Fail(DeviceCall.Write, count: 1);
            writer.Commit();
            AddXattr(writer, "user.b");
            writer.Commit();
            Assert.That(writer.Committed.Devices.Volume.WriteFaults, Has.One.Items);
        }

        using FsInfo again = image.Open();
        Assert.That(CountXattrs(again), Is.EqualTo(2));
        Assert.That(again.Devices.Devices[0].TakesWrites);
    }

    [Test]
    public void A_full_metadata_space_refuses_a_change_before_it_begins_and_freeing_goes_on()
    {
        MadeImage image = new(new MakeOptions(), megabytes: 120);
        using FsWriter writer = image.OpenForWriting();
        int count = 0;
        Assert.That(
            () =>
            {
                for (; count < 10_000_000; count++)
                    AddXattr(writer, $"user.{count}", 3000);
            },
            Throws.TypeOf<NoSpaceException>());
        Assert.That(writer.Failure, Is.Null);
        Assert.That(count, Is.GreaterThan(1000));
        writer.Commit();
        AssertClean(image);

        for (int i = 0; i < count; i++)
        {
            using Transaction part = writer.Begin(1, ReservePolicy.Freeing);
            part.GetTree(ObjectIds.FsTree).Delete(KeyOf($"user.{i}"));
            part.Complete();
        }

        writer.Commit();
        Assert.That(CountXattrs(writer.Committed), Is.Zero);
        AssertClean(image);
        AddXattr(writer, "user.again");
        writer.Commit();
        AssertClean(image);
    }

    [Test]
    public void Chunks_come_with_the_data_and_go_with_it()
    {
        MadeImage image = new(new MakeOptions(), megabytes: 400);
        using FsWriter writer = image.OpenForWriting();
        int before = writer.Committed.Devices.Volume.Chunks.Chunks.Count;
        List<DataExtent> extents = [];
        for (int i = 0; i < 20; i++)
        {
            using Transaction part = writer.Begin(4);
            extents.Add(part.AllocateData(8 << 20, 8 << 20));
            part.Complete();
        }

        Assert.That(writer.Committed.Devices.Volume.Chunks.Chunks, Has.Count.GreaterThan(before));
        Assert.That(extents.Select(extent => extent.Start).Distinct().Count(), Is.EqualTo(extents.Count));
        using (Transaction part = writer.Begin(4))
        {
            foreach (DataExtent extent in extents)
                part.ReturnData(extent);
            part.GetTree(ObjectIds.FsTree).Insert(KeyOf("user.a"), XattrOf("user.a"));
            part.Complete();
        }

        writer.Commit();
        AddXattr(writer, "user.b");
        writer.Commit();
        Assert.That(writer.Committed.Devices.Volume.Chunks.Chunks, Has.Count.EqualTo(before));
        AssertClean(image);
    }

    private static void AddXattr(FsWriter writer, string name, int valueBytes = 1)
    {
        using Transaction part = writer.Begin(1);
        part.GetTree(ObjectIds.FsTree).Insert(KeyOf(name), XattrOf(name, valueBytes));
        part.Complete();
    }

    private static Key KeyOf(string name) => new(ObjectIds.FirstFree, ItemType.XattrItem, NameHash.OfName(Encoding.ASCII.GetBytes(name)));

    private static byte[] XattrOf(string name, int valueBytes = 1)
    {
        byte[] item = new byte[DirItem.Size + name.Length + valueBytes];
        MemoryMarshal.Write(item, new DirItem { TransId = 1, DataLength = (ushort)valueBytes, NameLength = (ushort)name.Length, Type = DirEntryType.Xattr });
        Encoding.ASCII.GetBytes(name, item.AsSpan(DirItem.Size));
        return item;
    }

    private static int CountXattrs(FsInfo fs)
    {
        TreeCursor cursor = fs.OpenCursor(fs.GetRoot(ObjectIds.FsTree).Tree);
        int count = 0;
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
            count += cursor.Key.Type == ItemType.XattrItem ? 1 : 0;
        return count;
    }

    private static void AssertClean(MadeImage image)
    {
        using FsInfo fs = image.Open();
        CheckReport report = new FileSystemChecker(fs, new CheckOptions()).Run(null, CancellationToken.None);
        Assert.That(report.Findings, Is.Empty);
    }
}
