using System.Globalization;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;
using Btrfs.Inode.Changes;
using Btrfs.LoopTests.Check;
using Btrfs.LoopTests.Replay;
using Btrfs.Tests;

namespace Btrfs.LoopTests.Log;

/// <summary>
/// Logs that our fsync left, replayed by the kernel and by us. BTRFS_SEED sets the first seed, BTRFS_SYNC_SEEDS how many there are.
/// </summary>
[TestFixture]
internal sealed class SyncTests
{
    private const int Seeds = 6;

    [Test]
    public void What_we_fsynced_is_seen_by_the_kernel_after_a_power_cut()
    {
        ulong first = (ulong)TestSeed.Number();
        int count = Environment.GetEnvironmentVariable("BTRFS_SYNC_SEEDS") is { Length: > 0 } seeds ? int.Parse(seeds, CultureInfo.InvariantCulture) : Seeds;
        int judged = 0;
        int promises = 0;
        int logged = 0;
        int committed = 0;
        List<string> differences = [];
        for (ulong at = first; at < first + (ulong)count; at++)
        {
            using TestDirectory directory = new();
            SyncWorkload workload = new(at, directory.Path);
            foreach (SyncedImage image in workload.Run())
            {
                judged++;
                promises += image.Expected.Count;
                string? difference = Judge(image, directory.Path);
                if (difference is null)
                    continue;
                differences.Add($"seed {at}, {Path.GetFileName(image.Path)}, {workload.What}: {difference}");
                TestContext.Progress.WriteLine(differences[^1]);
                Keep(image, at);
            }

            logged += workload.Count(SyncOutcome.Logged);
            committed += workload.Count(SyncOutcome.Committed);
        }

        TestContext.Progress.WriteLine(
            $"seeds {first} to {first + (ulong)count - 1}: {judged} images with a log, {promises} promises, {differences.Count} differ; {logged} fsyncs logged, {committed} committed");
        Assert.That(differences, Is.Empty);
        Assert.That(promises, Is.Positive);
        Assert.That(logged, Is.GreaterThan(committed));
    }

    private static string? Judge(SyncedImage image, string directory)
    {
        try
        {
            if (BtrfsCheck.Theirs([image.Path]) is { } fault)
                return "btrfs check, with the log: " + fault;
            return ReplayJudge.FindDifference(image.Path, directory, seen => SyncedState.FindBroken(image.Expected, seen));
        }
        catch (Exception error)
        {
            return error.ToString();
        }
    }

    // BTRFS_REPLAY_KEEP names a directory for images that are worth a look, with what led to them.
    private static void Keep(SyncedImage image, ulong seed)
    {
        if (Environment.GetEnvironmentVariable("BTRFS_REPLAY_KEEP") is not { Length: > 0 } directory)
            return;
        string name = Path.Combine(directory, $"seed{seed}-{Path.GetFileName(image.Path)}");
        SparseFile.Copy(image.Path, name + ".img");
        File.WriteAllText(name + ".txt", image.History);
    }
}
