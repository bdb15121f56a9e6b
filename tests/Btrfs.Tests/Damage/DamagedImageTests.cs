using System.Runtime.Versioning;
using Btrfs.Fuzz.Images;
using Btrfs.Fuzz.Mutations;
using Btrfs.Fuzz.Running;

namespace Btrfs.Tests.Damage;

/// <summary>Images that the kernel made, damaged: each listing, reading and sending ends in success or in one clear error.</summary>
[SupportedOSPlatform("linux")]
public sealed class DamagedImageTests
{
    private const int Cases = 1500;
    private static readonly Lazy<IReadOnlyList<BaseImage>> s_images = new(BaseImage.LoadAll);

    internal static IReadOnlyList<BaseImage> Images => s_images.Value;

    [Test]
    public void An_undamaged_image_passes_every_step()
    {
        foreach (BaseImage image in Images)
        {
            Judge judge = new(Images);
            Finding? finding = judge.Run(new DamagedImage(image.Name, "undamaged", []));
            using (Assert.EnterMultipleScope())
            {
                Assert.That(finding, Is.Null);
                Assert.That(judge.Ends.Refused, Is.Zero, image.Name);
                Assert.That(judge.Ends.Succeeded, Is.GreaterThan(6));
            }
        }
    }

    [Test]
    public void Any_damage_ends_in_success_or_in_one_clear_error()
    {
        int seed = TestSeed.Number();

        Campaign campaign = new(Images);
        IReadOnlyCollection<Finding> findings = campaign.Run(seed, Cases, threads: 2);
        TestContext.Out.WriteLine($"{campaign.Succeeded} steps succeeded, {campaign.Refused} ended in a clear error");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(findings, Is.Empty);
            Assert.That(campaign.Succeeded, Is.GreaterThan(Cases));
            Assert.That(campaign.Refused, Is.GreaterThan(Cases / 2));
        }
    }

    [Test]
    public void A_seed_always_makes_the_same_damage()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            DamagedImage first = Fuzz.Mutations.Damage.Make(Images, seed);
            DamagedImage second = Fuzz.Mutations.Damage.Make(Images, seed);
            Assert.That(first.Patches.Select(Describe), Is.EqualTo(second.Patches.Select(Describe)));
        }

        static string Describe(Patch patch) => $"{patch.Offset} {Convert.ToHexString(patch.Bytes)}";
    }

    private static IEnumerable<string> SavedCases() =>
        Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Corpora", "damage"), "*.json").Select(path => Path.GetFileName(path));

    [TestCaseSource(nameof(SavedCases))]
    public void A_saved_case_ends_well(string file) =>
        Assert.That(new Judge(Images).Run(DamagedImage.Load(Path.Combine(AppContext.BaseDirectory, "Corpora", "damage", file))), Is.Null);
}
