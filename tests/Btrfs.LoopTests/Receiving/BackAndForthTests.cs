using System.Globalization;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;
using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Reading;
using Btrfs.Sequences.Running;

namespace Btrfs.LoopTests.Receiving;

/// <summary>
/// A subvolume goes back and forth: what one file system has received is changed there, by the kernel or by the engine, and the difference is sent on, with the received snapshot as
/// its parent. One file system receives through the kernel, one through the engine; two more receive everything from the beginning, one each way.
/// BTRFS_BACK_AND_FORTH=START:COUNT chooses seeds, BTRFS_ROUNDS how often it goes (default 1:1 and 4).
/// </summary>
[TestFixture]
internal sealed class BackAndForthTests
{
    private const string Work = "work";

    public static IEnumerable<ulong> Seeds() => SeedRange.Parse(Environment.GetEnvironmentVariable("BTRFS_BACK_AND_FORTH") ?? "1:1");

    [TestCaseSource(nameof(Seeds))]
    public void Each_difference_is_sent_alike_and_received_alike(ulong seed)
    {
        int rounds = int.Parse(Environment.GetEnvironmentVariable("BTRFS_ROUNDS") ?? "4", CultureInfo.InvariantCulture);
        using TestDirectory directory = new();
        SeededRandom random = new(seed ^ 0xBACF);
        int nodeSize = random.Pick([4096, 16384, 65536]);
        Correspondent[] all =
        [
            new("kernel", hasKernel: true, OptionsOf(random, nodeSize), directory.Path),
            new("engine", hasKernel: false, OptionsOf(random, nodeSize), directory.Path),
            new("third-kernel", hasKernel: true, OptionsOf(random, nodeSize), directory.Path),
            new("third-engine", hasKernel: false, OptionsOf(random, nodeSize), directory.Path),
        ];
        SubvolumeChanges changes = new(random, OptionsOf(random, nodeSize));
        List<(string Name, Correspondent Origin)> sent = [];

        for (int round = 0; round < rounds; round++)
        {
            Correspondent from = all[random.Below(2)];
            bool byKernel = random.Percent(50);
            string snapshot = $"s{round}";
            Change(from, byKernel, sent.LastOrDefault().Name, snapshot, changes, round == 0 ? 150 : random.Between(5, 60));

            // As clone sources btrfs-progs know only what they have received.
            List<string> known = [.. sent.Where(one => from == all[0] || one.Origin != all[0]).Select(one => one.Name)];
            SendRequest request = Request(random, snapshot, sent.LastOrDefault().Name, known);
            (string kernel, string engine) = from.Send(request, Path.Combine(directory.Path, snapshot));
            Assert.That(File.ReadAllBytes(engine).AsSpan().SequenceEqual(File.ReadAllBytes(kernel)), $"round {round}, {from.Name} changed by the {(byKernel ? "kernel" : "engine")}: {request}");

            foreach (Correspondent to in all.Where(one => one != from))
                to.Receive(random.Percent(50) ? kernel : engine);
            sent.Add((snapshot, from));
            File.Delete(kernel);
            File.Delete(engine);
        }

        TreeText expected = all[0].Read();
        foreach (Correspondent other in all[1..])
            Assert.That(TreeText.Difference(all[0].Name, expected, other.Name, other.Read()), Is.Null);
        foreach (Correspondent one in all)
            Assert.That(one.Fault(), Is.Null, one.Name);
        TestContext.Out.WriteLine($"seed {seed}: {rounds} differences, {changes.Done} changes, each received {all.Length - 1} times");
    }

    // A snapshot of the last one is written to, frozen and forgotten.
    private static void Change(Correspondent at, bool byKernel, string? parent, string snapshot, SubvolumeChanges changes, int count)
    {
        using IActor actor = at.Open(byKernel);
        Do(actor, parent is null ? new Operation(Verb.CreateSubvolume, Work) : new Operation(Verb.Snapshot, parent, Work));
        changes.Make(actor, Work, count);
        Do(actor, new Operation(Verb.Snapshot, Work, snapshot, Value: 1));
        Do(actor, new Operation(Verb.DeleteSubvolume, Work));
        actor.Commit();
    }

    private static void Do(IActor actor, Operation operation) => Assert.That(actor.Run(operation), Is.Zero, operation.ToString());

    private static SendRequest Request(SeededRandom random, string snapshot, string? parent, List<string> known)
    {
        (int protocol, bool isCompressed) = random.Pick<(int, bool)>([(1, false), (2, false), (2, true)]);
        string[] sources = [.. known.Where(one => one == parent || random.Percent(20))];
        return new SendRequest { Subvolume = snapshot, Parent = parent, CloneSources = sources, Protocol = protocol, CompressedData = isCompressed };
    }

    // The four differ in checksums, features and compression; in smaller nodes there would be no room for some xattrs, nor without extended references for many links.
    private static PairOptions OptionsOf(SeededRandom random, int nodeSize)
    {
        while (true)
        {
            PairOptions options = PairOptions.Choose(random);
            bool isPlain = options is { DeviceCount: 1, FillsUp: false, Quota: Quota.None } && !options.MkfsArguments.Any(argument => argument is "-M" || argument.Contains("^extref", StringComparison.Ordinal));
            if (isPlain && options.MkfsArguments.Contains($"{nodeSize}"))
                return options with { DeviceSizeBytes = 1L << 30 };
        }
    }
}
