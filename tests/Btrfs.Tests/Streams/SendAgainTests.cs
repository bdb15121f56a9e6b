using Btrfs.Ctree;
using Btrfs.Fidelity;
using Btrfs.Format;
using Btrfs.Send;
using Btrfs.Stream;

namespace Btrfs.Tests.Streams;

/// <summary>Sends that are only counted, and sends that go on where one was cut.</summary>
public sealed class SendAgainTests
{
    private static IEnumerable<string> States => GoldenState.Names;

    [TestCaseSource(nameof(States))]
    public void An_estimate_is_the_length_of_the_kernels_stream_to_the_byte(string name)
    {
        using GoldenState state = new(name);
        long reads = 0;
        foreach (Recording recording in state.Recordings)
        {
            (RootRecord root, RootRecord? parent, RootRecord[] sources, SendOptions options) = Request(state, recording);
            Assert.That(new Sender(state.Fs).Estimate(root, parent, sources, options), Is.EqualTo(recording.LengthBytes), recording.Request.ToString());
            reads++;
        }

        Assert.That(reads, Is.GreaterThan(5));
    }

    [TestCaseSource(nameof(States))]
    public void The_first_part_and_the_resumed_rest_are_the_uninterrupted_stream(string name)
    {
        Random random = TestSeed.Random();
        using GoldenState state = new(name);
        foreach (Recording recording in state.Recordings)
        {
            (RootRecord root, RootRecord? parent, RootRecord[] sources, SendOptions options) = Request(state, recording);
            byte[] whole = File.ReadAllBytes(recording.File);
            List<long> begins = Begins(whole);
            int[] places = [1, begins.Count - 1, random.Next(1, begins.Count), random.Next(1, begins.Count), random.Next(1, begins.Count)];
            foreach (int commands in places)
            {
                ResumeToken token = new(GuidOf(root), root.Item.CTransId, begins[commands], commands);
                SendOptions resumed = options with { Resume = token };
                byte[] rest = state.Send(root, parent, sources, resumed);

                // The header and the first command come again; then the stream goes on as if nothing had been.
                int head = (int)begins[1];
                Assert.That(rest.AsSpan(0, head).SequenceEqual(whole.AsSpan(0, head)), Is.True);
                Assert.That(rest.AsSpan(head).SequenceEqual(whole.AsSpan((int)begins[commands])), Is.True, $"{recording.Request} from command {commands}");
                Assert.That(new Sender(state.Fs).Estimate(root, parent, sources, resumed), Is.EqualTo(rest.Length));
            }
        }
    }

    [Test]
    public void A_token_of_another_stream_is_refused_before_anything_is_written_behind_the_first_command()
    {
        using GoldenState state = new(GoldenState.Names.First());
        Recording recording = state.Recordings.First(recording => recording.Request.Parent is null && recording.Request is { Protocol: 1, NoData: false });
        (RootRecord root, _, RootRecord[] sources, SendOptions options) = Request(state, recording);
        List<long> begins = Begins(File.ReadAllBytes(recording.File));
        ResumeToken good = new(GuidOf(root), root.Item.CTransId, begins[40], 40);

        Assert.That(() => Resume(good with { Uuid = Guid.NewGuid() }), Throws.TypeOf<InvalidRequestException>().With.Message.Contain("subvolume"));
        Assert.That(() => Resume(good with { Ctransid = good.Ctransid + 1 }), Throws.TypeOf<InvalidRequestException>().With.Message.Contain("ctransid"));
        Assert.That(() => Resume(good with { StreamOffset = good.StreamOffset + 1 }), Throws.TypeOf<StreamFormatException>().With.Message.Contain("no command of this stream begins here"));
        Assert.That(() => Resume(good with { StreamOffset = 0 }), Throws.TypeOf<StreamFormatException>().With.Message.Contain("no command of this stream begins here"));
        Assert.That(() => Resume(good with { CommandCount = 41 }), Throws.TypeOf<StreamFormatException>().With.Message.Contain("40 commands"));
        Assert.That(() => Resume(good with { StreamOffset = long.MaxValue }), Throws.TypeOf<StreamFormatException>().With.Message.Contain("ends before"));
        Assert.That(() => Resume(good), Throws.Nothing);

        void Resume(ResumeToken token)
        {
            using MemoryStream output = new();
            try
            {
                new Sender(state.Fs).Send(root, null, sources, options with { Resume = token }, output);
            }
            finally
            {
                Assert.That(token == good || output.Length == 0, Is.True);
            }
        }
    }

    [Test]
    public void A_token_is_the_same_after_text_and_back()
    {
        ResumeToken token = new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), ulong.MaxValue, 1234567890123, 42);
        Assert.That(token.ToString(), Is.EqualTo("v1:00112233-4455-6677-8899-aabbccddeeff:18446744073709551615:1234567890123:42"));
        Assert.That(ResumeToken.TryParse(token.ToString(), out ResumeToken? parsed), Is.True);
        Assert.That(parsed, Is.EqualTo(token));
        foreach (string wrong in (string[])["", "v1", "v2:00112233-4455-6677-8899-aabbccddeeff:1:2:3", "v1:00112233:1:2:3", "v1:00112233-4455-6677-8899-aabbccddeeff:1:-2:3", "v1:00112233-4455-6677-8899-aabbccddeeff:1:2:3:4"])
            Assert.That(ResumeToken.TryParse(wrong, out _), Is.False, wrong);
    }

    private static (RootRecord Root, RootRecord? Parent, RootRecord[] Sources, SendOptions Options) Request(GoldenState state, Recording recording)
    {
        SendRequest request = recording.Request;
        SendOptions options = new() { Protocol = request.Protocol, CompressedData = request.CompressedData, NoData = request.NoData };
        return (state.Root(request.Subvolume), request.Parent is null ? null : state.Root(request.Parent), [.. request.CloneSources.Select(state.Root)], options);
    }

    // Where each command begins, and where the last ends.
    private static List<long> Begins(byte[] stream)
    {
        List<long> begins = [];
        CommandReader reader = new(new MemoryStream(stream));
        while (reader.Read())
            begins.Add(reader.Current.Offset);
        return begins;
    }

    private static Guid GuidOf(RootRecord root) => Guid.Parse(root.StreamUuid.ToString());
}
