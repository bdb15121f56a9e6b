using System.Diagnostics;
using System.Globalization;

namespace Btrfs.LoopTests.Sending;

/// <summary>Seconds of <see cref="SendStress"/>. BTRFS_STRESS_SECONDS makes it longer, BTRFS_SEED another one.</summary>
[TestFixture]
internal sealed class SendStressTests
{
    [Test]
    public void Every_stream_made_beside_writers_is_received_by_the_kernel_as_its_snapshot_is()
    {
        int seed = Number("BTRFS_SEED", 1);
        Stopwatch watch = Stopwatch.StartNew();
        using SendStress stress = new(seed);
        stress.Run(TimeSpan.FromSeconds(Number("BTRFS_STRESS_SECONDS", 6)));
        TestContext.Out.WriteLine(stress.Figures(watch.Elapsed));
        Assert.That(stress.Failures, Is.Empty, $"seed {seed}");
        Assert.That(stress.Streams, Is.GreaterThan(1));
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : otherwise;
}
