using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Fuzz.Streams;
using Btrfs.Inode;
using Btrfs.Receive;
using Btrfs.Stream;
using Btrfs.Tests.Stream;

namespace Btrfs.Tests.Receiving;

/// <summary>What a received subvolume is like.</summary>
internal sealed class ReceiveTests
{
    [Test]
    public void A_received_subvolume_is_as_the_kernel_leaves_it()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] stream = new StreamScript().Subvol("home", transactionId: 42).Mkdir("o257-7-0").Rename("o257-7-0", "docs").Mkfile("o258-7-0")
            .Write("o258-7-0", 0, "hello"u8).Rename("o258-7-0", "docs/a").Chown("docs/a", 1000, 100).Number(CommandType.Chmod, "docs/a", AttributeType.Mode, 0x1A4)
            .Xattr("docs/a", "user.color", "red").Utimes("docs/a", 1234, 5).Utimes("", 99).End();

        IReadOnlyList<ReceivedSubvolume> received = image.Receive(stream);

        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem fs = image.Open();
        SubvolumeInfo info = fs.EnumerateSubvolumes().Single(one => one.Id == received[0].Id);
        FileStatus file = fs.GetStatus("home/docs/a");
        Assert.Multiple(() =>
        {
            Assert.That(info.Root.IsReadOnly);
            Assert.That(info.Root.Item.ReceivedUuid, Is.EqualTo(StreamScript.Sender));
            Assert.That(info.Root.Item.STransId.Value, Is.EqualTo(42));
            Assert.That(info.Root.Item.RTransId.Value, Is.EqualTo(info.Root.Item.Generation.Value));
            Assert.That(info.Root.Item.STime.Seconds, Is.Zero);
            Assert.That(info.Root.Item.RTime.Seconds, Is.Not.Zero);
            Assert.That((file.Uid, file.Gid, file.Mode), Is.EqualTo((1000u, 100u, InodeMode.Regular | 0x1A4)));
            Assert.That((file.MTime.Seconds, file.MTime.Nanoseconds), Is.EqualTo((1234L, 5u)));
            Assert.That(fs.EnumerateXattrs("home").Count(), Is.Zero, "the mark of the part is gone");
            Assert.That(Content(fs, "home/docs/a"), Is.EqualTo("hello"u8.ToArray()));
            Assert.That(fs.FindReceivedParts(), Is.Empty);
        });
    }

    [TestCase("full-v1", "incremental-v1")]
    [TestCase("full-v2", "incremental-v2-compressed")]
    [TestCase("full-v2-compressed", "incremental-v2-compressed")]
    [TestCase("two-subvolumes-in-one-v2")]
    public void Streams_of_the_kernel_are_received_and_sent_again_alike(params string[] names)
    {
        ReceiverImage image = ReceiverImage.New();
        foreach (string name in names)
            image.Receive(GoldenStreams.Read(name));

        Assert.That(image.Fault(), Is.Null);
        ReceiverImage again = ReceiverImage.New();
        again.Receive(SentStream.Of(image, "s1", compressed: true));
        Assert.That(SentStream.Digest(again, "s1"), Is.EqualTo(SentStream.Digest(image, "s1")));
        Assert.That(SentStream.Digest(image, "s2"), Is.Not.Empty);
    }

    [Test]
    public void Two_file_systems_send_back_and_forth()
    {
        ReceiverImage one = ReceiverImage.New();
        ReceiverImage other = ReceiverImage.New();
        using (BtrfsFileSystem fs = one.Open(writable: true))
        {
            fs.CreateSubvolume("work");
            fs.CreateFile("work/a");
            fs.WriteFile("work/a", 0, new byte[100_000]);
            fs.CreateSnapshot("work", "first", isReadOnly: true);
        }

        other.Receive(SentStream.Of(one, "first"));
        for (int round = 0; round < 4; round++)
        {
            (ReceiverImage from, ReceiverImage to) = round % 2 == 0 ? (other, one) : (one, other);
            string parent = round == 0 ? "first" : $"snap{round - 1}";
            using (BtrfsFileSystem fs = from.Open(writable: true))
            {
                fs.CreateSnapshot(parent, "change", isReadOnly: false);
                fs.WriteFile("change/a", 50_000, "changed"u8);
                fs.CreateFile($"change/file{round}");
                fs.CreateSnapshot("change", $"snap{round}", isReadOnly: true);
                fs.DeleteSubvolume("change");
            }

            to.Receive(SentStream.Of(from, $"snap{round}", parent));
            Assert.That(SentStream.Digest(to, $"snap{round}"), Is.EqualTo(SentStream.Digest(from, $"snap{round}")));
            Assert.That(to.Fault(), Is.Null);
        }
    }

    [Test]
    public void Clones_share_what_they_can()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] data = new byte[64 << 10];
        new Random(1).NextBytes(data);
        byte[] stream = new StreamScript().Subvol("s").Mkfile("a").Write("a", 0, data).Mkfile("b").Clone("b", 0, (ulong)data.Length, StreamScript.Sender, "a", 0)
            .Mkfile("c").Clone("c", 100, 1000, StreamScript.Sender, "a", 7).End();

        image.Receive(stream);

        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem fs = image.Open();
        Assert.That(Content(fs, "s/b"), Is.EqualTo(data));
        Assert.That(Content(fs, "s/c"), Is.EqualTo((byte[])[.. new byte[100], .. data[7..1007]]), "what can't be shared is copied");
        Assert.That(fs.GetStatus("s/b").AllocatedBytes, Is.EqualTo(fs.GetStatus("s/a").AllocatedBytes));
    }

    [Test]
    public void Only_the_first_stream_is_read_where_that_is_asked()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] first = new StreamScript().Subvol("one").End();
        using MemoryStream input = new([.. first, .. new StreamScript().Subvol("two").End()]);
        using (BtrfsFileSystem fs = image.Open(writable: true))
            Assert.That(fs.Receive(input, "", new ReceiveOptions { StopAtEnd = true }), Has.Count.EqualTo(1));
        Assert.That(input.Position, Is.EqualTo(first.Length));
        image.Receive([.. new StreamScript().Subvol("three").End(), .. new StreamScript().Subvol("four", Uuid.Parse("11111111-2222-3333-4444-555555555556")).End()]);
        Assert.That(image.Fault(), Is.Null);
    }

    [Test]
    public void Errors_up_to_a_number_are_told_and_passed_over()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] stream = new StreamScript().Subvol("s").Unlink("none").Mkfile("a").Rmdir("a").End();
        List<string> notices = [];

        image.Receive(stream, new ReceiveOptions { MaxErrors = 0 }, progress: new Listener(notices));

        Assert.That(notices, Has.Count.EqualTo(2));
        Assert.That(image.Fault(), Is.Null);
        Assert.That(() => ReceiverImage.New().Receive(stream, new ReceiveOptions { MaxErrors = 2 }), Throws.TypeOf<ReceiveException>());
    }

    [Test]
    public void An_encoded_write_that_is_refused_late_is_told_with_its_own_place()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] begun = new StreamScript().Subvol("s").Mkfile("a").Cut();
        byte[] stream = new StreamScript().Subvol("s").Mkfile("a").Encoded("a", 0, 4096, 4096, 0, 2, "none"u8).Mkfile("b").Encoded("b", 0, 4096, 4096, 0, 1, "none"u8).End();
        List<string> notices = [];

        image.Receive(stream, new ReceiveOptions { MaxErrors = 0 }, progress: new Listener(notices));

        Assert.That(notices, Has.Count.EqualTo(2));
        Assert.That(notices[0], Does.StartWith($"stream offset {begun.Length}, encoded_write: "));
        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem fs = image.Open();
        Assert.That(fs.GetStatus("s/b").Size, Is.Zero, "what comes behind is carried out");
        Assert.That(Assert.Throws<ReceiveException>(() => ReceiverImage.New().Receive(stream))!.Offset, Is.EqualTo(begun.Length));
    }

    internal static byte[] Content(BtrfsFileSystem fs, string path)
    {
        using System.IO.Stream stream = fs.OpenFile(path);
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private sealed class Listener(List<string> notices) : IProgress<ReceiveProgress>
    {
        public void Report(ReceiveProgress value)
        {
            if (value.Notice is not null)
                notices.Add(value.Notice);
        }
    }
}
