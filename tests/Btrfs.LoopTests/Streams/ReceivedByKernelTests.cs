using Btrfs.Engine;
using Btrfs.Engine.Comparing;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;
using Btrfs.Inode;
using Btrfs.Stream.Replay;

namespace Btrfs.LoopTests.Streams;

/// <summary>What the kernel sends and what its own receive makes of it, both held against our replay of the streams.</summary>
[TestFixture]
internal sealed class ReceivedByKernelTests
{
    private const long ReceiverBytes = 1L << 30;

    [Test]
    public void Sent_and_received_snapshots_equal_what_the_chain_makes([Values(10ul, 21ul)] ulong seed, [Values(1, 2)] int protocol)
    {
        using TestDirectory work = new();
        using RandomState state = RandomState.Create(seed, work.Path);
        state.Unmount();
        string receiver = Path.Combine(work.Path, "receiver.img");
        using (FileStream file = File.Create(receiver))
            file.SetLength(ReceiverBytes);
        Tool.Run("mkfs.btrfs", "-q", receiver);

        List<string> paths = Family(state);
        List<string> streams = SendAndReceive(state, receiver, paths, protocol, work.Path);
        using StreamChain chain = StreamChain.Open(streams);
        using BtrfsFileSystem sent = BtrfsFileSystem.Open(state.Images);
        using BtrfsFileSystem received = BtrfsFileSystem.Open([receiver]);
        for (int i = 0; i < paths.Count; i++)
        {
            ReplayedSubvolume expected = chain.Subvolumes[i];
            StreamComparisonReport atSender = sent.CompareWithStreams(paths[i], chain, expected);
            Assert.That(atSender.Differences, Is.Empty, $"{paths[i]} as it was sent");
            StreamComparisonReport atReceiver = received.CompareWithStreams(new FsPath(expected.Name.ToArray()), chain, expected);
            Assert.That(atReceiver.Differences, Is.Empty, $"{paths[i]} as the kernel received it");
        }
    }

    private static List<string> SendAndReceive(RandomState state, string receiver, List<string> paths, int protocol, string work)
    {
        using TestDirectory source = new();
        using TestDirectory target = new();
        using BtrfsMount mount = BtrfsMount.Open(state.Images, source.Path, visible: true);
        using BtrfsMount receiving = BtrfsMount.Open([receiver], target.Path, visible: true);
        List<string> streams = [];
        foreach (string path in paths)
        {
            string stream = Path.Combine(work, $"{streams.Count}.stream");
            string[] parent = streams.Count == 0 ? [] : ["-p", Path.Combine(source.Path, paths[streams.Count - 1])];
            string[] form = protocol == 2 ? ["--proto", "2", "--compressed-data"] : [];
            Tool.Run("btrfs", ["send", "-q", .. form, .. parent, "-f", stream, Path.Combine(source.Path, path)]);
            Tool.Run("btrfs", ["receive", "-q", "-f", stream, target.Path]);
            streams.Add(stream);
        }

        return streams;
    }

    // Snapshots of one subvolume: streams between those of several can leave something behind at the receiver.
    private static List<string> Family(RandomState state)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open(state.Images);
        PathLookup lookup = new(fs.Info);
        return [.. state.Snapshots
            .Select(snapshot => (snapshot.Path, lookup.FindSubvolume(snapshot.Path).Root))
            .Where(snapshot => !snapshot.Root.Item.ParentUuid.IsZero)
            .GroupBy(snapshot => snapshot.Root.Item.ParentUuid)
            .MaxBy(family => family.Count())!
            .Select(snapshot => snapshot.Path)];
    }
}
