using Btrfs.Crash.Images;
using Btrfs.Crash.Running;

namespace Btrfs.Tests.Crash;

/// <summary>A sample of what the target Crash of the build does at length.</summary>
public sealed class PowerCutTests
{
    private static readonly IReadOnlyList<Template> s_templates = Template.LoadAll();

    [Test]
    public void A_power_cut_at_any_flush_leaves_a_committed_state()
    {
        Campaign campaign = new(s_templates, new CrashOptions { Stages = 2, StatesPerFlush = 8, Steps = 25 }, kernel: null);
        Assert.That(Run(campaign, s_templates.Count), Is.Empty);
        Assert.That(campaign.Tally.States, Is.GreaterThan(200));
    }

    [Test]
    public void Without_the_barrier_between_blocks_and_superblock_a_power_cut_is_seen_to_destroy()
    {
        CrashOptions options = new() { Stages = 1, IgnoreBlockBarrier = true };
        Assert.That(Run(new Campaign(s_templates, options, kernel: null), 6), Is.Not.Empty);
    }

    [Test]
    public void A_full_disk_is_an_error_and_loses_nothing()
    {
        Template[] templates = [Template.Load("mixed"), Template.Load("nodes4k")];
        CrashOptions options = new() { Stages = 1, IsFull = true, StatesPerFlush = 2, Steps = 15 };
        Campaign campaign = new(templates, options, kernel: null);
        Assert.That(Run(campaign, 6), Is.Empty);
        Assert.That(campaign.Tally.Refused, Is.Positive);
    }

    [Test]
    public void A_device_that_fails_at_any_call_is_an_error_and_loses_nothing([Values("nodes4k", "raid1", "raid0")] string template)
    {
        CrashOptions options = new() { Stages = 1, StatesPerFlush = 2, Steps = 6 };
        Campaign campaign = new([Template.Load(template)], options, kernel: null) { PlantsFaults = true };
        Assert.That(Run(campaign, 2), Is.Empty);
        Assert.That(campaign.FaultsSeen, Is.Positive);
    }

    private static List<string> Run(Campaign campaign, int seeds)
    {
        List<string> failures = [];
        int first = TestSeed.Random().Next(1 << 24);
        campaign.Run(first, seeds, threads: 2, Timeout.InfiniteTimeSpan, failure =>
        {
            lock (failures)
                failures.Add(failure.Message);
        });
        TestContext.Out.WriteLine($"seeds from {first} on: {campaign.Tally}");
        return failures;
    }
}
