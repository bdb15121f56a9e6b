using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Making;
using Btrfs.Tests.Making;

namespace Btrfs.Tests.Engine;

/// <summary>What a send of a file system promises that others write to meanwhile. The kernel's receive has its say in the loop tests.</summary>
public sealed class SendBesideWritersTests
{
    private const int Pattern = 0xEA;
    private const int PatternBytes = 108 << 10;

    [TestCase(true)]
    [TestCase(false)]
    public void What_was_written_before_the_subvolume_became_read_only_is_in_the_stream_but_without_the_flush_it_is_not(bool flushes)
    {
        using BtrfsFileSystem fs = Open();
        fs.CreateSubvolume("volume");
        fs.CreateFile("volume/file");
        fs.Delalloc.Writeback.Hold();
        fs.WriteFile("volume/file", 0, Filled());
        fs.SetReadOnly("volume", true);
        fs.FlushesBeforeSend = flushes;
        Assert.That(CountPattern(Stream(fs, "volume")), flushes ? Is.GreaterThanOrEqualTo(PatternBytes) : Is.LessThan(100));
    }

    [Test]
    public void While_a_send_runs_its_subvolumes_parent_and_clone_sources_are_held_and_all_else_goes_on()
    {
        using BtrfsFileSystem fs = WithSnapshots(files: 200);
        int tried = 0;
        GatedStream output = new(write =>
        {
            if (write != 1)
                return;
            foreach (string name in (string[])["first", "second", "other"])
            {
                AssertBusy(() => fs.DeleteSubvolume(name));
                AssertBusy(() => fs.SetReadOnly(name, false));
                AssertBusy(() => fs.DedupeRange("work/file0", 0, 4096, $"{name}/file0", 0));
                tried++;
            }

            fs.WriteFile("work/file0", 0, Filled());
            fs.CreateSnapshot("work", "third", isReadOnly: true);
            fs.SetReadOnly("third", false);
            fs.DeleteSubvolume("third");
            fs.CleanUp();
            fs.Commit();
        });
        fs.Send(new SendRequest { Subvolumes = ["second"], Parent = "first", CloneSources = ["other"] }, output);

        Assert.That(tried, Is.EqualTo(3));
        fs.SetReadOnly("other", false);
        fs.DeleteSubvolume("first");
        fs.DeleteSubvolume("second");
    }

    [Test]
    public void A_send_that_fails_or_is_cancelled_lets_go_of_all_it_held()
    {
        using BtrfsFileSystem fs = WithSnapshots(files: 200);
        using CancellationTokenSource cancellation = new();
        GatedStream failing = new(write =>
        {
            if (write == 1)
                throw new IOException("no space left on the tape");
        });
        GatedStream cancelling = new(_ => cancellation.Cancel());
        Assert.That(() => fs.Send(new SendRequest { Subvolumes = ["first"] }, failing), Throws.TypeOf<IOException>());
        Assert.That(() => fs.Send(new SendRequest { Subvolumes = ["first"] }, cancelling, null, cancellation.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => fs.Send(new SendRequest { Subvolumes = ["first", "work"] }, cancelling), Throws.TypeOf<InvalidRequestException>());
        Assert.That(() => fs.Send(new SendRequest { Subvolumes = ["first"], Protocol = 9 }, cancelling), Throws.TypeOf<InvalidRequestException>());

        fs.DeleteSubvolume("first");
        Rewrite(fs, round: 1);
        fs.Commit();
        Assert.That(fs.Writer.HeldBytes(), Is.Zero);
    }

    [Test]
    public void A_send_whose_file_system_is_closed_ends_with_an_error_and_harms_nothing()
    {
        string image = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.img");
        try
        {
            Btrfs.Engine.Making.ImageMaker.Make([image], new MakeOptions { DeviceBytes = 128 << 20 });
            BtrfsFileSystem fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true });
            fs.CreateSubvolume("volume");
            for (int i = 0; i < 100; i++)
            {
                fs.CreateFile($"volume/{i}");
                fs.WriteFile($"volume/{i}", 0, new byte[100_000]);
            }

            fs.CreateSnapshot("volume", "snapshot", isReadOnly: true);
            fs.WriteFile("volume/1", 0, Filled());
            using GatedStream output = new(write =>
            {
                if (write == 1)
                    fs.Dispose();
            });
            Assert.That(() => fs.Send(new SendRequest { Subvolumes = ["snapshot"] }, output), Throws.TypeOf<ObjectDisposedException>());

            using BtrfsFileSystem again = BtrfsFileSystem.Open([image]);
            Assert.That(new Btrfs.Check.FileSystemChecker(again.Info, new Btrfs.Check.CheckOptions()).Run(progress: null, CancellationToken.None).IsClean);
            byte[] kept = new byte[PatternBytes];
            using System.IO.Stream file = again.OpenFile("volume/1");
            file.ReadExactly(kept);
            Assert.That(kept, Is.EqualTo(Filled()), "what was in memory is written by closing");
        }
        finally
        {
            File.Delete(image);
        }
    }

    [Test]
    public void Neither_changes_nor_commits_beside_it_change_a_stream()
    {
        using BtrfsFileSystem fs = WithSnapshots(files: 150);
        SendRequest request = new() { Subvolumes = ["second"], Parent = "first", CloneSources = ["other"] };
        SendRequest whole = new() { Subvolumes = ["second"] };
        using MemoryStream quiet = new();
        using MemoryStream quietWhole = new();
        fs.Send(request, quiet);
        fs.Send(whole, quietWhole);

        int rounds = 0;
        GatedStream Output() => new(_ =>
        {
            Rewrite(fs, ++rounds);
            fs.CreateSnapshot("work", $"snapshot{rounds}", isReadOnly: true);
            if (rounds > 1)
                fs.DeleteSubvolume($"snapshot{rounds - 1}");
            fs.CleanUp();
        });
        using GatedStream beside = Output();
        using GatedStream besideWhole = Output();
        fs.Send(request, beside);
        fs.Send(whole, besideWhole);
        Assert.That(rounds, Is.GreaterThan(3));
        Assert.That(beside.ToArray(), Is.EqualTo(quiet.ToArray()));
        Assert.That(besideWhole.ToArray(), Is.EqualTo(quietWhole.ToArray()));
    }

    [Test]
    public async Task Several_sends_run_at_once_beside_a_writer()
    {
        using BtrfsFileSystem fs = WithSnapshots(files: 100);
        byte[] quiet = Stream(fs, "second");
        using CancellationTokenSource end = new();
        Task writer = Task.Run(() =>
        {
            for (int round = 1; !end.IsCancellationRequested; round++)
            {
                Rewrite(fs, round);
                fs.Commit();
            }
        });
        Task<byte[]>[] sends = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() => Stream(fs, "second")))];
        foreach (byte[] stream in await Task.WhenAll(sends))
            Assert.That(stream, Is.EqualTo(quiet));
        await end.CancelAsync();
        await writer;
    }

    [Test]
    public void A_snapshot_that_was_just_renamed_is_sent_under_its_new_name()
    {
        using BtrfsFileSystem fs = WithSnapshots(files: 1);
        fs.Commit();
        fs.Move("first", "renamed");
        Assert.That(Stream(fs, "renamed").AsSpan().IndexOf("renamed"u8), Is.GreaterThan(0));
    }

    [Test]
    public void A_snapshot_has_no_orphans_of_its_source()
    {
        using BtrfsFileSystem fs = Open();
        ulong id = fs.CreateSubvolume("volume");
        fs.CreateFile("volume/file");
        fs.WriteFile("volume/file", 0, Filled());
        fs.Commit();
        ulong inode = fs.GetStatus("volume/file").Inode;
        using (Btrfs.Space.Transactions.Transaction part = fs.Writer.Begin(4))
        {
            OrphanItems.Add(part.GetTree(id), inode);
            part.Complete();
        }

        ulong snapshot = fs.CreateSnapshot("volume", "snapshot", isReadOnly: true);
        fs.Commit();
        TreeCursor cursor = fs.Info.OpenCursor(fs.Info.GetRoot(snapshot).Tree);
        Assert.That(OrphanItems.Next(cursor, 0), Is.Null);
        Assert.That(OrphanItems.Next(fs.Info.OpenCursor(fs.Info.GetRoot(id).Tree), 0), Is.EqualTo(inode));
    }

    [Test]
    public void A_commit_that_is_held_shows_files_as_they_were()
    {
        using BtrfsFileSystem fs = WithSnapshots(files: 1);
        fs.Commit();
        using Btrfs.Space.Transactions.CommitHold hold = fs.HoldCommit(includesData: true);
        Rewrite(fs, round: 1);
        fs.Commit();
        Assert.That(fs.Info.Superblock.Generation.Value, Is.GreaterThan(hold.Commit.Superblock.Generation.Value));
    }

    private static byte[] Filled()
    {
        byte[] bytes = new byte[PatternBytes];
        Array.Fill(bytes, (byte)Pattern);
        return bytes;
    }

    private static int CountPattern(byte[] stream) => stream.Count(value => value == Pattern);

    private static byte[] Stream(BtrfsFileSystem fs, string subvolume)
    {
        using MemoryStream stream = new();
        fs.Send(new SendRequest { Subvolumes = [subvolume] }, stream);
        return stream.ToArray();
    }

    private static BtrfsFileSystem Open() =>
        BtrfsFileSystem.Open([.. new MadeImage(new MakeOptions()).Devices], new BtrfsOpenOptions { Writable = true, BlockCacheBytes = 1 });

    // A subvolume of files, two snapshots of it with changes between, and a third that shares their data.
    private static BtrfsFileSystem WithSnapshots(int files)
    {
        BtrfsFileSystem fs = Open();
        fs.CreateSubvolume("work");
        for (int i = 0; i < files; i++)
        {
            fs.CreateFile($"work/file{i}");
            fs.WriteFile($"work/file{i}", 0, Content(i, 20_000));
        }

        fs.CreateSnapshot("work", "other", isReadOnly: true);
        fs.CreateSnapshot("work", "first", isReadOnly: true);
        for (int i = 0; i < files; i += 2)
        {
            fs.CreateFile($"work/clone{i}");
            fs.CloneRange($"work/file{i}", 0, 0, $"work/clone{i}", 0);
            fs.WriteFile($"work/file{i}", 4096, Content(i + 1000, 30_000));
        }

        fs.CreateSnapshot("work", "second", isReadOnly: true);
        return fs;
    }

    private static void Rewrite(BtrfsFileSystem fs, int round)
    {
        for (int i = 0; i < 25; i++)
        {
            string name = $"work/new{i}";
            if (round > 1)
                fs.Delete(name);
            fs.CreateFile(name);
            fs.WriteFile(name, 0, Content(round * 100 + i, 50_000));
        }
    }

    private static byte[] Content(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static void AssertBusy(Action action) =>
        Assert.That(action, Throws.TypeOf<FileOperationException>().With.Property(nameof(FileOperationException.Error)).EqualTo(FileError.Busy));
}
