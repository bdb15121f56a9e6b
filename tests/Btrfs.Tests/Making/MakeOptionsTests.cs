using Btrfs.Format;
using Btrfs.Space.Making;
using Btrfs.Tests.Storage;

namespace Btrfs.Tests.Making;

public sealed class MakeOptionsTests
{
    private static IEnumerable<TestCaseData> Contradictions()
    {
        MakeOptions defaults = new();
        yield return Case(defaults with { SectorSize = 512 }, "invalid sector size 512, expected a power of two from 4096 to 65536");
        yield return Case(defaults with { SectorSize = 12288 }, "invalid sector size 12288, expected a power of two from 4096 to 65536");
        yield return Case(defaults with { NodeSize = 2048 }, "invalid node size 2048, expected a power of two from 4096 to 65536");
        yield return Case(defaults with { NodeSize = 131072 }, "invalid node size 131072, expected a power of two from 4096 to 65536");
        yield return Case(defaults with { NodeSize = 12288 }, "invalid node size 12288, expected a power of two from 4096 to 65536");
        yield return Case(
            defaults with { NodeSize = 4096, SectorSize = 16384 }, "invalid node size 4096, it is smaller than the sector size 16384");
        yield return Case(
            With(defaults, "mixed-bg") with { NodeSize = 16384 }, "invalid node size 16384, mixed block groups need it equal to the sector size 4096");
        yield return Case(defaults with { Label = new byte[256] }, "the label is too long: 256 bytes, at most 255 fit");
        yield return Case(defaults with { Label = new byte[] { 65, 0 } }, "the label contains a zero byte or a line break");
        yield return Case(With(defaults, "quota,squota"), "quota and squota can't both be on");
        yield return Case(With(defaults, "block-group-tree,^free-space-tree"), "block-group-tree needs free-space-tree and no-holes");
        yield return Case(With(defaults, "block-group-tree,^no-holes"), "block-group-tree needs free-space-tree and no-holes");
        yield return Case(
            With(defaults, "mixed-bg") with { MetadataProfile = BlockGroupFlags.Dup },
            "with mixed block groups data and metadata profiles must be the same, not single and dup");
        yield return Case(
            defaults with { MetadataProfile = BlockGroupFlags.Raid10 }, "metadata profile raid10 needs 2 devices, and only 1 is given");
        yield return Case(
            defaults with { DataProfile = BlockGroupFlags.Raid1C4 }, "data profile raid1c4 needs 4 devices, and only 3 are given", 3);
        yield return Case(
            defaults with { DeviceBytes = 200 << 20 }, "disk1 is smaller than the requested size, expected 209715200, found 114294784");
        yield return Case(defaults, "no device is given", 0);

        static MakeOptions With(MakeOptions options, string list) => options with { Features = MakeFeatureNames.Apply(options.Features, list) };
        static TestCaseData Case(MakeOptions options, string message, int devices = 1) =>
            new TestCaseData(options, message, devices).SetArgDisplayNames(message);
    }

    [TestCaseSource(nameof(Contradictions))]
    public void A_contradiction_is_told_in_a_line_and_nothing_is_written(MakeOptions options, string message, int devices)
    {
        MemoryDevice[] all = [.. Enumerable.Range(1, devices).Select(i => new MemoryDevice($"disk{i}", new byte[109 << 20]))];
        Assert.That(() => new FileSystemMaker(options).Make(all), Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo(message));
        Assert.That(all.Sum(device => device.Writes), Is.Zero);
    }

    [Test]
    public void A_list_switches_features_on_and_off()
    {
        MakeFeatures features = MakeFeatureNames.Apply(MakeFeatures.Default, "quota,^extref, ^no-holes");
        Assert.That(MakeFeatureNames.Of(features), Is.EqualTo(new[] { "skinny-metadata", "free-space-tree", "quota" }));
        Assert.That(
            () => MakeFeatureNames.Apply(features, "^frobnicate"),
            Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo("unknown file-system feature '^frobnicate'"));
    }

    [Test]
    public void Profiles_bring_the_features_that_they_need()
    {
        MadeImage made = new(new MakeOptions { DataProfile = BlockGroupFlags.Raid5, MetadataProfile = BlockGroupFlags.Raid1C3 }, 3, 125);
        Assert.That(made.Result.Features & (MakeFeatures.Raid56 | MakeFeatures.Raid1C34), Is.EqualTo(MakeFeatures.Raid56 | MakeFeatures.Raid1C34));
        Assert.That(made.Result.Warnings, Is.EqualTo(new[] { "raid5 and raid6 have known problems in the kernel, don't use them for more than tests" }));
    }
}
