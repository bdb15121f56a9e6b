using Btrfs.Check;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;
using Btrfs.LoopTests.Checks;
using Btrfs.LoopTests.Storage;

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

    // One of everything, with snapshots, a deleted subvolume, an orphan, a balance and a received subvolume.
    [TestCase("-n 16384")]
    [TestCase("-n 4096 --csum xxhash -m single")]
    [TestCase("-n 65536 --csum sha256")]
    [TestCase("--mixed --csum blake2 -O ^no-holes")]
    [TestCase("-O ^no-holes,^skinny-metadata,^extref -R ^free-space-tree")]
    [TestCase("-n 4096 -R quota")]
    public void One_of_everything_is_clean_for_both(string mkfs)
    {
        using KernelImage image = new();
        image.Make(mkfs);
        image.Fill("noatime", mkfs.Contains("^extref", StringComparison.Ordinal) ? "" : "extref", simpleQuota: false);
        AssertClean(image.Path);
    }

    [TestCase("-d raid0 -m raid1", 2)]
    [TestCase("-d raid10 -m raid10", 4)]
    [TestCase("-d raid5 -m raid6", 4)]
    [TestCase("-d raid1c3 -m raid1c4", 4)]
    public void Several_devices_are_clean_for_both(string mkfs, int devices)
    {
        using KernelImages images = KernelImages.Make(mkfs, devices);
        AssertClean([.. images.Images]);
    }

    [Test]
    public void A_subvolume_that_is_half_deleted_is_clean_for_both()
    {
        using KernelImages images = KernelImages.Make("-n 4096 -m single");
        images.Mounted(
            "noatime",
            """
            btrfs -q subvolume create mnt/volume
            for i in $(seq 6000); do echo $i > mnt/volume/file$i; done
            btrfs -q subvolume snapshot mnt/volume mnt/copy
            chmod 600 mnt/copy/*1*
            sync -f mnt
            btrfs -q subvolume delete mnt/copy
            btrfs -q filesystem sync mnt
            """);
        AssertClean([.. images.Images]);
    }

    [Test]
    public void A_file_system_without_one_of_its_devices_is_clean()
    {
        using KernelImages images = KernelImages.Make("-d raid1 -m raid1", devices: 3);
        Assert.That(BtrfsCheck.Ours([images.Images[0], images.Images[2]]).Findings, Is.Empty);
    }

    private static void AssertClean(params string[] images)
    {
        CheckReport ours = BtrfsCheck.Ours(images);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(BtrfsCheck.Theirs(images), Is.Null);
            Assert.That(ours.Findings, Is.Empty);
            Assert.That(ours.Totals.Inodes, Is.GreaterThan(5));
        }
    }
}
