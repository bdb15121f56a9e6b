using System.Text;
using Btrfs.Engine;
using Btrfs.Engine.DependencyInjection;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Tests.Inode;
using Microsoft.Extensions.DependencyInjection;

namespace Btrfs.Tests.Engine;

public sealed class BtrfsFileSystemTests
{
    private string _image = "";
    private BtrfsFileSystem _fs = null!;

    [OneTimeSetUp]
    public void WriteImage()
    {
        _image = Path.GetTempFileName();
        SampleImage.WriteTo(_image);
        _fs = BtrfsFileSystem.Open([_image]);
    }

    [OneTimeTearDown]
    public void RemoveImage()
    {
        _fs?.Dispose();
        File.Delete(_image);
    }

    [Test]
    public void Directories_files_and_attributes_are_read()
    {
        List<DirectoryEntry> top = [.. _fs.EnumerateDirectory("/")];
        Assert.That(top.Select(entry => entry.Name), Is.EquivalentTo(new[] { "volume", "before", "after", "copy", "top" }));
        Assert.That(top.Single(entry => entry.Name == "after").IsSubvolume);
        Assert.That(top.Single(entry => entry.Name == "top").Type, Is.EqualTo(DirEntryType.RegularFile));
        Assert.That(_fs.EnumerateDirectory("copy/nested"), Is.Empty);
        Assert.That(() => _fs.EnumerateDirectory("top"), Throws.TypeOf<InvalidRequestException>());

        using StreamReader file = new(_fs.OpenFile("top"));
        Assert.That(file.ReadToEnd(), Is.EqualTo("top\n"));
        Assert.That(() => _fs.OpenFile("volume"), Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo("'volume' is not a regular file"));
        FileStatus target = _fs.GetStatus("after/tree/target");
        Assert.That(target.Mode & 0xFFF, Is.EqualTo(0x9FD & target.Mode));
        Assert.That(target.LinkCount, Is.GreaterThan(20));
        Assert.That(_fs.EnumerateXattrs("after/tree/target").Select(xattr => Encoding.ASCII.GetString(xattr.Name)), Has.Member("user.attribute2"));
        Assert.That(_fs.EnumerateSubvolumes().Count(), Is.EqualTo(6));
        Assert.That(_fs.DefaultSubvolumeId, Is.EqualTo(ObjectIds.FsTree));
        Assert.That(_fs.Notices, Is.Empty);
    }

    [Test]
    public async Task A_send_tells_its_progress_and_can_be_asked_for_several_subvolumes()
    {
        using MemoryStream joined = new();
        Recorder progress = new();
        long length = await _fs.SendAsync(new SendRequest { Subvolumes = ["before", "after"], Parent = "before", JoinStreams = true }, joined, progress);
        Assert.That(joined.Length, Is.EqualTo(length));
        Assert.That(progress.Reports.Where(report => report.Inode == 0).Select(report => report.Subvolume.ToString()), Is.EqualTo(new[] { "before", "after" }));
        Assert.That(progress.Reports.Select(report => report.StreamBytes), Is.Ordered);
        Assert.That(progress.Reports[^1].StreamBytes, Is.EqualTo(length));
    }

    [Test]
    public void A_cancelled_send_ends()
    {
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.That(() => _fs.Send(new SendRequest { Subvolumes = ["after"] }, System.IO.Stream.Null, null, cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void What_can_not_be_sent_is_refused_before_the_first_byte()
    {
        (SendRequest Request, string Message)[] cases =
        [
            (new() { Subvolumes = ["volume"] }, "subvolume volume is not read-only"),
            (new() { Subvolumes = ["after"], Parent = "volume" }, "parent subvolume volume is not read-only"),
            (new() { Subvolumes = ["after"], CloneSources = ["copy"] }, "cloned subvolume copy is not read-only"),
            (new() { Subvolumes = ["none"] }, "no such file or directory: 'none'"),
            (new() { Subvolumes = ["after/tree"] }, "'after/tree' is not a subvolume"),
            (new() { Subvolumes = [] }, "no subvolume to send is named"),
            (new() { Subvolumes = ["after"], Protocol = 3 }, "protocol version 3 is not supported, the highest is 2"),
            (new() { Subvolumes = ["after"], Protocol = -1 }, "protocol version -1 is not supported, the highest is 2"),
            (new() { Subvolumes = ["after"], Protocol = 1, CompressedData = true }, "compressed data requires protocol version >= 2 (requested 1)"),
        ];
        foreach ((SendRequest request, string message) in cases)
        {
            using MemoryStream output = new();
            Assert.That(() => _fs.Send(request, output), Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo(message));
            Assert.That(output.Length, Is.Zero);
        }
    }

    [Test]
    public async Task A_container_gives_an_opener_with_its_options()
    {
        ServiceCollection services = new();
        services.AddBtrfsEngine(options => options.AllowMissingDevices = false);
        await using ServiceProvider provider = services.BuildServiceProvider();
        BtrfsFileSystemOpener opener = provider.GetRequiredService<BtrfsFileSystemOpener>();
        using BtrfsFileSystem fs = await opener.OpenAsync([_image]);
        Assert.That(fs.GetStatus("/").IsDirectory);
        Assert.That(() => opener.Open(_image + ".none"), Throws.InstanceOf<IOException>());
    }

    private sealed class Recorder : IProgress<SendRequestProgress>
    {
        public List<SendRequestProgress> Reports { get; } = [];

        public void Report(SendRequestProgress value) => Reports.Add(value);
    }
}
