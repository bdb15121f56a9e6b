using System.Diagnostics;
using Btrfs.Format;
using Btrfs.Space.Groups;
using Btrfs.Space.Transactions;

namespace Btrfs.Tests.Space;

public sealed class CommitHoldTests
{
    private const int FewReads = 3;

    private static readonly TimeSpan s_usual = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly int _seed = TestSeed.Number();

    [TestCase(true)]
    [TestCase(false)]
    public void A_held_commit_reads_the_same_after_many_more_and_one_that_is_not_held_does_not(bool isHeld)
    {
        using HeldImage image = Filled(files: 150);
        CommitHold hold = image.Writer.Hold(includesData: true);
        string before = HeldImage.Fingerprint(hold.Commit, includesData: true);
        if (!isHeld)
            hold.Dispose();
        ChurnAndCommit(image, rounds: 8);

        Assert.That(
            () => HeldImage.Fingerprint(hold.Commit, includesData: true),
            isHeld ? Is.EqualTo(before) : Throws.InstanceOf<BtrfsException>());
        hold.Dispose();
        image.AssertAccount();
        Assert.That(image.Writer.HeldBytes(), Is.Zero);
        image.AssertClean();
    }

    [Test]
    public void A_hold_without_data_keeps_the_trees_and_costs_less()
    {
        using HeldImage image = Filled(files: 150);
        using CommitHold trees = image.Writer.Hold();
        string before = HeldImage.Fingerprint(trees.Commit, includesData: false);
        ulong treeBytes = MetadataBytes(image);
        ChurnAndCommit(image, rounds: 8);

        Assert.That(HeldImage.Fingerprint(trees.Commit, includesData: false), Is.EqualTo(before));
        Assert.That(() => HeldImage.Fingerprint(trees.Commit, includesData: true), Throws.InstanceOf<BtrfsException>());
        Assert.That(image.Writer.HeldBytes(), Is.GreaterThan(0).And.LessThanOrEqualTo(treeBytes));
        image.AssertAccount();
    }

    [Test]
    public void What_was_made_after_the_held_commit_is_not_kept()
    {
        using HeldImage image = Filled(files: 40);
        using CommitHold hold = image.Writer.Hold(includesData: true);
        image.DeleteAll();
        image.Writer.Commit();
        ulong held = image.Writer.HeldBytes();
        for (int round = 0; round < 20; round++)
        {
            image.Make(files: 20);
            image.Writer.Commit();
            image.DeleteAll();
            image.Writer.Commit();
        }

        // Trees that the first commit left alone may have been copied since; all the files that came and went have left nothing.
        Assert.That(image.Writer.HeldBytes() - held, Is.LessThan(512 << 10));
    }

    [Test]
    public void Of_several_holds_each_keeps_its_own_commit_and_the_last_one_frees_what_they_share()
    {
        using HeldImage image = Filled(files: 60);
        List<(CommitHold Hold, string Fingerprint)> holds = [];
        for (int i = 0; i < 6; i++)
        {
            CommitHold hold = image.Writer.Hold(includesData: true);
            holds.Add((hold, HeldImage.Fingerprint(hold.Commit, includesData: true)));
            ChurnAndCommit(image, rounds: 1);
        }

        Random random = new(_seed);
        while (holds.Count > 0)
        {
            foreach ((CommitHold hold, string fingerprint) in holds)
                Assert.That(HeldImage.Fingerprint(hold.Commit, includesData: true), Is.EqualTo(fingerprint));
            int ended = random.Next(holds.Count);
            holds[ended].Hold.Dispose();
            holds[ended].Hold.Dispose();
            holds.RemoveAt(ended);
            ChurnAndCommit(image, rounds: 1);
            image.AssertAccount();
        }

        Assert.That(image.Writer.HeldBytes(), Is.Zero);
        image.AssertClean();
    }

    [Test]
    public void Readers_beside_writers_see_each_its_own_commit_whole()
    {
        using HeldImage image = Filled(files: 60);
        using CancellationTokenSource end = new();
        Stopwatch watch = Stopwatch.StartNew();
        int reads = 0;
        Task[] readers = [.. Enumerable.Range(0, 3).Select(reader => Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
            {
                using CommitHold hold = image.Writer.Hold(includesData: reader > 0);
                string before = HeldImage.Fingerprint(hold.Commit, hold.IncludesData);
                Thread.Sleep(50);
                Assert.That(HeldImage.Fingerprint(hold.Commit, hold.IncludesData), Is.EqualTo(before));
                Interlocked.Increment(ref reads);
            }
        }))];
        int commits = 0;
        for (; watch.Elapsed < s_usual || (Volatile.Read(ref reads) <= FewReads && watch.Elapsed < s_patience); commits++)
            ChurnAndCommit(image, rounds: 1);
        end.Cancel();
        Task.WaitAll(readers);
        TestContext.Out.WriteLine($"{reads} commits read beside {commits} rounds of changes, seed {_seed}");
        Assert.That(reads, Is.GreaterThan(FewReads));
        image.AssertAccount();
        Assert.That(image.Writer.HeldBytes(), Is.Zero);
        image.AssertClean();
    }

    [Test]
    public void A_block_group_that_a_reader_still_needs_does_not_go()
    {
        using HeldImage image = new(_seed, megabytes: 400);
        int atFirst = image.Writer.Committed.Devices.Volume.Chunks.Chunks.Count;
        image.Make(files: 30, maxBytes: 16 << 20);
        image.Writer.Commit();
        int grown = image.Writer.Committed.Devices.Volume.Chunks.Chunks.Count;
        Assert.That(grown, Is.GreaterThan(atFirst));
        using (CommitHold hold = image.Writer.Hold(includesData: true))
        {
            string before = HeldImage.Fingerprint(hold.Commit, includesData: true);
            image.DeleteAll();
            CommitOften(image);
            Assert.That(image.Writer.Committed.Devices.Volume.Chunks.Chunks, Has.Count.EqualTo(grown));
            Assert.That(HeldImage.Fingerprint(hold.Commit, includesData: true), Is.EqualTo(before));
            image.AssertAccount();
        }

        CommitOften(image);
        Assert.That(image.Writer.Committed.Devices.Volume.Chunks.Chunks, Has.Count.LessThan(grown));
        image.AssertClean();
    }

    [Test]
    public void A_group_that_is_loaded_late_leaves_out_what_is_held()
    {
        using HeldImage image = Filled(files: 60);
        using CommitHold hold = image.Writer.Hold(includesData: true);
        string before = HeldImage.Fingerprint(hold.Commit, includesData: true);
        image.DeleteAll();
        image.Writer.Commit();
        foreach (BlockGroup group in image.Writer.State.Groups.Groups)
            group.Free = null;
        image.Make(files: 150);
        image.Writer.Commit();
        Assert.That(HeldImage.Fingerprint(hold.Commit, includesData: true), Is.EqualTo(before));
        image.AssertAccount();
    }

    [Test]
    public void A_full_file_system_tells_its_writers_of_the_readers_and_files_can_still_be_deleted()
    {
        using HeldImage image = new(_seed, megabytes: 120);
        image.Make(files: 400, maxBytes: 1000);
        image.Writer.Commit();
        CommitHold hold = image.Writer.Hold(includesData: true);
        NoSpaceException? full = null;
        for (int round = 0; full is null; round++)
        {
            Assert.That(round, Is.LessThan(100_000));
            full = Caught(() => image.Make(files: 1, maxBytes: 2000));
            if (round % 500 == 0)
                image.Writer.Commit();
        }

        Assert.That(full.Message, Does.Contain("kept for readers of earlier commits"));
        image.DeleteAll();
        image.AssertAccount();
        Assert.That(image.Writer.Failure, Is.Null);
        hold.Dispose();
        image.Make(files: 400, maxBytes: 1000);
        image.AssertAccount();
        image.AssertClean();
    }

    [Test]
    public void A_full_file_system_takes_holds_back_before_it_refuses_to_delete()
    {
        using HeldImage image = new(_seed, megabytes: 120);
        while (Caught(() => image.Make(files: 50, maxBytes: 2000)) is null)
            image.Writer.Commit();
        image.Writer.Commit();
        using CommitHold hold = image.Writer.Hold();
        Assert.That(hold.IsRevoked, Is.False);

        image.DeleteAll(filesPerCommit: 100, stride: 13);
        image.AssertAccount();
        Assert.That(hold.IsRevoked, Is.True);
        Assert.That(image.Writer.HeldBytes(), Is.Zero);
        image.AssertClean();
    }

    private static NoSpaceException? Caught(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (NoSpaceException error)
        {
            return error;
        }
    }

    private HeldImage Filled(int files)
    {
        HeldImage image = new(_seed);
        image.Make(files);
        image.Writer.Commit();
        return image;
    }

    private static void ChurnAndCommit(HeldImage image, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            image.Churn();
            image.Writer.Commit();
        }
    }

    // An empty group goes with the commit after the one that has freed its last extent; each commit needs something to do.
    private static void CommitOften(HeldImage image)
    {
        for (int i = 0; i < 4; i++)
        {
            image.Make(files: 1, maxBytes: 100);
            image.Writer.Commit();
        }
    }

    private static ulong MetadataBytes(HeldImage image) =>
        image.Writer.State.Groups.Sum(BlockGroupFlags.None, static group => (group.Flags & BlockGroupFlags.Data) == 0 ? group.Used : 0);
}
