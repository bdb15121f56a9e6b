using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.LoopTests;

/// <summary>The judge itself is judged: it must pass what is right and name what is wrong.</summary>
[TestFixture]
internal sealed class JudgeTests
{
    private const ulong Seed = 10;

    private TestDirectory _work = null!;
    private RandomState _state = null!;
    private List<Recording> _recordings = null!;

    [OneTimeSetUp]
    public void RecordOneState()
    {
        _work = new TestDirectory();
        _state = RandomState.Create(Seed, _work.Path);
        _recordings = Recording.Collect(_state.TopLevel, RequestPlan.Make(Seed, _state.Snapshots), _work.Path);
        _state.Unmount();
    }

    [OneTimeTearDown]
    public void RemoveTheState()
    {
        _state?.Dispose();
        _work?.Dispose();
    }

    [Test]
    public void The_kernel_mounted_anew_sends_the_same_streams()
    {
        List<Verdict> verdicts = Judge.Compare(_state.Images, _recordings, () => new KernelSendUnderTest());

        Assert.That(verdicts, Has.Count.EqualTo(_recordings.Count));
        Assert.That(verdicts.Where(verdict => !verdict.IsEqual).Select(verdict => verdict.Difference), Is.Empty);
    }

    [Test]
    public void One_spoilt_byte_is_found_in_every_stream_at_its_place()
    {
        List<Verdict> verdicts = Judge.Compare(_state.Images, _recordings, () => new CorruptedSend(new KernelSendUnderTest()));

        foreach ((Verdict verdict, Recording recording) in verdicts.Zip(_recordings))
        {
            int place = CorruptedSend.PlaceOf(File.ReadAllBytes(recording.File));
            Assert.That(verdict.Difference, Does.StartWith($"first difference at byte {place} "), verdict.Request.ToString());
        }
    }

    [Test]
    public void A_stream_that_ends_early_or_late_differs()
    {
        Recording recording = _recordings[0];
        byte[] kernel = File.ReadAllBytes(recording.File);

        Assert.That(JudgeBytes(recording, kernel).IsEqual, Is.True);
        Assert.That(JudgeBytes(recording, kernel[..^1]).Difference, Does.StartWith($"first difference at byte {kernel.Length - 1} "));
        Assert.That(JudgeBytes(recording, [.. kernel, 0]).Difference, Does.StartWith($"first difference at byte {kernel.Length} "));
        Assert.That(JudgeBytes(recording, []).Difference, Does.StartWith("first difference at byte 0 "));
    }

    [Test]
    public void A_report_shows_the_commands_of_both_sides()
    {
        Recording recording = _recordings[0];
        byte[] ours = File.ReadAllBytes(recording.File);
        ScannedCommand spoilt = StreamScanner.Scan(ours).ElementAt(3);
        ours[spoilt.Offset + 10 + 4] ^= 1;

        string report = JudgeBytes(recording, ours).Difference!;

        Assert.That(report, Does.Contain("command 3, last common path"));
        Assert.That(report, Does.Contain($"3 kernel {spoilt.Name}").And.Contains($"3 ours   {spoilt.Name}"));
    }

    [Test]
    public void Failing_where_the_kernel_sends_and_sending_where_it_fails_are_both_differences()
    {
        Recording sent = _recordings[0];
        Recording refused = sent with { Errno = 36, LengthBytes = 0 };

        Assert.That(JudgeBytes(sent, null).Difference, Does.StartWith("ours fails where the kernel sends"));
        Assert.That(JudgeBytes(refused, [1, 2, 3]).Difference, Does.StartWith("the kernel refuses with errno 36"));
        Assert.That(JudgeBytes(refused, null).IsEqual, Is.True);
    }

    [Test]
    public void An_exported_state_is_judged_like_the_original()
    {
        using TestDirectory exported = new();
        Export.Write(exported.Path, _state, _recordings);

        (List<string> images, List<Recording> recordings) = Export.Read(exported.Path);
        List<Verdict> verdicts = Judge.Compare(images, recordings, () => new KernelSendUnderTest());

        Assert.That(verdicts.Select(verdict => verdict.Request.ToString()), Is.EqualTo(_recordings.Select(recording => recording.Request.ToString())));
        Assert.That(verdicts.Where(verdict => !verdict.IsEqual), Is.Empty);
    }

    [Test]
    public void A_seed_asks_the_same_of_the_kernel_every_time()
    {
        using TestDirectory again = new();
        using RandomState twin = RandomState.Create(Seed, again.Path);

        Assert.That(twin.Log, Is.EqualTo(_state.Log));
        Assert.That(twin.Snapshots, Is.EqualTo(_state.Snapshots));
    }

    [Test]
    public void Nothing_stays_mounted_or_attached_when_making_a_state_fails()
    {
        using TestDirectory work = new();
        string image = Path.Combine(work.Path, "not-btrfs.img");
        using (FileStream file = File.Create(image))
            file.SetLength(1 << 20);

        Assert.That(() => BtrfsMount.Open([image], work.Path), Throws.TypeOf<KernelException>());
        Assert.That(File.ReadAllText("/proc/self/mounts"), Does.Not.Contain(work.Path));
        Assert.That(BackingFiles(), Has.None.Contains(work.Path));
    }

    private static IEnumerable<string> BackingFiles() =>
        Directory.GetDirectories("/sys/block", "loop*").Select(device => Path.Combine(device, "loop", "backing_file")).Where(File.Exists).Select(File.ReadAllText);

    private static Verdict JudgeBytes(Recording recording, byte[]? ours) =>
        Judge.Compare([], [recording], () => new FixedSend(ours)).Single();

    /// <summary>Sends always the same bytes, or fails where there are none.</summary>
    private sealed class FixedSend(byte[]? stream) : ISendUnderTest
    {
        public void Open(IReadOnlyList<string> devicePaths)
        {
        }

        public void Send(SendRequest request, System.IO.Stream output) => output.Write(stream ?? throw new InvalidDataException("refused on purpose"));

        public void Dispose()
        {
        }
    }
}
