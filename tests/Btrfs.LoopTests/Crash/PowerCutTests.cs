using Btrfs.Crash.Images;
using Btrfs.Crash.Kernel;
using Btrfs.Crash.Running;
using Btrfs.Tests;

namespace Btrfs.LoopTests.Crash;

/// <summary>A sample of what the target Crash of the build does at length.</summary>
public sealed class PowerCutTests
{
    [Test]
    public void Linux_takes_what_a_power_cut_leaves_for_the_committed_state()
    {
        int seed = TestSeed.Number();
        using KernelJudge kernel = new(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath());
        IReadOnlyList<Template> templates = Template.LoadAll();
        Campaign campaign = new(templates, new CrashOptions { Stages = 1, Steps = 15, StatesPerFlush = 6, KernelEvery = 8 }, kernel);
        List<string> failures = [];
        campaign.Run(seed, templates.Count, threads: 1, Timeout.InfiniteTimeSpan, failure => failures.Add(failure.Message));
        TestContext.Out.WriteLine(campaign.Tally.ToString());
        Assert.That(failures, Is.Empty);
        Assert.That(campaign.Tally.KernelStates, Is.Positive);
    }
}
