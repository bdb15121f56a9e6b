using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Fidelity;
using Btrfs.Space.Making;
using SendRequest = Btrfs.Engine.SendRequest;

namespace Btrfs.LoopTests.Sending;

/// <summary>
/// The bug of 2019 ("Btrfs: send, flush dellaloc in order to avoid data loss"): what was written to a subvolume just before it became read-only was missing from its stream, or
/// judged wrongly in a parent or clone source, and nobody told. Each case runs with the flush, and the kernel receives what was written; and without, to
/// show that it would see the loss.
/// </summary>
[TestFixture]
internal sealed class FlushingSendTests
{
    private const int PatternBytes = 108 << 10;
    private static readonly byte[] s_pattern = [.. Enumerable.Repeat((byte)0xEA, PatternBytes)];
    private static readonly byte[] s_other = [.. Enumerable.Repeat((byte)0x17, PatternBytes)];

    private TestDirectory _directory = null!;
    private KernelReceiver _receiver = null!;
    private BtrfsFileSystem _fs = null!;

    [SetUp]
    public void MakeBothSides()
    {
        _directory = new TestDirectory();
        _receiver = new KernelReceiver();
        string image = Path.Combine(_directory.Path, "sent.img");
        ImageMaker.Make([image], new MakeOptions { DeviceBytes = 512 << 20 });
        _fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true });

        // Only what a test asks for is written back.
        _fs.Delalloc.Writeback.Hold();
    }

    [TearDown]
    public void RemoveBothSides()
    {
        _fs?.Dispose();
        _receiver?.Dispose();
        _directory?.Dispose();
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_write_just_before_read_only_arrives(bool flushes)
    {
        _fs.CreateSubvolume("volume");
        _fs.CreateFile("volume/file");
        _fs.WriteFile("volume/file", 0, s_pattern);
        _fs.SetReadOnly("volume", true);
        _fs.FlushesBeforeSend = flushes;

        Assert.That(_receiver.Receive(Send("volume")), Is.Null);
        Assert.That(_receiver.ReadFile("volume/file"), flushes ? Is.EqualTo(s_pattern) : Is.Not.EqualTo(s_pattern));
        if (flushes)
            Assert.That(_receiver.Difference(_fs.Info, "volume"), Is.Null);
    }

    // The parent had its file overwritten just before it became read-only; the child still has it as it was. Unflushed, the two look alike.
    [TestCase(true)]
    [TestCase(false)]
    public void A_write_to_the_parent_just_before_read_only_counts(bool flushes)
    {
        MakeBase();
        _fs.CreateSnapshot("base", "parent", isReadOnly: false);
        _fs.CreateSnapshot("base", "child", isReadOnly: true);
        _fs.WriteFile("parent/file", 0, s_pattern);
        _fs.SetReadOnly("parent", true);

        AssertChildArrives(flushes, "parent", new SendRequest { Subvolumes = ["child"], Parent = "parent" });
    }

    // The clone source gave up the extent that it shared with the child. Unflushed, it still seems to have it.
    [TestCase(true)]
    [TestCase(false)]
    public void A_write_to_a_clone_source_just_before_read_only_counts(bool flushes)
    {
        MakeBase();
        _fs.CreateSnapshot("base", "source", isReadOnly: false);
        _fs.CreateSnapshot("base", "child", isReadOnly: false);
        _fs.CreateFile("child/clone");
        _fs.CloneRange("child/file", 0, 0, "child/clone", 0);
        _fs.Delete("child/file");
        _fs.SetReadOnly("child", true);
        _fs.Commit();
        _fs.WriteFile("source/file", 0, s_pattern);
        _fs.SetReadOnly("source", true);

        AssertChildArrives(flushes, "source", new SendRequest { Subvolumes = ["child"], CloneSources = ["source"] });
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Writeback_that_starts_and_ends_during_the_send_comes_too_late_for_what_was_not_flushed(bool flushes)
    {
        _fs.CreateSubvolume("other");
        _fs.CreateFile("other/file");
        _fs.CreateSubvolume("volume");
        for (int i = 0; i < 64; i++)
        {
            _fs.CreateFile($"volume/file{i}");
            _fs.WriteFile($"volume/file{i}", 0, s_pattern);
        }

        _fs.SetReadOnly("volume", true);
        _fs.FlushesBeforeSend = flushes;
        bool wroteBack = false;
        string stream = Send(
            new SendRequest { Subvolumes = ["volume"] },
            () =>
            {
                _fs.WriteFile("other/file", 0, s_other);
                _fs.Delalloc.FlushAll();
                _fs.Commit();
                wroteBack = true;
            });

        Assert.That(wroteBack);
        Assert.That(_receiver.Receive(stream), Is.Null);
        IEnumerable<byte[]> received = Enumerable.Range(0, 64).Select(i => _receiver.ReadFile($"volume/file{i}"));
        Assert.That(received, flushes ? Is.All.EqualTo(s_pattern) : Is.All.Not.EqualTo(s_pattern));
    }

    [Test]
    public void A_send_waits_for_writeback_that_is_under_way()
    {
        _fs.CreateSubvolume("volume");
        _fs.CreateFile("volume/file");
        _fs.WriteFile("volume/file", 0, s_pattern);
        _fs.SetReadOnly("volume", true);
        using ManualResetEventSlim begun = new();
        _fs.Delalloc.Writeback.UnderWay = (_, _) =>
        {
            begun.Set();
            Thread.Sleep(300);
        };
        Task writeback = Task.Run(_fs.Delalloc.FlushAll);
        begun.Wait();

        Assert.That(_receiver.Receive(Send("volume")), Is.Null);
        Assert.That(_receiver.ReadFile("volume/file"), Is.EqualTo(s_pattern));
        writeback.Wait();
    }

    private void MakeBase()
    {
        _fs.CreateSubvolume("work");
        _fs.CreateFile("work/file");
        _fs.WriteFile("work/file", 0, s_other);
        _fs.CreateSnapshot("work", "base", isReadOnly: true);
        Assert.That(_receiver.Receive(Send("base")), Is.Null);
    }

    // The child's stream is made first; then the other one's, flushed in any case, so that the receiver has it as it truly is.
    private void AssertChildArrives(bool flushes, string before, SendRequest request)
    {
        _fs.FlushesBeforeSend = flushes;
        string child = Send(request, null);
        _fs.FlushesBeforeSend = true;
        string other = Send(new SendRequest { Subvolumes = [before], Parent = "base" }, null);

        Assert.That(_receiver.Receive(other), Is.Null);
        Assert.That(_receiver.ReadFile($"{before}/file"), Is.EqualTo(s_pattern));
        string? failure = _receiver.Receive(child) ?? _receiver.Difference(_fs.Info, "child");
        TestContext.Out.WriteLine(failure ?? "arrived");
        Assert.That(failure, flushes ? Is.Null : Is.Not.Null);
    }

    private string Send(string subvolume) => Send(new SendRequest { Subvolumes = [subvolume] }, null);

    private string Send(SendRequest request, Action? inItsMidst)
    {
        string path = _receiver.NewStream();
        using FileStream file = File.Create(path);
        using InterruptedStream output = new(file, inItsMidst);
        _fs.Send(request, output);
        return path;
    }
}
