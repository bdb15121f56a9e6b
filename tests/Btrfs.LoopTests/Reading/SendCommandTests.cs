using System.Diagnostics;
using System.Text;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.LoopTests.Reading;

/// <summary><c>send</c> with every option, held against <c>btrfs send</c> on the same file system: the bytes, and what is refused.</summary>
[TestFixture]
internal sealed class SendCommandTests
{
    private readonly TestDirectory _work = new();
    private readonly Dictionary<string, (int Code, byte[] Stream)> _expected = [];
    private string _image = "";

    private static readonly string[] s_requests =
    [
        "S",
        "-p S X",
        "-c S -c Z Y",
        "-c X -c Y -c Z N",
        "-c Z -c Y -c X N",
        "-c T -c Z N",
        "-c Z -c T N",
        "-c S -c X N",
        "-c Y X",
        "-p S -c X -c Z Y",
        "S X Y",
        "-e S X Y",
        "-e -p S X Y",
        "-p S X Y",
        "-c X N XX",
        "-e -c X N XX",
        "-p S S",
        "-c X deep/inside",
        "--no-data S",
        "--no-data -p S X",
        "--proto 0 S",
        "--proto 1 S",
        "--proto 2 S",
        "--proto 2 -p S X",
        "--compressed-data S",
        "--compressed-data --proto 0 -p S X",
        "-c Y XX",
        "-c S N XX",
        "-p rw X",
        "-c rw X",
        "rw",
        "nothing",
        "-p nothing X",
        "-p S/f1 X",
        "S/f1",
        "--proto 3 S",
        "--proto 1 --compressed-data S",
    ];

    public static IEnumerable<string> Requests => s_requests;

    [OneTimeSetUp]
    public void MakeSnapshotsAndTheirStreams()
    {
        _image = Path.Combine(_work.Path, "image");
        using (FileStream file = File.Create(_image))
            file.SetLength(256L << 20);
        Tool.Run("mkfs.btrfs", "-q", _image);
        string mountPoint = Path.Combine(_work.Path, "mnt");
        Directory.CreateDirectory(mountPoint);
        using BtrfsMount mount = BtrfsMount.Open([_image], mountPoint, "noatime,compress=zstd", visible: true);
        MakeSnapshots(mount.Root);
        foreach (string request in s_requests)
            _expected.Add(request, KernelStream(mountPoint, request));
    }

    [OneTimeTearDown]
    public void RemoveTheImage() => _work.Dispose();

    [TestCaseSource(nameof(Requests))]
    public void The_stream_is_that_of_btrfs_send(string request)
    {
        (int expectedCode, byte[] expected) = _expected[request];
        string output = Path.Combine(_work.Path, "stream");
        File.Delete(output);
        string[] words = request.Split(' ');
        int subvolumes = Array.FindLastIndex(words, word => word[0] == '-');
        bool takesValue = subvolumes >= 0 && words[subvolumes] is "-p" or "-c" or "--proto";
        int image = subvolumes + (takesValue ? 2 : 1);

        (int code, string errors) = EngineCommand.Run(["send", .. words[..image], "-f", output, _image, .. words[image..]]);

        // Where btrfs-progs 6.2 refuse, their exit code is not always the same one.
        Assert.That(code, Is.EqualTo(expectedCode == 0 ? 0 : 1), errors);
        Assert.That(File.Exists(output), Is.EqualTo(code == 0));
        if (code == 0)
            Assert.That(File.ReadAllBytes(output).AsSpan().SequenceEqual(expected), $"{new FileInfo(output).Length} bytes, {expected.Length} expected");
        else
            Assert.That(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], Does.StartWith("ERROR: "));
        Assert.That(Directory.GetFiles(_work.Path), Has.None.EndsWith(".partial"));
    }

    [Test]
    public void Standard_output_gets_the_same_stream_without_root()
    {
        const int Nobody = 65534;
        using Process process = EngineCommand.StartAs(Nobody, "send", "-q", "-p", "S", _image, "X");
        using MemoryStream stream = new();
        process.StandardOutput.BaseStream.CopyTo(stream);
        Assert.That(process.StandardError.ReadToEnd(), Is.Empty);
        process.WaitForExit();
        Assert.That(stream.ToArray().AsSpan().SequenceEqual(_expected["-p S X"].Stream));
    }

    // Subvolumes changed to several points and made read-only, so that the choice among clone sources has something to choose.
    private static void MakeSnapshots(int root)
    {
        Check(BtrfsIoctl.CreateSubvolume(root, "S"u8));
        using Descriptor subvolume = Open(root, "S"u8);
        Random random = new(3);
        byte[] content = new byte[300_000];
        foreach (string name in (string[])["f1", "f2", "f3"])
        {
            random.NextBytes(content);
            Write(subvolume.Value, name, content);
        }

        Write(subvolume.Value, "text", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("compressible ", 40_000))));
        Check(BtrfsIoctl.Sync(root));
        foreach (string name in (string[])["X", "Y", "Z", "T"])
            Check(BtrfsIoctl.CreateSnapshot(subvolume.Value, root, Encoding.ASCII.GetBytes(name), readOnly: false));
        Check(BtrfsIoctl.Sync(root));
        Change(root, "X", subvolume.Value, "f1");
        Change(root, "Y", subvolume.Value, "f2");
        Change(root, "Z", subvolume.Value, "f3");
        Change(root, "T", subvolume.Value, "text", "Z");
        foreach (string name in (string[])["S", "X", "Y", "Z", "T"])
        {
            using Descriptor made = Open(root, Encoding.ASCII.GetBytes(name));
            Check(BtrfsIoctl.SetReadOnly(made.Value, true));
        }

        using Descriptor first = Open(root, "X"u8);
        Check(BtrfsIoctl.CreateSnapshot(subvolume.Value, root, "N"u8, readOnly: true));
        Check(BtrfsIoctl.CreateSnapshot(first.Value, root, "XX"u8, readOnly: true));
        Check(BtrfsIoctl.CreateSubvolume(root, "rw"u8));
        Check(Syscall.Mkdir(root, "deep"u8, 0x1ED));
        using Descriptor deep = Open(root, "deep"u8);
        Check(BtrfsIoctl.CreateSnapshot(first.Value, deep.Value, "inside"u8, readOnly: true));
        Check(BtrfsIoctl.Sync(root));
    }

    private static void Change(int root, string snapshot, int source, string name, string? alsoIn = null)
    {
        foreach (string at in alsoIn is null ? [snapshot] : new[] { snapshot, alsoIn })
        {
            using Descriptor directory = Open(root, Encoding.ASCII.GetBytes(at));
            using Descriptor from = new(Check(Syscall.Open(source, Encoding.ASCII.GetBytes(name), Syscall.OpenReadOnly)));
            using Descriptor to = new(Check(Syscall.Open(directory.Value, Encoding.ASCII.GetBytes($"from-{name}"), Syscall.OpenReadWrite | Syscall.OpenCreate, 0x1A4)));
            Check(FileIoctl.Clone(to.Value, from.Value));
        }

        Check(BtrfsIoctl.Sync(root));
    }

    private static (int Code, byte[] Stream) KernelStream(string mountPoint, string request)
    {
        ProcessStartInfo start = new("btrfs", ["send", .. request.Split(' ')])
        {
            WorkingDirectory = mountPoint,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("btrfs did not start");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using MemoryStream stream = new();
        process.StandardOutput.BaseStream.CopyTo(stream);
        process.WaitForExit();
        TestContext.Out.WriteLine($"{request}: {process.ExitCode}, {errors.Result.Trim()}");
        return (process.ExitCode, stream.ToArray());
    }

    private static void Write(int directory, string name, byte[] content)
    {
        using Descriptor file = new(Check(Syscall.Open(directory, Encoding.ASCII.GetBytes(name), Syscall.OpenReadWrite | Syscall.OpenCreate, 0x1A4)));
        for (int written = 0; written < content.Length;)
            written += Check(Syscall.Write(file.Value, content.AsSpan(written), written));
    }

    private static Descriptor Open(int root, ReadOnlySpan<byte> name) => new(Check(Syscall.Open(root, name, Syscall.OpenReadOnly | Syscall.OpenDirectory)));

    private static int Check(int result) => KernelException.Check(result, "make snapshots");
}
