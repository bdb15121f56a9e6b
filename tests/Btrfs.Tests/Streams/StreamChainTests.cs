using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Engine.Comparing;
using Btrfs.Fidelity;
using Btrfs.Inode;
using Btrfs.Send;
using Btrfs.Stream;
using Btrfs.Stream.Replay;
using Btrfs.Stream.Verify;
using Btrfs.Tests.Stream;

namespace Btrfs.Tests.Streams;

/// <summary>What chains of streams make, held against the snapshots that they were sent from.</summary>
public sealed class StreamChainTests
{
    private static IEnumerable<string> States => GoldenState.Names;

    [Test]
    public void Every_snapshot_equals_what_the_chain_up_to_it_makes([ValueSource(nameof(States))] string name, [Values("v1", "v2", "compressed")] string form)
    {
        using GoldenState state = new(name);
        SendOptions options = new() { Protocol = form == "v1" ? 1 : 2, CompressedData = form == "compressed" };
        using BtrfsFileSystem fs = BtrfsFileSystem.Open(state.Images);
        List<string> files = [];
        List<RootRecord> sent = [];
        foreach (RootRecord root in state.Snapshots)
        {
            RootRecord? parent = sent.LastOrDefault();
            byte[] stream = state.Send(root, parent, sent, options);
            files.Add(state.Save($"{files.Count}", stream));
            sent.Add(root);
            Assert.That(StreamVerifier.Verify(new MemoryStream(stream)).Bytes, Is.EqualTo(stream.Length));
        }

        using StreamChain chain = StreamChain.Open(files);
        Assert.That(chain.Subvolumes, Has.Count.EqualTo(sent.Count).And.Count.GreaterThan(2));
        for (int i = 0; i < sent.Count; i++)
        {
            StreamComparisonReport report = fs.CompareWithStreams(PathOf(state, sent[i]), chain, chain.Subvolumes[i]);
            Assert.That(report.Differences, Is.Empty, $"snapshot {i}");
            Assert.That(report.Inodes, Is.GreaterThan(1));
        }

        // And the comparison does find differences: each snapshot is another than the one before.
        Assert.That(fs.CompareWithStreams(PathOf(state, sent[0]), chain, chain.Subvolumes[1]).IsEqual, Is.False);
    }

    [TestCaseSource(nameof(States))]
    public void The_kernels_own_streams_pass_verification(string name)
    {
        using GoldenState state = new(name);
        foreach (Recording recording in state.Recordings)
        {
            using System.IO.Stream input = ReadAheadStream.Open(recording.File);
            Assert.That(StreamVerifier.Verify(input).Bytes, Is.EqualTo(recording.LengthBytes));
        }
    }

    [Test]
    public void An_incremental_stream_without_its_parent_is_refused_by_name()
    {
        using GoldenState state = new(GoldenState.Names.First());
        byte[] stream = state.Send(state.Snapshots[1], state.Snapshots[0], [], new SendOptions());
        Assert.That(
            () => StreamChain.Open([state.Save("alone", stream)]),
            Throws.TypeOf<StreamFormatException>().With.Message.Contain("no stream of the chain makes its parent").And.Message.StartsWith("stream offset 17, snapshot"));
    }

    [Test]
    public void Clones_that_double_a_file_without_end_are_stopped_by_the_memory_limit()
    {
        byte[] stream = SampleStreams.Build(1, w =>
        {
            SampleStreams.Subvolume(w, "s"u8);
            StreamWriting.Make(w, CommandType.Mkfile, "f"u8);
            for (ulong i = 0; i < 100; i++)
                SampleStreams.Write(w, "f"u8, i * 10, "0123456789"u8);
            for (ulong size = 1000; size < 1000ul << 40; size *= 2)
                StreamWriting.Clone(w, "f"u8, size, size, "f"u8, 0);
        });
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, stream);
            Assert.That(
                () => StreamChain.Open([path], new StreamChainOptions { MaxMemoryBytes = 10 << 20 }),
                Throws.TypeOf<StreamFormatException>().With.Message.Contain("bytes of memory"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static FsPath PathOf(GoldenState state, RootRecord root)
    {
        SubvolumeTable table = new(state.Fs);
        return new FsPath(table.PathOf(table.Get(root.Id)));
    }
}
