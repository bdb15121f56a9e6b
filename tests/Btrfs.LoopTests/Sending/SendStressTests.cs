using System.Diagnostics;
using System.Globalization;
using Btrfs.Tests;

namespace Btrfs.LoopTests.Sending;

/// <summary>Seconds of <see cref="SendStress"/>. BTRFS_STRESS_SECONDS makes it longer, BTRFS_SEED another one.</summary>
[TestFixture]
internal sealed class SendStressTests
{
    private static readonly TimeSpan s_usual = TimeSpan.FromSeconds(6);

    [Test]
    public void Every_stream_made_beside_writers_is_received_by_the_kernel_as_its_snapshot_is()
    {
        int seed = TestSeed.Number();
        Stopwatch watch = Stopwatch.StartNew();
        using SendStress stress = new(seed);
        stress.Run(Environment.GetEnvironmentVariable("BTRFS_STRESS_SECONDS") is { Length: > 0 } seconds ? TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture)) : s_usual);
        TestContext.Out.WriteLine(stress.Figures(watch.Elapsed));
        Assert.That(stress.Failures, Is.Empty, $"seed {seed}");
        Assert.That(stress.Streams, Is.GreaterThan(1));
    }

}
