using System.Diagnostics;
using Btrfs.Delalloc;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Tests.Delalloc;

public sealed class DelallocTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Test]
    public void What_is_written_is_read_at_once_and_is_in_no_commit_before_it_is_flushed()
    {
        using BufferedImage image = new();
        image.Fs.Delalloc.Writeback.Hold();
        byte[] data = BufferedImage.Random(1, 100_000);
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 5000, data);
        image.Fs.Writer.Commit();

        Assert.That(image.Fs.GetStatus("file").Size, Is.EqualTo(105_000));
        Assert.That(image.Read("file").AsSpan(5000).SequenceEqual(data));
        Assert.That(image.Committed("file"), Is.Empty);
        Assert.That(image.Fs.Delalloc.HasDelalloc(ObjectIds.FsTree));

        image.Fs.Commit();
        Assert.That(image.Committed("file").AsSpan(5000).SequenceEqual(data));
        Assert.That(image.Fs.Delalloc.HasDelalloc(ObjectIds.FsTree), Is.False);
        Assert.That(image.Fs.Delalloc.DirtyBytes, Is.Zero);
        image.RequireClean();
    }

    [Test]
    public void An_fsynced_file_survives_a_power_cut_and_the_others_come_back_as_they_were_committed()
    {
        using BufferedImage image = new();
        byte[] data = BufferedImage.Random(2, 30_000);
        image.Fs.CreateFile("synced");
        image.Fs.CreateFile("other");
        image.Fs.Commit();
        image.Fs.WriteFile("synced", 0, data);
        image.Fs.WriteFile("other", 0, data);
        image.Fs.Fsync("synced");
        image.Cut();
        Assert.That(image.Read("synced"), Is.EqualTo(data));
        Assert.That(image.Read("other"), Is.Empty);
    }

    [Test]
    public void A_size_never_covers_data_that_is_still_in_memory([Values("", "^no-holes")] string features)
    {
        using BufferedImage image = new(features: features);
        image.Fs.Delalloc.Writeback.Hold();
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, BufferedImage.Random(3, 4096));
        image.Fs.WriteFile("file", 40_000, BufferedImage.Random(4, 4096));

        // Flushes that range only.
        image.Fs.Allocate("file", 40_000, 1, AllocateMode.PreallocateKeepSize);
        image.Fs.Writer.Commit();
        Assert.That(image.Committed("file"), Is.Empty);
        byte[] expected = image.Read("file");
        image.Fs.Commit();
        Assert.That(image.Committed("file"), Is.EqualTo(expected));
        image.Reopen();
        image.RequireClean();
    }

    [Test]
    public void A_snapshot_has_what_was_written_before_it()
    {
        using BufferedImage image = new();
        image.Fs.Delalloc.Writeback.Hold();
        byte[] data = BufferedImage.Random(5, 500_000);
        image.Fs.CreateSubvolume("volume");
        image.Fs.CreateFile("volume/file");
        image.Fs.WriteFile("volume/file", 0, data);
        image.Fs.CreateSnapshot("volume", "snapshot", isReadOnly: true);
        Assert.That(image.Committed("snapshot/file"), Is.EqualTo(data));
    }

    [Test]
    public void What_a_deleted_file_had_in_memory_is_not_taken_for_the_next_inode_s()
    {
        using BufferedImage image = new();
        image.Fs.Delalloc.Writeback.Hold();
        image.Fs.CreateSubvolume("volume");
        image.Fs.CreateFile("volume/file");
        image.Fs.Commit();

        // The snapshot has given out no number yet: the highest that it has is the file's.
        image.Fs.CreateSnapshot("volume", "snapshot", isReadOnly: false);
        image.Fs.WriteFile("snapshot/file", 0, BufferedImage.Random(7, 300_000));
        image.Fs.Delete("snapshot/file");
        image.Fs.CreateDirectory("snapshot/directory");
        Assert.That(image.Fs.GetStatus("snapshot/directory").Size, Is.Zero);
        image.Fs.CreateFile("snapshot/empty");
        image.Fs.Commit();
        Assert.That(image.Committed("snapshot/empty"), Is.Empty);
        image.RequireClean();
    }

    [Test]
    public void A_clone_of_preallocated_space_does_not_keep_a_small_file_out_of_its_leaf()
    {
        using BufferedImage image = new();
        image.Fs.CreateFile("source");
        image.Fs.Allocate("source", 0, 16384, Btrfs.Inode.Changes.AllocateMode.Preallocate);
        image.Fs.CreateFile("file");
        image.Fs.CloneRange("source", 0, 8192, "file", 4096);
        image.Fs.SetLength("file", 0);
        image.Fs.WriteFile("file", 0, BufferedImage.Random(11, 100));
        image.Fs.Commit();
        Assert.That(image.Extents("file").Select(extent => extent.IsInline), Is.EqualTo(new[] { true }));
        image.RequireClean();
    }

    [Test]
    public void What_a_file_has_in_its_leaf_stays_there_when_more_comes_behind_it_and_is_shared_by_itself()
    {
        using BufferedImage image = new();
        byte[] data = BufferedImage.Random(9, 100);
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, data);
        image.Fs.CloneRange("file", 0, 100, "file", 4096);
        image.Fs.Commit();
        Assert.That(image.Extents("file").Select(extent => (extent.FileOffset, extent.IsInline)), Is.EqualTo(new[] { (0UL, true), (4096UL, false) }));

        // Longer than an array can be: all but the first sectors is one hole.
        image.Fs.SetLength("file", 5UL << 30);
        image.Fs.CreateFile("other");
        image.Fs.CloneRange("file", 0, 0, "other", 8192);
        image.Fs.Commit();
        byte[] first = new byte[100];
        image.Fs.ReadFile("other", 8192, first);
        Assert.That(first, Is.EqualTo(data));
        IReadOnlyList<(ulong FileOffset, bool IsInline, ulong DiskBytenr)> shared = image.Extents("other");
        Assert.That(shared.Select(extent => (extent.FileOffset, extent.IsInline)), Is.EqualTo(new[] { (8192UL, false), (12288UL, false) }));
        Assert.That(shared[1].DiskBytenr, Is.EqualTo(image.Extents("file")[^1].DiskBytenr));
        image.RequireClean();
    }

    [TestCase(CompressionType.Zstd, 100, true)]
    [TestCase(CompressionType.Zlib, 3000, true)]
    [TestCase(CompressionType.Lzo, 100, false)]
    [TestCase(CompressionType.Zstd, 4000, false)]
    public void A_small_file_that_does_not_shrink_is_marked_where_the_kernel_would_have_tried(CompressionType compression, int length, bool isMarked)
    {
        using BufferedImage image = new();
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, BufferedImage.Random(10, length), new WriteOptions { Compression = compression });
        image.Fs.Commit();
        Assert.That((image.Fs.GetStatus("file").Flags & InodeFlags.NoCompress) != 0, Is.EqualTo(isMarked));
        image.RequireClean();
    }

    [Test]
    public void An_emptied_disk_is_left_with_unallocated_space()
    {
        using BufferedImage image = new();
        ulong before = image.Fs.Info.Devices.Volume.Chunks.Chunks.Aggregate(0UL, (sum, chunk) => sum + chunk.Length);
        image.Fs.CreateFile("file");
        byte[] data = BufferedImage.Random(8, 1 << 20);
        for (ulong at = 0; at < 100; at++)
            image.Fs.WriteFile("file", at << 20, data);
        image.Fs.Commit();
        image.Fs.Delete("file");
        image.Reopen();
        Assert.That(image.Fs.Info.Devices.Volume.Chunks.Chunks.Aggregate(0UL, (sum, chunk) => sum + chunk.Length), Is.LessThan(before + (64UL << 20)));
        image.RequireClean();
    }

    [Test]
    public void A_subvolume_that_becomes_read_only_still_gets_what_was_written_before()
    {
        using BufferedImage image = new();
        image.Fs.Delalloc.Writeback.Hold();
        byte[] data = BufferedImage.Random(6, 108 << 10);
        image.Fs.CreateSubvolume("volume");
        image.Fs.CreateFile("volume/file");
        image.Fs.WriteFile("volume/file", 0, data);
        image.Fs.SetReadOnly("volume", isReadOnly: true);
        ulong id = image.Fs.GetStatus("volume").SubvolumeId;
        image.Fs.Writer.Commit();
        Assert.That(image.Fs.Delalloc.HasDelalloc(id), "setting it read-only flushes nothing");
        Assert.That(image.Committed("volume/file"), Is.Empty);
        Assert.That(() => image.Fs.WriteFile("volume/file", 0, data), Throws.TypeOf<FileOperationException>().With.Property("Error").EqualTo(FileError.ReadOnlySubvolume));

        image.Fs.Delalloc.FlushRoot(id);
        image.Fs.Writer.Commit();
        Assert.That(image.Committed("volume/file"), Is.EqualTo(data));
        image.RequireClean();
    }

    [Test]
    public void Old_data_is_written_back_without_being_asked_for()
    {
        using BufferedImage image = new(options: new DelallocOptions { Expiry = TimeSpan.FromMilliseconds(30) });
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, "some bytes"u8);
        Stopwatch watch = Stopwatch.StartNew();
        while (image.Fs.Delalloc.HasDelalloc(ObjectIds.FsTree))
        {
            Assert.That(watch.Elapsed, Is.LessThan(s_patience));
            Thread.Sleep(5);
        }

        image.Fs.Writer.Commit();
        Assert.That(image.Committed("file"), Is.EqualTo("some bytes"u8.ToArray()));
    }

    [Test]
    public void No_more_than_the_limit_is_in_memory_and_writers_wait_instead_of_failing([Values] bool isHeld)
    {
        const long Limit = 4 << 20;
        using BufferedImage image = new(options: new DelallocOptions { MaxDirtyBytes = Limit, BackgroundBytes = Limit / 4 });
        if (isHeld)
            image.Fs.Delalloc.Writeback.Hold();
        byte[] data = BufferedImage.Random(7, 48 << 20);
        image.Fs.CreateFile("file");
        long highest = 0;
        for (int at = 0; at < data.Length; at += 300_000)
        {
            image.Fs.WriteFile("file", (ulong)at, data.AsSpan(at, Math.Min(300_000, data.Length - at)));
            highest = Math.Max(highest, image.Fs.Delalloc.DirtyBytes);
        }

        Assert.That(highest, Is.GreaterThan(Limit / 8).And.LessThanOrEqualTo(Limit));
        image.Reopen();
        Assert.That(image.Read("file").AsSpan().SequenceEqual(data));
        image.RequireClean();
    }

    [Test]
    public void Memory_is_freed_also_of_a_file_that_is_dirty_only_before_where_its_last_writeback_ended([Values] bool isHeld)
    {
        const int Limit = 1 << 20;
        using BufferedImage image = new(options: new DelallocOptions { MaxDirtyBytes = Limit, BackgroundBytes = Limit / 4 });
        image.Fs.Delalloc.Writeback.Hold();
        byte[] data = BufferedImage.Random(7, Limit - (6 * 4096));
        image.Fs.CreateFile("file");
        image.Fs.CreateFile("other");
        using (BufferedFileStream file = image.Fs.OpenFile("file", FileAccess.ReadWrite))
        {
            file.Write(data);
            file.Sync();
            Array.Reverse(data);
            file.Position = 0;
            file.Write(data);
            if (!isHeld)
                image.Fs.Delalloc.Writeback.Release();
            Assert.That(Task.Run(() => image.Fs.WriteFile("other", 0, data.AsSpan(0, 10 * 4096))).Wait(s_patience), "a writer hangs");
        }

        image.Reopen();
        Assert.That(image.Read("file").AsSpan().SequenceEqual(data));
        image.RequireClean();
    }

    [Test]
    public void Writers_side_by_side_lose_nothing()
    {
        const int Threads = 4;
        const int Rounds = 150;
        using BufferedImage image = new(bytes: 512 << 20, options: new DelallocOptions { MaxDirtyBytes = 8 << 20, BackgroundBytes = 1 << 20, Expiry = TimeSpan.FromMilliseconds(20) });
        image.Fs.CreateFile("shared");
        for (int i = 0; i < Threads; i++)
            image.Fs.CreateFile($"own{i}");
        byte[][] own = new byte[Threads][];
        byte[] shared = new byte[Threads * 200_000];
        Task[] writers = [.. Enumerable.Range(0, Threads).Select(number => Task.Run(() =>
        {
            Random random = new(number);
            own[number] = new byte[1_000_000];
            using BufferedFileStream file = image.Fs.OpenFile($"own{number}", FileAccess.ReadWrite);
            file.Write(own[number]);
            for (int round = 0; round < Rounds; round++)
            {
                byte[] data = BufferedImage.Random(random.Next(), random.Next(1, 30_000));
                int at = random.Next(own[number].Length - data.Length);
                file.Position = at;
                file.Write(data);
                data.CopyTo(own[number], at);
                data = BufferedImage.Random(random.Next(), random.Next(1, 30_000));
                at = (number * 200_000) + random.Next(200_000 - data.Length);
                image.Fs.WriteFile("shared", (ulong)at, data);
                data.CopyTo(shared, at);
                if (round % 30 == number)
                    file.Sync();
                if (round % 50 == number)
                    image.Fs.Commit();
                if (round % 70 == 7)
                    image.Fs.CreateSnapshot("/", $"snapshot{number}-{round}", isReadOnly: true);
            }
        }))];
        Assert.That(Task.WaitAll(writers, TimeSpan.FromMinutes(2)));

        image.Reopen();
        for (int i = 0; i < Threads; i++)
            Assert.That(image.Read($"own{i}").AsSpan().SequenceEqual(own[i]));
        byte[] have = image.Read("shared");
        Assert.That(have.AsSpan().SequenceEqual(shared.AsSpan(0, have.Length)) && shared.AsSpan(have.Length).IndexOfAnyExcept((byte)0) < 0);
        image.RequireClean();
    }

    [Test]
    public void A_device_that_fails_ends_all_writing_and_nobody_hangs([Values(0, 3, 50)] int writesBefore)
    {
        using BufferedImage image = new(options: new DelallocOptions { MaxDirtyBytes = 4 << 20, BackgroundBytes = 1 << 20 });
        image.Fs.CreateFile("file");
        image.Fs.CreateFile("committed");
        image.Fs.WriteFile("committed", 0, "whole"u8);
        image.Fs.Commit();
        image.Device.Fail(DeviceCall.Write, writesBefore);
        byte[] data = BufferedImage.Random(8, 64 << 10);
        Task<Exception?> writer = Task.Run(() =>
        {
            try
            {
                for (ulong at = 0; at < 128 << 20; at += (ulong)data.Length)
                    image.Fs.WriteFile("file", at, data);
                image.Fs.Fsync("file");
                return null;
            }
            catch (Exception error)
            {
                return error;
            }
        });
        Assert.That(writer.Wait(s_patience), "a writer hangs");
        Assert.That(writer.Result, Is.InstanceOf<IOException>().Or.InstanceOf<ReadOnlyFileSystemException>());
        Assert.That(() => image.Fs.WriteFile("committed", 0, data), Throws.TypeOf<ReadOnlyFileSystemException>());
        Assert.That(() => image.Fs.Fsync("file"), Throws.InstanceOf<IOException>().Or.InstanceOf<ReadOnlyFileSystemException>());
        Assert.That(Task.Run(() => Assert.That(image.Fs.Dispose, Throws.Nothing.Or.InstanceOf<IOException>().Or.InstanceOf<ReadOnlyFileSystemException>())).Wait(s_patience), "the end hangs");
        image.Device.Heal();
        image.Reopen();
        Assert.That(image.Read("committed"), Is.EqualTo("whole"u8.ToArray()));
        image.RequireClean();
    }

    [Test]
    public void An_fsync_never_succeeds_after_a_flush_has_failed([Values] bool hasNews)
    {
        using BufferedImage image = new();
        image.Fs.CreateFile("file");
        image.Fs.CreateFile("other");
        image.Fs.WriteFile("file", 0, new byte[64 << 10]);
        image.Fs.Commit();
        image.Fs.WriteFile("file", 0, BufferedImage.Random(8, 64 << 10));
        image.Fs.Delalloc.FlushAll();
        string synced = hasNews ? "file" : "other";

        // The host drops what it could not write, and tells of that once.
        image.Device.Fail(DeviceCall.Flush, count: 1);
        Assert.That(() => image.Fs.Fsync(synced), Throws.InstanceOf<IOException>());
        Assert.That(() => image.Fs.Fsync(synced), Throws.TypeOf<ReadOnlyFileSystemException>());
        Assert.That(image.Fs.Commit, Throws.TypeOf<ReadOnlyFileSystemException>());
    }

    [Test]
    public void A_deleted_file_lives_until_its_last_handle_is_closed()
    {
        using BufferedImage image = new();
        byte[] data = BufferedImage.Random(9, 200_000);
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, data);
        BufferedFileStream one = image.Fs.OpenFile("file", FileAccess.ReadWrite);
        BufferedFileStream other = image.Fs.OpenFile("file", FileAccess.Read);
        image.Fs.Delete("file");
        Assert.That(() => image.Fs.GetStatus("file"), Throws.TypeOf<InvalidRequestException>());
        one.Seek(0, SeekOrigin.End);
        one.Write(data);
        image.Fs.Commit();
        one.Dispose();
        byte[] have = new byte[400_000];
        other.ReadExactly(have);
        Assert.That(have.AsSpan(200_000).SequenceEqual(data));
        other.Dispose();
        image.Fs.Commit();
        image.RequireClean();
        Assert.That(new Btrfs.Check.FileSystemChecker(image.Fs.Info, new Btrfs.Check.CheckOptions()).Run(null, CancellationToken.None).Totals.Orphans, Is.Zero);
    }

    [Test]
    public void A_file_that_is_deleted_while_it_is_dirty_gives_all_its_room_back()
    {
        using BufferedImage image = new(bytes: 128 << 20);
        image.Fs.Delalloc.Writeback.Hold();
        for (int round = 0; round < 40; round++)
        {
            image.Fs.CreateFile("file");
            image.Fs.WriteFile("file", 0, new byte[16 << 20]);
            image.Fs.Delete("file");
            Assert.That(image.Fs.Delalloc.DirtyBytes, Is.Zero);
        }
    }

    [Test]
    public void Whether_a_file_is_stored_inline_shows_when_it_is_written_back()
    {
        using BufferedImage image = new();
        image.Fs.Delalloc.Writeback.Hold();
        image.Fs.CreateFile("small");
        image.Fs.CreateFile("grown");
        image.Fs.CreateFile("cut");
        image.Fs.WriteFile("small", 0, new byte[100]);
        image.Fs.WriteFile("grown", 0, new byte[100]);
        image.Fs.WriteFile("grown", 8000, new byte[100]);
        image.Fs.WriteFile("cut", 0, new byte[8000]);
        image.Fs.SetLength("cut", 100);
        image.Fs.Commit();
        Assert.That(image.Fs.GetStatus("small").AllocatedBytes, Is.EqualTo(100));
        Assert.That(image.Fs.GetStatus("grown").AllocatedBytes, Is.EqualTo(8192));
        Assert.That(image.Fs.GetStatus("cut").AllocatedBytes, Is.EqualTo(100));
    }

    [Test]
    public void A_file_that_has_data_in_memory_is_not_empty()
    {
        using BufferedImage image = new();
        image.Fs.Delalloc.Writeback.Hold();
        image.Fs.CreateFile("empty");
        image.Fs.CreateFile("dirty");
        image.Fs.WriteFile("dirty", 0, new byte[10]);
        image.Fs.SetFlags("empty", InodeFlags.NoDataCow);
        image.Fs.SetFlags("dirty", InodeFlags.NoDataCow);
        Assert.That(image.Fs.GetStatus("empty").Flags & InodeFlags.NoDataCow, Is.Not.EqualTo(InodeFlags.None));
        Assert.That(image.Fs.GetStatus("dirty").Flags & InodeFlags.NoDataCow, Is.EqualTo(InodeFlags.None));
    }

    [Test]
    public void Times_that_are_set_after_a_write_stay_when_it_is_written_back()
    {
        using BufferedImage image = new();
        image.Fs.Delalloc.Writeback.Hold();
        DiskTime time = new(1_000_000, 5);
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, new byte[10_000]);
        Assert.That(image.Fs.GetStatus("file").MTime, Is.Not.EqualTo(time));
        image.Fs.SetAttributes("file", new AttributeChange { MTime = time });
        image.Fs.Commit();
        Assert.That(image.Fs.GetStatus("file").MTime, Is.EqualTo(time));
        image.Fs.WriteFile("file", 0, new byte[10]);
        Assert.That(image.Fs.GetStatus("file").MTime, Is.Not.EqualTo(time));
        DiskTime written = image.Fs.GetStatus("file").MTime;
        image.Reopen();
        Assert.That(image.Fs.GetStatus("file").MTime, Is.EqualTo(written));
    }

    [Test]
    public void A_test_can_hold_an_ordered_extent_under_way_and_a_flush_waits_for_it()
    {
        using BufferedImage image = new(options: new DelallocOptions { BackgroundBytes = 0 });
        using ManualResetEventSlim underWay = new();
        using ManualResetEventSlim goOn = new();
        image.Fs.CreateFile("file");
        image.Fs.Delalloc.Writeback.UnderWay = (_, _) =>
        {
            underWay.Set();
            goOn.Wait();
        };
        byte[] data = BufferedImage.Random(10, 100_000);
        image.Fs.WriteFile("file", 0, data);
        Assert.That(underWay.Wait(s_patience));
        Assert.That(image.Read("file"), Is.EqualTo(data), "what is under way is read from memory");
        image.Fs.WriteFile("file", 1000, new byte[5000]);
        data.AsSpan(1000, 5000).Clear();
        Task flush = Task.Run(() => image.Fs.Delalloc.FlushRoot(ObjectIds.FsTree));
        Assert.That(flush.Wait(50), Is.False);
        goOn.Set();
        Assert.That(flush.Wait(s_patience));
        image.Fs.Commit();
        Assert.That(image.Committed("file"), Is.EqualTo(data));
    }

    [Test]
    public void A_clone_before_data_that_is_still_in_memory_leaves_no_gap()
    {
        using BufferedImage image = new(features: "^no-holes");
        image.Fs.Delalloc.Writeback.Hold();
        byte[] data = BufferedImage.Random(4, 65536);
        image.Fs.CreateFile("source");
        image.Fs.WriteFile("source", 0, data);
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 40 * 4096, data.AsSpan(0, 5000));
        image.Fs.CloneRange("source", 0, 0, "file", 10 * 4096);
        image.Fs.Writer.Commit();
        Assert.That(image.Committed("file"), Has.Length.EqualTo((10 * 4096) + 65536));

        Assert.That(image.Fs.DedupeRange("source", 4096, 2 * 4096, "file", 11 * 4096), Is.EqualTo(2 * 4096));
        Assert.That(image.Fs.GetStatus("file").Size, Is.EqualTo((40 * 4096) + 5000));
        Assert.That(image.Read("file").AsSpan(40 * 4096).SequenceEqual(data.AsSpan(0, 5000)));
        image.Fs.Commit();
        image.RequireClean();
    }
}
