using System.Globalization;
using Btrfs.Fidelity;
using Btrfs.Tests;

namespace Btrfs.LoopTests.Replay;

/// <summary>
/// Logs that the kernel's fsync left, replayed by the kernel and by us. BTRFS_SEED sets the first seed, BTRFS_REPLAY_SEEDS how many there are.
/// </summary>
[TestFixture]
internal sealed class ReplayTests
{
    private const int Seeds = 8;

    [Test]
    public void What_was_fsynced_is_seen_as_the_kernel_sees_it_after_a_power_cut()
    {
        ulong first = (ulong)TestSeed.Number();
        int count = Environment.GetEnvironmentVariable("BTRFS_REPLAY_SEEDS") is { Length: > 0 } seeds ? int.Parse(seeds, CultureInfo.InvariantCulture) : Seeds;
        int judged = 0;
        List<string> differences = [];
        for (ulong at = first; at < first + (ulong)count; at++)
        {
            using TestDirectory directory = new();
            (List<string> copies, string what) = LoggedImages.Make(at, directory.Path);
            for (int i = 0; i < copies.Count; i++)
            {
                judged++;
                string? difference;
                try
                {
                    difference = ReplayJudge.FindDifference(copies[i], directory.Path);
                }
                catch (Exception error)
                {
                    difference = error.ToString();
                }

                if (difference is not null)
                {
                    differences.Add($"seed {at}, copy {i}, {what}: {difference}");
                    TestContext.Progress.WriteLine(differences[^1]);
                    Keep(copies[i], at, i);
                }
            }
        }

        TestContext.Progress.WriteLine($"seeds {first} to {first + (ulong)count - 1}: {judged} images with a log, {differences.Count} differ");
        Assert.That(differences, Is.Empty);
        Assert.That(judged, Is.Positive);
    }

    // BTRFS_REPLAY_KEEP names a directory for images that are worth a look.
    private static void Keep(string image, ulong seed, int copy)
    {
        if (Environment.GetEnvironmentVariable("BTRFS_REPLAY_KEEP") is { Length: > 0 } directory)
            File.Copy(image, Path.Combine(directory, $"seed{seed}-copy{copy}.img"), overwrite: true);
    }
}
