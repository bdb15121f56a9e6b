using Btrfs.Engine;
using Btrfs.Fuzz.Streams;
using Btrfs.Receive;
using Btrfs.Receive.Parts;
using Btrfs.Stream;
using Btrfs.Tests.Stream;

namespace Btrfs.Tests.Receiving;

/// <summary>What was interrupted stays as a part, and goes on from there to the same end.</summary>
internal sealed class ResumeTests
{
    private static readonly string[] s_streams = ["full-v1", "full-v2-compressed", "incremental-v1"];

    [TestCaseSource(nameof(s_streams))]
    public void A_stream_that_is_cut_anywhere_goes_on_to_the_same_result(string name)
    {
        byte[] stream = GoldenStreams.Read(name);
        ReceiverImage start = ReceiverImage.New();
        string subvolume = name.StartsWith("full", StringComparison.Ordinal) ? "s1" : "s2";
        if (subvolume == "s2")
            start.Receive(GoldenStreams.Read("full-v1"));
        ReceiverImage whole = start.Fork();
        whole.Receive(stream);
        List<string> expected = SentStream.Digest(whole, subvolume);
        Random random = TestSeed.Random();
        int firstCommand = CommandEnds(stream)[0];

        for (int i = 0; i < 25; i++)
        {
            int cut = random.Next(firstCommand, stream.Length);
            ReceiverImage image = start.Fork();
            ReceiveOptions options = new() { CommitBytes = random.Next(1, 20_000) };
            Assert.That(() => image.Receive(stream[..cut], options), Throws.TypeOf<StreamFormatException>());
            Assert.That(image.Fault(), Is.Null);
            ResumeToken token = TokenOf(image);
            Assert.That(CommandEnds(stream), Does.Contain((int)token.StreamOffset), $"cut at {cut}");

            // Once more cut, the whole stream or the rest of it, and then the other.
            int again = random.Next(cut, stream.Length);
            options = options with { Resume = true };
            Assert.That(() => image.Receive(random.Next(2) == 0 ? stream[..again] : Rest(stream, token, again), options), Throws.TypeOf<StreamFormatException>());
            token = TokenOf(image);
            image.Receive(random.Next(2) == 0 ? stream : Rest(stream, token, stream.Length), options);

            Assert.That(SentStream.Digest(image, subvolume), Is.EqualTo(expected), $"cut at {cut} and {again}");
            Assert.That(image.Fault(), Is.Null);
            using BtrfsFileSystem fs = image.Open();
            Assert.That(fs.FindReceivedParts(), Is.Empty);
        }
    }

    [Test]
    public void The_sender_goes_on_from_the_token_of_the_receiver()
    {
        ReceiverImage sender = ReceiverImage.New();
        sender.Receive(GoldenStreams.Read("full-v2-compressed"));
        byte[] stream = SentStream.Of(sender, "s1");
        Random random = TestSeed.Random();
        for (int i = 0; i < 10; i++)
        {
            ReceiverImage image = ReceiverImage.New();
            int cut = random.Next(CommandEnds(stream)[0], stream.Length);
            Assert.That(() => image.Receive(stream[..cut]), Throws.TypeOf<StreamFormatException>());

            using MemoryStream rest = new();
            using (BtrfsFileSystem fs = sender.Open())
                fs.Send(new SendRequest { Subvolumes = ["s1"], Protocol = 2, Resume = TokenOf(image) }, rest);
            image.Receive(rest.ToArray(), new ReceiveOptions { Resume = true });

            Assert.That(SentStream.Digest(image, "s1"), Is.EqualTo(SentStream.Digest(sender, "s1")), $"cut at {cut}");
            Assert.That(image.Fault(), Is.Null);
        }
    }

    [Test]
    public void A_large_file_goes_on_where_it_was_cut([Values] bool isCommitted)
    {
        byte[] data = new byte[100_000];
        new Random(1).NextBytes(data);
        StreamScript script = new StreamScript().Subvol("s").Mkfile("a");
        for (int piece = 0; piece < 100; piece++)
            script.Write("a", (ulong)(piece * data.Length), data);
        byte[] stream = script.End();
        ReceiverImage image = ReceiverImage.New();
        ReceiveOptions options = new() { CommitBytes = isCommitted ? 1_000_000 : long.MaxValue };

        Assert.That(() => image.Receive(stream[..^1_000_000], options), Throws.TypeOf<StreamFormatException>());

        Assert.That(TokenOf(image).StreamOffset, Is.EqualTo(CommandEnds(stream).Last(end => end <= stream.Length - 1_000_000)));
        image.Receive(Rest(stream, TokenOf(image), stream.Length), new ReceiveOptions { Resume = true });
        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem fs = image.Open();
        Assert.That(ReceiveTests.Content(fs, "s/a"), Is.EqualTo(Enumerable.Repeat(data, 100).SelectMany(piece => piece).ToArray()));
    }

    [Test]
    public void A_part_is_refused_anew_and_cleaned_on_request()
    {
        byte[] stream = GoldenStreams.Read("full-v1");
        ReceiverImage image = ReceiverImage.New();
        Assert.That(() => image.Receive(stream[..^1]), Throws.TypeOf<StreamFormatException>());

        Assert.That(() => image.Receive(stream), Throws.TypeOf<ReceiveException>().With.Message.Contains("--resume"));
        using (BtrfsFileSystem fs = image.Open(writable: true))
        {
            ReceivedPart part = fs.RemoveReceivedParts().Single();
            Assert.That(part.Name.ToArray(), Is.EqualTo("s1"u8.ToArray()));
            Assert.That(fs.EnumerateDirectory(""), Is.Empty);
        }

        image.Receive(stream);
        Assert.That(image.Fault(), Is.Null);
    }

    [Test]
    public void Another_stream_does_not_go_on_with_a_part()
    {
        byte[] stream = new StreamScript().Subvol("s").Mkfile("a").Mkfile("b").Write("a", 0, "text"u8).Cut();
        ReceiverImage image = ReceiverImage.New();
        Assert.That(() => image.Receive(stream), Throws.TypeOf<StreamFormatException>());
        byte[] other = new StreamScript().Subvol("s").Mkfile("a").Mkfile("c").Write("a", 0, "text"u8).Mkfile("d").End();

        Assert.That(() => image.Receive(other, new ReceiveOptions { Resume = true }), Throws.TypeOf<ReceiveException>().With.Message.Contains("neither"));
        Assert.That(() => image.Receive(new StreamScript().Subvol("s", transactionId: 8).End(), new ReceiveOptions { Resume = true }), Throws.TypeOf<ReceiveException>());
        image.Receive([.. stream, .. new StreamScript().Cut().AsSpan()[..0], .. new StreamScript().Subvol("s").End()[^10..]], new ReceiveOptions { Resume = true });

        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem fs = image.Open();
        Assert.That(ReceiveTests.Content(fs, "s/a"), Is.EqualTo("text"u8.ToArray()));
    }

    [Test]
    public void A_command_that_cannot_be_carried_out_leaves_nothing()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] stream = new StreamScript().Subvol("s").Mkfile("a").Write("a", 0, new byte[100_000]).Unlink("b").End();
        Assert.That(() => image.Receive(stream), Throws.TypeOf<ReceiveException>());
        using BtrfsFileSystem fs = image.Open();
        Assert.That(fs.EnumerateSubvolumes().Count(), Is.EqualTo(1));
        Assert.That(image.Fault(), Is.Null);
    }

    /// <summary>As a sender makes it: the header and the first command, and then what comes behind the token.</summary>
    internal static byte[] Rest(byte[] stream, ResumeToken token, int end)
    {
        int begin = Math.Min((int)token.StreamOffset, end);
        return [.. stream[..CommandEnds(stream)[0]], .. stream[begin..end]];
    }

    private static ResumeToken TokenOf(ReceiverImage image)
    {
        using BtrfsFileSystem fs = image.Open();
        return fs.FindReceivedParts().Single().Token!;
    }

    private static List<int> CommandEnds(byte[] stream)
    {
        List<int> ends = [];
        CommandReader reader = new(new MemoryStream(stream));
        while (reader.Read())
            ends.Add((int)reader.Current.Offset + reader.Current.Length);
        return ends;
    }
}
