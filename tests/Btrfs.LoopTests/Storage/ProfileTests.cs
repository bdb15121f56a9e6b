namespace Btrfs.LoopTests.Storage;

/// <summary>Every profile as mkfs.btrfs and the kernel lay it out.</summary>
[TestFixture("single", 1)]
[TestFixture("dup", 1)]
[TestFixture("raid0", 3)]
[TestFixture("raid1", 2)]
[TestFixture("raid1", 3)]
[TestFixture("raid1c3", 3)]
[TestFixture("raid1c4", 4)]
[TestFixture("raid10", 4)]
[TestFixture("raid5", 2)]
[TestFixture("raid5", 4)]
[TestFixture("raid6", 3)]
[TestFixture("raid6", 5)]
public sealed class ProfileTests(string profile, int devices)
{
    private KernelImages _images = null!;

    [OneTimeSetUp]
    public void MakeImages() => _images = KernelImages.Make($"-d {profile} -m {profile}", devices);

    [OneTimeTearDown]
    public void RemoveImages() => _images?.Dispose();

    [Test]
    public void Every_tree_and_file_is_read()
    {
        using OpenedImages opened = new([.. _images.Images.Reverse()]);
        foreach (ulong tree in opened.Trees)
            Assert.That(opened.Walk(tree).Count(), Is.GreaterThanOrEqualTo(0), $"tree {tree}");
        Assert.That(opened.Trees.Count(), Is.GreaterThan(6));
        opened.AssertFiles(_images);
        Assert.That(opened.Set.Notices, Is.Empty);
        Assert.That((opened.Reader.Repaired, opened.Data.Repaired), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public void Every_mirror_holds_what_the_kernel_wrote()
    {
        using OpenedImages opened = new(_images.Images);
        byte[] expected = _images.KernelFile("data")[..(1 << 20)];
        List<byte[]> mirrors = [.. opened.RawMirrors("data", expected.Length)];
        Assert.That(mirrors, Has.Count.EqualTo(profile switch
        {
            "single" or "raid0" => 1,
            "raid1c3" => 3,
            "raid1c4" => 4,
            "raid6" => devices,
            _ => 2,
        }));
        for (int i = 0; i < mirrors.Count; i++)
            Assert.That(mirrors[i].AsSpan().SequenceEqual(expected), $"mirror {i + 1}");
    }
}
