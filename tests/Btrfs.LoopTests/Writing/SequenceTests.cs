using Btrfs.Fidelity;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Running;

namespace Btrfs.LoopTests.Writing;

/// <summary>
/// Random operations through the engine and through the kernel, and the two file systems held against each other. BTRFS_SEQUENCE_SEEDS=START:COUNT chooses
/// other seeds; build.cake --target=Sequences runs thousands.
/// </summary>
[TestFixture]
internal sealed class SequenceTests
{
    private const string DefaultSeeds = "1:4";

    private static readonly PairOptions s_small = new()
    {
        MkfsArguments = ["--csum", "crc32c", "-n", "16384", "-d", "single", "-m", "dup"],
        DeviceCount = 1,
        DeviceSizeBytes = 256 << 20,
        MountOptions = "nobarrier,noatime",
        Quota = Fidelity.Generator.Quota.None,
        FillsUp = false,
        UsesCompression = false,
        Sequences = 1,
        OperationsPerSequence = 3,
    };

    public static IEnumerable<ulong> Seeds() => SeedRange.Parse(Environment.GetEnvironmentVariable("BTRFS_SEQUENCE_SEEDS") ?? DefaultSeeds);

    [TestCaseSource(nameof(Seeds))]
    public void Engine_and_kernel_end_with_equal_and_sound_file_systems(ulong seed)
    {
        SequenceRun run = SequenceRun.Run(seed);

        TestContext.Out.WriteLine($"seed {seed}: {run.Judged} sequences, {run.Compared} operations");
        Assert.That(run.Failure, Is.Null, $"seed {seed}\n{string.Join('\n', run.Steps.TakeLast(12))}");
        Assert.That(run.Judged > 0 || run.WasFull, Is.True);
    }

    [Test]
    public void A_byte_that_changes_behind_the_engines_back_is_found()
    {
        SequenceRun sound = SequenceRun.Run(s_small, Steps());
        SequenceRun damaged = SequenceRun.Run(s_small, Steps(), fault: ChangeContent);

        Assert.That(sound.Failure, Is.Null);
        Assert.That(damaged.Failure, Is.Not.Null);
    }

    [Test]
    public void An_operation_that_only_one_of_the_two_does_is_found()
    {
        SequenceRun run = SequenceRun.Run(s_small, Steps(), skipped: Verb.SetTimes);

        Assert.That(run.Failure?.Kind, Does.StartWith("trees"));
    }

    private static ListedSteps Steps() => new(
    [
        new Operation(Verb.Create, "a", Value: 0x1A4),
        new Operation(Verb.Write, "a", Length: 50_000, Value: 17),
        new Operation(Verb.SetTimes, "a", Offset: 1000, Length: 2000, Value: 3),
        new Operation(Verb.Judge),
    ]);

    // Looks for the file's content in the image, and flips a bit of it.
    private static void ChangeContent(IReadOnlyList<string> images)
    {
        byte[] wanted = new Operation(Verb.Write, Length: 50_000, Value: 17).Content()[8192..8256];
        using FileStream image = new(images[0], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        byte[] sector = new byte[4096];
        while (image.ReadAtLeast(sector, sector.Length, throwOnEndOfStream: false) == sector.Length)
        {
            if (!sector.AsSpan().StartsWith(wanted))
                continue;
            image.Seek(-sector.Length, SeekOrigin.Current);
            image.WriteByte((byte)(sector[0] ^ 1));
            return;
        }

        Assert.Fail("the content is not in the image");
    }
}
