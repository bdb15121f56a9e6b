using System.Globalization;
using Btrfs.Engine;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;
using Btrfs.LoopTests.Check;
using Btrfs.Receive;
using Btrfs.Sequences.Reading;

namespace Btrfs.LoopTests.Receiving;

/// <summary>
/// Kernel streams received by us onto an image, and by btrfs-progs onto a mounted one: what the two file systems show must be the same. BTRFS_RECEIVE_SEEDS=START:COUNT
/// chooses other seeds than the default ones, BTRFS_RECEIVE_ROUNDS makes longer chains: a snapshot or more each round.
/// </summary>
[TestFixture]
internal sealed class ReceiveTests
{
    private const long ImageBytes = 2L << 30;

    public static IEnumerable<ulong> Seeds() => SeedRange.Parse(Environment.GetEnvironmentVariable("BTRFS_RECEIVE_SEEDS") ?? "1:8");

    [TestCaseSource(nameof(Seeds))]
    public void A_chain_of_streams_makes_what_the_kernels_receive_makes_of_it(ulong seed)
    {
        using TestDirectory work = new();
        StreamChain chain = MakeChain(seed, work.Path);
        Keep(chain, seed);
        string theirs = NewImage(work.Path, "theirs.img");
        string ours = NewImage(work.Path, "ours.img");

        List<string> refused = ReceiveByKernel(theirs, work.Path, chain);
        // With the mount point in front of them, the longest paths are too long for btrfs-progs.
        chain.Streams.RemoveAll(stream => refused.RemoveAll(line => line.StartsWith(stream.Name + "\t", StringComparison.Ordinal) && line.Contains("path invalid", StringComparison.Ordinal)) > 0);
        List<string> refusedByUs = ReceiveByUs(ours, chain);

        Assert.That(refusedByUs.Select(line => line.Split('\t')[0]), Is.EqualTo(refused.Select(line => line.Split('\t')[0])), $"refused by the kernel:\n{string.Join('\n', refused)}\nrefused by us:\n{string.Join('\n', refusedByUs)}");
        TestContext.Out.WriteLine($"seed {seed}: {chain.Streams.Count} streams, {refused.Count} refused");
        Assert.That(
            TreeText.Difference("the kernel's", ReadByUs(theirs), "ours", ReadByUs(ours)),
            Is.Null,
            string.Join('\n', chain.Streams.Select(stream => stream.What)));
        Assert.That(BtrfsCheck.Theirs([ours]), Is.Null);
        TreeText kernels = ReadByKernel(theirs, work.Path);
        Assert.That(TreeText.Difference("the kernel's", kernels, "ours", ReadByKernel(ours, work.Path)), Is.Null);
    }

    // BTRFS_KEEP names a directory for the streams.
    private static void Keep(StreamChain chain, ulong seed)
    {
        if (Environment.GetEnvironmentVariable("BTRFS_KEEP") is not { Length: > 0 } keep)
            return;
        string folder = Directory.CreateDirectory(Path.Combine(keep, $"receive-{seed}")).FullName;
        foreach ((_, string file, _) in chain.Streams)
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
    }

    private static StreamChain MakeChain(ulong seed, string directory)
    {
        string folder = Directory.CreateDirectory(Path.Combine(directory, "state")).FullName;
        int rounds = int.Parse(Environment.GetEnvironmentVariable("BTRFS_RECEIVE_ROUNDS") ?? "0", CultureInfo.InvariantCulture);
        using RandomState state = RandomState.Create(seed, folder, options => rounds == 0 ? options : options with { Rounds = rounds, OperationsPerRound = 40 });
        return StreamChain.Make(state, seed, Directory.CreateDirectory(Path.Combine(directory, "streams")).FullName);
    }

    private static string NewImage(string directory, string name)
    {
        string path = Path.Combine(directory, name);
        using (FileStream file = File.Create(path))
            file.SetLength(ImageBytes);
        Tool.Run("mkfs.btrfs", "-q", path);
        return path;
    }

    private static List<string> ReceiveByKernel(string image, string directory, StreamChain chain)
    {
        List<string> refused = [];
        string mountPoint = Directory.CreateDirectory(Path.Combine(directory, "mount")).FullName;
        using BtrfsMount mount = BtrfsMount.Open([image], mountPoint, visible: true);
        foreach ((string name, string file, _) in chain.Streams)
        {
            try
            {
                Tool.Run("btrfs", "receive", "-q", "-f", file, mountPoint);
            }
            catch (InvalidOperationException error)
            {
                refused.Add($"{name}\t{error.Message}");
                if (Directory.Exists(Path.Combine(mountPoint, name)))
                    Tool.Run("btrfs", "subvolume", "delete", Path.Combine(mountPoint, name));
            }
        }

        return refused;
    }

    private static List<string> ReceiveByUs(string image, StreamChain chain)
    {
        List<string> refused = [];
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true });
        foreach ((string name, string file, _) in chain.Streams)
        {
            using FileStream input = File.OpenRead(file);
            try
            {
                fs.Receive(input, "");
            }
            catch (ReceiveException error)
            {
                refused.Add($"{name}\t{error.Message}");
            }
        }

        return refused;
    }

    private static TreeText ReadByUs(string image) => EngineReader.Read([image], hidesNoCompress: true);

    private static TreeText ReadByKernel(string image, string directory)
    {
        using BtrfsMount mount = BtrfsMount.Open([image], Directory.CreateDirectory(Path.Combine(directory, "mount")).FullName, readOnly: true);
        return KernelReader.Read(mount.Root, hidesNoCompress: true, hasExtents: false);
    }
}
