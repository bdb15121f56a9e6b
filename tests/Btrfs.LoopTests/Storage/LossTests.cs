using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Storage;

/// <summary>One device more is lost than the profile bears.</summary>
public sealed class LossTests
{
    [TestCase("single", 2, 0)]
    [TestCase("raid0", 2, 0)]
    [TestCase("raid1", 3, 1)]
    [TestCase("raid1c3", 4, 2)]
    [TestCase("raid10", 4, 1)]
    [TestCase("raid5", 3, 1)]
    [TestCase("raid6", 4, 2)]
    public void A_loss_that_the_profile_cannot_bear_is_one_clear_error_that_names_a_missing_device(string profile, int devices, int redundancy)
    {
        // Metadata survives on any one device, so that it is the data that is missed.
        string metadata = devices switch { 2 => "raid1", 3 => "raid1c3", _ => "raid1c4" };
        using KernelImages images = KernelImages.Make($"-d {profile} -m {metadata}", devices);
        HashSet<ulong> lost = DevicesOfData(images, redundancy + 1);
        using OpenedImages opened = new([.. images.Images.Where((_, i) => !lost.Contains((ulong)i + 1))]);
        Assert.That(
            () => opened.AssertFiles(images),
            Throws.InstanceOf<BtrfsException>().Or.InstanceOf<IOException>().With.Message.Match("logical address [0-9]+.* is missing").And.Message.Not.Contains("\n"));
    }

    private static HashSet<ulong> DevicesOfData(KernelImages images, int count)
    {
        using OpenedImages opened = new(images.Images);
        Chunk chunk = opened.Set.Volume.Chunks.Chunks.First(chunk => chunk.Type.HasFlag(BlockGroupFlags.Data));
        return [.. chunk.Stripes[..count].ToArray().Select(stripe => stripe.DeviceId)];
    }
}
