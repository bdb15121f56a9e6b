using Btrfs.Engine.Making;
using Btrfs.Fuzz.Streams;
using Btrfs.LoopTests.Reading;
using Btrfs.Space.Making;

namespace Btrfs.Tests.Cli;

/// <summary><c>receive</c> as a person meets it: what it says where something is wrong, and how to go on.</summary>
internal sealed class ReceiveCommandTests
{
    private string _directory = "";

    private string Image => Path.Combine(_directory, "image");

    [SetUp]
    public void MakeImage()
    {
        _directory = Directory.CreateTempSubdirectory("btrfs-receive-").FullName;
        ImageMaker.Make([Image], new MakeOptions { DeviceBytes = 128 << 20 });
    }

    [TearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void A_stream_that_is_cut_is_told_with_how_to_go_on()
    {
        byte[] stream = new StreamScript().Subvol("s").Mkfile("a").Write("a", 0, new byte[50_000]).Mkfile("b").End();

        (int code, string errors) = EngineCommand.Run("receive", "-f", Written("cut", stream.AsSpan(0, stream.Length - 12)), Image);

        Assert.That(code, Is.EqualTo(1));
        Assert.That(errors, Does.Contain("truncated").And.Contain("NOTICE: 's' stays in part, as v1:").And.Contain("--resume"));
        Assert.That(EngineCommand.Run("receive", "-q", "--resume", "-f", Written("whole", stream), Image), Is.EqualTo((0, "")));
    }

    [Test]
    public void What_is_no_stream_is_named()
    {
        Assert.That(EngineCommand.Run("receive", "-f", Path.Combine(_directory, "none"), Image), Is.EqualTo((1, $"ERROR: cannot open '{_directory}/none': no such file or directory\n")));
        Assert.That(EngineCommand.Run("receive", "-f", _directory, Image), Is.EqualTo((1, $"ERROR: cannot open '{_directory}': is a directory\n")));
        Assert.That(EngineCommand.Run("receive", "-f", Written("text", "hello\n"u8), Image), Is.EqualTo((1, "ERROR: stream offset 0: not a send stream: the magic is missing\n")));
    }

    private string Written(string name, ReadOnlySpan<byte> content)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
