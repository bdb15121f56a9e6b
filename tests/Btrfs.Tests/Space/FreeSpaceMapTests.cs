using Btrfs.Format;
using Btrfs.Space.Groups;

namespace Btrfs.Tests.Space;

public sealed class FreeSpaceMapTests
{
    private const int SectorSize = 4096;

    [TestCase(1)]
    [TestCase(64)]
    [TestCase(1000)]
    [TestCase(4096)]
    public void Random_changes_leave_what_a_plain_array_has(int sectors)
    {
        Random random = TestSeed.Random();
        FreeSpaceMap map = new((ulong)sectors * SectorSize, SectorSize);
        bool[] free = new bool[sectors];
        for (int step = 0; step < 2000; step++)
        {
            int start = random.Next(sectors);
            int length = Math.Min(1 + random.Next(random.Next(2) == 0 ? 4 : 200), sectors - start);
            bool allFree = Array.TrueForAll(free[start..(start + length)], bit => bit);
            bool noneFree = Array.TrueForAll(free[start..(start + length)], bit => !bit);
            if (noneFree)
                map.Add(Bytes(start), Bytes(length));
            else
                Assert.That(map.TryRemove(Bytes(start), Bytes(length)), Is.EqualTo(allFree));
            if (noneFree || allFree)
                Array.Fill(free, noneFree, start, length);
        }

        Assert.That(map.FreeBytes, Is.EqualTo(Bytes(free.Count(bit => bit))));
        bool[] told = new bool[sectors];
        ulong behind = 0;
        foreach ((ulong offset, ulong length) in map.EnumerateRuns())
        {
            Assert.That(offset == 0 || offset > behind, "runs that touch are one run");
            Array.Fill(told, true, (int)(offset / SectorSize), (int)(length / SectorSize));
            behind = offset + length;
        }

        Assert.That(told, Is.EqualTo(free));
    }

    [Test]
    public void A_run_that_is_taken_was_free_lies_where_it_should_and_is_not_given_twice()
    {
        Random random = TestSeed.Random();
        const int Sectors = 5000;
        FreeSpaceMap map = new(Bytes(Sectors), SectorSize);
        bool[] free = new bool[Sectors];
        for (int start = 0; start < Sectors; start += 1 + random.Next(60))
        {
            int length = Math.Min(1 + random.Next(40), Sectors - start);
            map.Add(Bytes(start), Bytes(length));
            Array.Fill(free, true, start, length);
            start += length;
        }

        while (map.FreeBytes > 0)
        {
            int align = random.Next(2) == 0 ? 1 : 4;
            int wanted = align * (1 + random.Next(8));
            int longest = LongestRun(free, align, wanted);
            bool found = map.TryTake(Bytes(wanted), Bytes(1), Bytes(align), out ulong offset, out ulong length);
            Assert.That(found, Is.EqualTo(longest > 0));
            if (!found)
            {
                map.Exclude(0, Bytes(Sectors));
                Assert.That(map.FreeBytes, Is.Zero);
                return;
            }

            int at = (int)(offset / SectorSize);
            int taken = (int)(length / SectorSize);
            Assert.That(at % align, Is.Zero);
            Assert.That(taken, Is.EqualTo(longest));
            Assert.That(free[at..(at + taken)], Has.All.True);
            Array.Fill(free, false, at, taken);
        }
    }

    [Test]
    public void What_is_free_already_is_not_freed_again()
    {
        FreeSpaceMap map = new(Bytes(10), SectorSize);
        map.Add(Bytes(2), Bytes(3));
        Assert.That(() => map.Add(Bytes(4), Bytes(2)), Throws.TypeOf<InvariantException>());
        Assert.That(() => map.Remove(Bytes(1), Bytes(2)), Throws.TypeOf<InvariantException>());
    }

    private static ulong Bytes(int sectors) => (ulong)sectors * SectorSize;

    private static int LongestRun(bool[] free, int align, int wanted)
    {
        int best = 0;
        for (int start = 0; start < free.Length; start += align)
        {
            int length = 0;
            while (start + length < free.Length && length < wanted && free[start + length])
                length++;
            best = Math.Max(best, length);
        }

        return best;
    }
}
