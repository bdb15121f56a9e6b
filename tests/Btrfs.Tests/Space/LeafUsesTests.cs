using Btrfs.Space.Backrefs;

namespace Btrfs.Tests.Space;

internal sealed class LeafUsesTests
{
    private readonly LeafUses _leaves = new();

    [SetUp]
    public void Forget() => _leaves.Clear();

    [Test]
    public void UsesStayWithTheirLeafInTheOrderInWhichTheyCame()
    {
        _leaves.Add(32768, new LeafReference(7, 0, 4096));
        _leaves.Add(16384, new LeafReference(5, 0, 4096));
        _leaves.Add(32768, new LeafReference(6, 8192, 4096));

        Assert.That(_leaves.Count, Is.EqualTo(2));
        Assert.That(_leaves.LeafAt(0), Is.EqualTo(32768));
        Assert.That(Told(0, [256]), Is.EqualTo(new[] { (7ul, 256ul), (6ul, 256ul) }));
        Assert.That(Told(1, [256]), Is.EqualTo(new[] { (5ul, 256ul) }));
    }

    [Test]
    public void AllUsesOfOneRootComeBeforeThoseOfTheNext()
    {
        _leaves.Add(16384, new LeafReference(5, 0, 4096));
        _leaves.Add(16384, new LeafReference(6, 0, 4096));

        Assert.That(Told(0, [300, 256]), Is.EqualTo(new[] { (5ul, 300ul), (6ul, 300ul), (5ul, 256ul), (6ul, 256ul) }));
    }

    // The walk looks up the roots of such a leaf all the same, and what is known of leaves decides which clone source comes first.
    [Test]
    public void ALeafCountsBeforeItHasAnyUse()
    {
        int place = _leaves.AddLeaf(16384);

        Assert.That(_leaves.Count, Is.EqualTo(1));
        Assert.That(Told(place, [256]), Is.Empty);
        _leaves.Add(16384, new LeafReference(5, 0, 4096));
        Assert.That(_leaves.Count, Is.EqualTo(1));
        Assert.That(Told(place, [256]), Is.EqualTo(new[] { (5ul, 256ul) }));
    }

    [Test]
    public void AVisitorThatHasEnoughEndsTheTelling()
    {
        _leaves.Add(16384, new LeafReference(5, 0, 4096));
        _leaves.Add(16384, new LeafReference(6, 0, 4096));
        int told = 0;

        bool complete = _leaves.Tell(0, [256], (in FileReference _) => ++told == 0);

        Assert.That(complete, Is.False);
        Assert.That(told, Is.EqualTo(1));
    }

    [Test]
    public void NothingIsLeftAfterClearing()
    {
        _leaves.Add(16384, new LeafReference(5, 0, 4096));
        _leaves.Clear();

        Assert.That(_leaves.Count, Is.Zero);
        _leaves.Add(16384, new LeafReference(6, 0, 4096));
        Assert.That(Told(0, [256]), Is.EqualTo(new[] { (6ul, 256ul) }));
    }

    private List<(ulong Inode, ulong Root)> Told(int place, ulong[] roots)
    {
        List<(ulong Inode, ulong Root)> told = [];
        _leaves.Tell(place, roots, (in FileReference use) =>
        {
            told.Add((use.Inode, use.Root));
            return true;
        });
        return told;
    }
}
