using Btrfs.Check;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;

namespace Btrfs.LoopTests.Check;

/// <summary>
/// File systems that the kernel made: clean for <c>btrfs check</c>, and so for ours. BTRFS_FIDELITY_SEEDS=START:COUNT chooses other random states than the default ones.
/// </summary>
[TestFixture]
internal sealed class CheckTests
{
    private const string DefaultSeeds = "1:12";

    private static IEnumerable<ulong> Seeds() => SeedRange.Parse(Environment.GetEnvironmentVariable("BTRFS_FIDELITY_SEEDS") ?? DefaultSeeds);

    [TestCaseSource(nameof(Seeds))]
    public void A_random_state_is_clean_for_both(ulong seed)
    {
        using TestDirectory work = new();
        using RandomState state = RandomState.Create(seed, work.Path);
        state.Unmount();
        CheckReport ours = BtrfsCheck.Ours(state.Images);
        string? theirs = BtrfsCheck.Theirs(state.Images);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(theirs, Is.Null, state.Options.ToString());
            Assert.That(ours.Findings, Is.Empty, state.Options.ToString());
        }
    }
}
