using Btrfs.Inode.Log;

namespace Btrfs.Tests.Log;

public sealed class ByteRangesTests
{
    [Test]
    public void Ranges_that_touch_become_one_and_an_empty_one_is_none()
    {
        ByteRanges ranges = [];
        ranges.Add(10, 20);
        ranges.Add(30, 40);
        ranges.Add(5, 5);
        Assert.That(ranges, Is.EqualTo(new[] { (10UL, 20UL), (30UL, 40UL) }));
        ranges.Add(20, 30);
        Assert.That(ranges, Is.EqualTo(new[] { (10UL, 40UL) }));
        ranges.Add(0, ulong.MaxValue);
        Assert.That(ranges, Is.EqualTo(new[] { (0UL, ulong.MaxValue) }));
    }

    [Test]
    public void Random_ranges_cover_what_was_added_and_no_more()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 200; round++)
        {
            ByteRanges ranges = [];
            bool[] expected = new bool[200];
            for (int i = 0; i < 30; i++)
            {
                int from = random.Next(200);
                int to = random.Next(from, Math.Min(from + 20, 200));
                ranges.Add((ulong)from, (ulong)to);
                expected.AsSpan(from, to - from).Fill(true);
            }

            bool[] actual = new bool[200];
            foreach ((ulong from, ulong to) in ranges)
                actual.AsSpan((int)from, (int)(to - from)).Fill(true);
            Assert.That(actual, Is.EqualTo(expected));
            Assert.That(ranges.Zip(ranges.Skip(1)).All(pair => pair.First.To < pair.Second.From), Is.True);
        }
    }

    [Test]
    public void Too_many_become_one_that_covers_all()
    {
        ByteRanges ranges = [];
        for (ulong i = 0; i <= 512; i++)
            ranges.Add(i * 10, i * 10 + 1);
        Assert.That(ranges, Is.EqualTo(new[] { (0UL, 5121UL) }));
    }
}
