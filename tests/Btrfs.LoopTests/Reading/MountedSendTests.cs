using System.Diagnostics;
using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;
using SendRequest = Btrfs.Engine.SendRequest;

namespace Btrfs.LoopTests.Reading;

/// <summary>Sends from a device that the kernel has mounted and changes meanwhile; and sends that are interrupted.</summary>
[TestFixture]
internal sealed class MountedSendTests
{
    private static readonly SendRequest s_request = new() { Subvolumes = ["snapshot"] };

    private TestDirectory _work = null!;
    private BtrfsMount _mount = null!;
    private string _mountPoint = "";
    private byte[] _expected = [];

    private string Image => Path.Combine(_work.Path, "image");

    [SetUp]
    public void MountASnapshot()
    {
        _work = new TestDirectory();
        _mountPoint = Path.Combine(_work.Path, "mnt");
        Directory.CreateDirectory(_mountPoint);
        using (FileStream file = File.Create(Image))
            file.SetLength(512L << 20);
        Tool.Run("mkfs.btrfs", "-q", Image);
        _mount = BtrfsMount.Open([Image], _mountPoint, "noatime,compress-force=zstd", visible: true);
        Tool.Run("btrfs", "-q", "subvolume", "create", $"{_mountPoint}/volume");
        byte[] content = new byte[3_000_000];
        new Random(5).NextBytes(content);
        File.WriteAllBytes($"{_mountPoint}/volume/random", content);
        for (int i = 0; i < 200; i++)
            File.WriteAllText($"{_mountPoint}/volume/file{i}", $"content {i}");
        Tool.Run("btrfs", "-q", "subvolume", "snapshot", "-r", $"{_mountPoint}/volume", $"{_mountPoint}/snapshot");
        Tool.Run("sync", "-f", _mountPoint);
        string stream = Path.Combine(_work.Path, "expected");
        Tool.Run("btrfs", "-q", "send", "-f", stream, $"{_mountPoint}/snapshot");
        _expected = File.ReadAllBytes(stream);
    }

    [TearDown]
    public void Unmount()
    {
        _mount?.Dispose();
        _work?.Dispose();
    }

    [Test]
    public void A_snapshot_is_sent_right_while_other_files_are_written()
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([Device()]);
        Assert.That(fs.Notices, Has.One.Contains("is mounted at"));
        File.WriteAllBytes($"{_mountPoint}/volume/other", new byte[2_000_000]);
        Assert.That(Send(fs).AsSpan().SequenceEqual(_expected));
    }

    [Test]
    public void A_send_over_commits_is_right_or_says_that_the_file_system_changed()
    {
        int right = 0;
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([Device()], new BtrfsOpenOptions { BlockCacheBytes = 1 });
        for (int i = 0; i < 6; i++)
        {
            File.WriteAllBytes($"{_mountPoint}/volume/other{i}", new byte[300_000]);
            Tool.Run("sync", "-f", _mountPoint);
            try
            {
                Assert.That(Send(fs).AsSpan().SequenceEqual(_expected));
                right++;
            }
            catch (FileSystemChangedException error)
            {
                TestContext.Out.WriteLine(error.Message);
                Assert.That(error.Message, Does.StartWith("the file system changed during the send"));
            }
        }

        TestContext.Out.WriteLine($"{right} of 6 were right");
        using BtrfsFileSystem now = BtrfsFileSystem.Open([Device()]);
        Assert.That(Send(now).AsSpan().SequenceEqual(_expected));
    }

    [Test]
    public void A_balance_during_the_send_is_an_error_and_the_stream_has_no_end()
    {
        string output = Path.Combine(_work.Path, "stream");
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([Image]))
        {
            Tool.Run("btrfs", "-q", "balance", "start", "--full-balance", _mountPoint);
            using MemoryStream stream = new();
            Assert.That(() => fs.Send(s_request, stream), Throws.TypeOf<FileSystemChangedException>().With.Message.StartsWith("the file system changed during the send"));
            Assert.That(stream.ToArray().AsSpan().EndsWith(_expected.AsSpan(_expected.Length - 10)), Is.False);
        }

        (int code, string errors) = EngineCommand.Run("send", "-f", output, Image, "snapshot");
        Assert.That(code, Is.Zero, errors);
        Assert.That(errors, Does.Contain("NOTICE: ").And.Contain("is mounted"));
        Assert.That(File.ReadAllBytes(output).AsSpan().SequenceEqual(_expected));
    }

    // Not signal 2: who runs the tests in the background has it ignored, and children inherit that.
    [TestCase(15)]
    public void An_interrupted_send_ends_with_the_signal_and_leaves_no_file(int signal)
    {
        // Zeros, compressed: a stream of a gigabyte from a small image.
        using (FileStream large = File.Create($"{_mountPoint}/volume/large"))
        {
            byte[] zeros = new byte[16 << 20];
            for (int i = 0; i < 64; i++)
                large.Write(zeros);
        }

        Tool.Run("btrfs", "-q", "subvolume", "snapshot", "-r", $"{_mountPoint}/volume", $"{_mountPoint}/larger");
        Tool.Run("sync", "-f", _mountPoint);
        string output = Path.Combine(_work.Path, "stream");
        using Process process = EngineCommand.Start("send", "-f", output, Image, "larger");
        while (!Directory.GetFiles(_work.Path, "stream*.partial").Any(file => new FileInfo(file).Length > 0))
        {
            Assert.That(process.HasExited, Is.False, "ended before it could be interrupted");
            Thread.Sleep(1);
        }

        Assert.That(Kill(process.Id, signal), Is.Zero);
        Assert.That(process.WaitForExit(TimeSpan.FromSeconds(20)));
        Assert.That(process.ExitCode, Is.EqualTo(128 + signal));
        Assert.That(Directory.GetFiles(_work.Path, "stream*"), Is.Empty);
    }

    [Test]
    public void A_send_that_nobody_reads_can_be_interrupted()
    {
        using Process process = EngineCommand.Start("send", Image, "snapshot");
        byte[] some = new byte[100];
        process.StandardOutput.BaseStream.ReadExactly(some);
        Thread.Sleep(200);
        Assert.That(Kill(process.Id, 15), Is.Zero);
        Assert.That(process.WaitForExit(TimeSpan.FromSeconds(20)));
        Assert.That(process.ExitCode, Is.EqualTo(143));
    }

    [Test]
    public void A_broken_pipe_ends_the_send_quietly()
    {
        using Process process = EngineCommand.Start("send", "-q", Image, "snapshot");
        byte[] some = new byte[100];
        process.StandardOutput.BaseStream.ReadExactly(some);
        process.StandardOutput.Close();
        Assert.That(process.StandardError.ReadToEnd(), Is.Empty);
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(1));
    }

    private string Device() =>
        File.ReadLines("/proc/mounts").Select(line => line.Split(' ')).Single(fields => fields[1] == _mountPoint)[0];

    private static byte[] Send(BtrfsFileSystem fs)
    {
        using MemoryStream stream = new();
        fs.Send(s_request, stream);
        return stream.ToArray();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
