namespace Btrfs.LoopTests.Storage;

/// <summary>Profiles that bear the loss of devices: without them, and with them overwritten.</summary>
[TestFixture("raid1", 2, 1)]
[TestFixture("raid1", 3, 1)]
[TestFixture("raid1c3", 3, 2)]
[TestFixture("raid1c4", 4, 3)]
[TestFixture("raid10", 4, 1)]
[TestFixture("raid5", 2, 1)]
[TestFixture("raid5", 4, 1)]
[TestFixture("raid6", 3, 2)]
[TestFixture("raid6", 5, 2)]
public sealed class RedundancyTests(string profile, int devices, int redundancy)
{
    private KernelImages _images = null!;

    [OneTimeSetUp]
    public void MakeImages() => _images = KernelImages.Make($"-d {profile} -m {profile}", devices);

    [OneTimeTearDown]
    public void RemoveImages() => _images?.Dispose();

    [Test]
    public void What_is_left_is_read_without_any_devices_that_the_profile_can_bear()
    {
        foreach (int[] lost in Losses())
        {
            using OpenedImages opened = new([.. _images.Images.Where((_, i) => !lost.Contains(i))]);
            opened.AssertFiles(_images);
            Assert.That(opened.Set.Notices, Is.EqualTo(lost.Select(i => $"device {i + 1} is missing, opened degraded")));
        }
    }

    [Test]
    public void Overwritten_devices_are_repaired_in_memory()
    {
        long repaired = 0;
        foreach (int[] lost in Losses())
        {
            List<string> images = [.. _images.Images];
            foreach (int i in lost)
                images[i] = _images.OverwrittenCopy(images[i]);

            using (OpenedImages opened = new(images))
            {
                // Data without checksums can't be told from damage.
                opened.AssertFiles(_images, except: "nocow");
                repaired += opened.Reader.Repaired + opened.Data.Repaired;
            }

            foreach (int i in lost)
                File.Delete(images[i]);
        }

        // A copy that nobody needs needs no repair; but some loss hits what is read first.
        Assert.That(repaired, Is.GreaterThan(0));
    }

    /// <summary>One lost device, each in turn; and where two or more may go, some of their pairs and the most at once.</summary>
    private IEnumerable<int[]> Losses()
    {
        for (int i = 0; i < devices; i++)
            yield return [i];
        for (int i = 0; redundancy == 2 && i < devices; i++)
            yield return [.. new[] { i, (i + 1) % devices }.Order()];
        if (redundancy == 3)
            yield return [0, 1, 2];
    }
}
