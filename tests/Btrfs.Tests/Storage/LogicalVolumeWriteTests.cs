using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

/// <summary>Writes against <see cref="TestVolume"/>, which lays the same bytes out without the code under test.</summary>
public sealed class LogicalVolumeWriteTests
{
    private const int Rows = 5;

    private static readonly object[] s_layouts =
    [
        new object[] { BlockGroupFlags.None, 1 },
        new object[] { BlockGroupFlags.Dup, 2 },
        new object[] { BlockGroupFlags.Raid0, 1 },
        new object[] { BlockGroupFlags.Raid0, 3 },
        new object[] { BlockGroupFlags.Raid1, 2 },
        new object[] { BlockGroupFlags.Raid1C3, 3 },
        new object[] { BlockGroupFlags.Raid1C4, 4 },
        new object[] { BlockGroupFlags.Raid10, 2 },
        new object[] { BlockGroupFlags.Raid10, 6 },
        new object[] { BlockGroupFlags.Raid5, 2 },
        new object[] { BlockGroupFlags.Raid5, 3 },
        new object[] { BlockGroupFlags.Raid5, 5 },
        new object[] { BlockGroupFlags.Raid6, 3 },
        new object[] { BlockGroupFlags.Raid6, 4 },
        new object[] { BlockGroupFlags.Raid6, 6 },
    ];

    private static readonly object[] s_bearable =
    [
        new object[] { BlockGroupFlags.Raid1, 2, 1 },
        new object[] { BlockGroupFlags.Raid1C3, 3, 2 },
        new object[] { BlockGroupFlags.Raid1C4, 4, 3 },
        new object[] { BlockGroupFlags.Raid10, 4, 1 },
        new object[] { BlockGroupFlags.Raid5, 2, 1 },
        new object[] { BlockGroupFlags.Raid5, 4, 1 },
        new object[] { BlockGroupFlags.Raid6, 3, 2 },
        new object[] { BlockGroupFlags.Raid6, 5, 2 },
    ];

    [TestCaseSource(nameof(s_layouts))]
    public void Writes_of_any_range_lay_on_the_devices_as_the_format_says(BlockGroupFlags profile, int stripes)
    {
        Random random = TestSeed.Random();
        TestVolume test = new(profile, stripes, Rows);
        TestVolume expected = new(profile, stripes, Rows);
        LogicalVolume volume = test.Open();
        for (int round = 0; round < 30; round++)
        {
            (int offset, byte[] data) = RandomWrite(random, expected);
            volume.Write(At(offset), data);
        }

        expected.Lay();
        Assert.That(test.FirstDifference(expected), Is.Zero);
        Assert.That(volume.WriteFaults, Is.Empty);
    }

    [TestCaseSource(nameof(s_layouts))]
    public void A_batch_lays_on_the_devices_what_its_pieces_would(BlockGroupFlags profile, int stripes)
    {
        Random random = TestSeed.Random();
        TestVolume test = new(profile, stripes, Rows);
        TestVolume expected = new(profile, stripes, Rows);
        List<BlockWrite> writes = RandomBatch(random, expected);
        test.Open().WriteSorted(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(writes));
        expected.Lay();
        Assert.That(test.FirstDifference(expected), Is.Zero);
    }

    [TestCaseSource(nameof(s_bearable))]
    public void What_is_written_without_some_devices_is_read_without_them(BlockGroupFlags profile, int stripes, int losses)
    {
        Random random = TestSeed.Random();
        foreach (int[] missing in Subsets(stripes, losses))
        {
            TestVolume test = new(profile, stripes, Rows);
            TestVolume expected = new(profile, stripes, Rows);
            LogicalVolume volume = test.Open(missing);
            volume.VerifyWritable();
            for (int round = 0; round < 6; round++)
            {
                (int offset, byte[] data) = RandomWrite(random, expected);
                volume.Write(At(offset), data);
            }

            volume.WriteSorted(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(RandomBatch(random, expected)));
            expected.Lay();
            Assert.That(test.FirstDifference(expected, missing), Is.Zero, $"without {string.Join(" and ", missing.Select(index => index + 1))}");
            byte[] read = new byte[expected.Data.Length];
            for (int offset = 0; offset < read.Length; offset += 65536)
                volume.Read(At(offset), read.AsSpan(offset, 65536), volume.PreferredMirror(At(offset)));
            Assert.That(read.AsSpan().SequenceEqual(expected.Data));
        }
    }

    [TestCase(BlockGroupFlags.None, 1, 1)]
    [TestCase(BlockGroupFlags.Raid0, 2, 1)]
    [TestCase(BlockGroupFlags.Raid1, 2, 2)]
    [TestCase(BlockGroupFlags.Raid1C3, 3, 3)]
    [TestCase(BlockGroupFlags.Raid1C4, 4, 4)]
    [TestCase(BlockGroupFlags.Raid10, 4, 2)]
    [TestCase(BlockGroupFlags.Raid5, 3, 2)]
    [TestCase(BlockGroupFlags.Raid6, 4, 3)]
    public void One_device_too_many_missing_is_an_error_that_names_it(BlockGroupFlags profile, int stripes, int missing)
    {
        TestVolume test = new(profile, stripes, Rows);
        LogicalVolume volume = test.Open(missing: [.. Enumerable.Range(0, missing)]);
        byte[] data = new byte[test.Data.Length];
        Assert.That(() => volume.Write(At(0), data), Throws.TypeOf<IOException>().With.Message.Contains("device 1 is missing"));
        Assert.That(() => volume.WriteSorted([new BlockWrite(At(0), data)]), Throws.TypeOf<IOException>().With.Message.Contains("device 1 is missing"));
        Assert.That(volume.VerifyWritable, Throws.TypeOf<InvalidRequestException>().With.Message.Contains("device 1 is missing"));
    }

    [TestCaseSource(nameof(s_bearable))]
    public void A_device_that_fails_to_write_counts_as_lost_and_is_told_of(BlockGroupFlags profile, int stripes, int losses)
    {
        Assert.That(losses, Is.Positive);
        Random random = TestSeed.Random();
        TestVolume test = new(profile, stripes, Rows);
        TestVolume expected = new(profile, stripes, Rows);
        int broken = random.Next(stripes);
        test.Devices[broken].FailWrites(0, ulong.MaxValue);
        LogicalVolume volume = test.Open();
        random.NextBytes(expected.Data);
        volume.Write(At(0), expected.Data);
        expected.Lay();
        Assert.That(test.FirstDifference(expected, broken), Is.Zero);
        Assert.That(volume.WriteFaults, Is.Not.Empty.And.All.StartsWith($"device {broken + 1} (disk{broken + 1}): "));

        foreach (MemoryDevice device in test.Devices)
            device.FailWrites(0, ulong.MaxValue);
        Assert.That(() => volume.Write(At(0), expected.Data), Throws.TypeOf<IOException>().With.Message.Contains("unwritable"));
    }

    [TestCase(BlockGroupFlags.Raid5, 4)]
    [TestCase(BlockGroupFlags.Raid6, 5)]
    public void Parity_is_taken_of_the_data_and_not_of_what_was_parity(BlockGroupFlags profile, int stripes)
    {
        TestVolume test = new(profile, stripes, 1);
        TestVolume expected = new(profile, stripes, 1);
        test.Destroy(stripes - 1);
        byte[] data = [.. Enumerable.Repeat((byte)0x5a, 16384)];
        data.CopyTo(expected.Data, 65536 + 4096);
        test.Open().Write(At(65536 + 4096), data);
        expected.Lay();
        int share = test.Devices[stripes - 1].Bytes.Length - 65536;
        Assert.That(
            test.Devices[stripes - 1].Bytes.AsSpan(share + 4096, 16384).SequenceEqual(expected.Devices[stripes - 1].Bytes.AsSpan(share + 4096, 16384)));
        Assert.That(test.FirstDifference(expected, stripes - 1), Is.Zero);
    }

    [TestCase(BlockGroupFlags.Raid5, 4)]
    [TestCase(BlockGroupFlags.Raid6, 5)]
    public void A_stripe_that_cannot_be_read_is_rebuilt_for_the_parity(BlockGroupFlags profile, int stripes)
    {
        TestVolume test = new(profile, stripes, Rows);
        TestVolume expected = new(profile, stripes, Rows);
        test.Devices[1].FailReads(0, test.Devices[1].SizeBytes);
        Random random = TestSeed.Random();
        for (int round = 0; round < 20; round++)
        {
            (int offset, byte[] data) = RandomWrite(random, expected);
            test.Open().Write(At(offset), data);
        }

        expected.Lay();
        Assert.That(test.FirstDifference(expected), Is.Zero);
    }

    [TestCase(BlockGroupFlags.Raid5, 4)]
    [TestCase(BlockGroupFlags.Raid6, 5)]
    public void What_a_device_missed_stays_in_the_parity_when_its_neighbours_are_written(BlockGroupFlags profile, int stripes)
    {
        Random random = TestSeed.Random();
        TestVolume test = new(profile, stripes, Rows);
        TestVolume expected = new(profile, stripes, Rows);
        LogicalVolume volume = test.Open();
        int broken = random.Next(stripes);
        test.Devices[broken].FailWrites(0, ulong.MaxValue);
        random.NextBytes(expected.Data);
        volume.Write(At(0), expected.Data);
        test.Devices[broken].HealWrites();
        for (int round = 0; round < 20; round++)
        {
            (int offset, byte[] data) = RandomWrite(random, expected);
            volume.Write(At(offset), data);
        }

        expected.Lay();
        Assert.That(test.FirstDifference(expected, broken), Is.Zero);
        Assert.That(volume.LeaveMissedBehind());
        Assert.That(test.Devices[broken].Writes, Is.Positive);
        byte[] read = new byte[expected.Data.Length];
        for (int offset = 0; offset < read.Length; offset += 65536)
            volume.Read(At(offset), read.AsSpan(offset, 65536), volume.PreferredMirror(At(offset)));
        Assert.That(read.AsSpan().SequenceEqual(expected.Data));

        // A second one is more than raid5 can bear, wherever it fails.
        test.Devices[(broken + 1) % stripes].FailWrites(0, ulong.MaxValue);
        Assert.That(() => volume.Write(At(0), expected.Data), profile == BlockGroupFlags.Raid5 ? Throws.TypeOf<IOException>() : Throws.Nothing);
    }

    [Test]
    public void A_whole_full_stripe_is_written_without_reading()
    {
        TestVolume test = new(BlockGroupFlags.Raid6, 5, Rows);
        test.Open().Write(At(3 * 65536), new byte[2 * 3 * 65536]);
        Assert.That(test.Devices.Sum(device => device.Reads), Is.Zero);
        Assert.That(test.Devices.Sum(device => device.Writes), Is.EqualTo(2 * 5));
    }

    [Test]
    public void Neighbours_in_a_batch_are_one_transfer_of_each_copy()
    {
        TestVolume test = new(BlockGroupFlags.Raid1, 2, Rows);
        BlockWrite[] writes = [.. Enumerable.Range(0, 12).Select(i => new BlockWrite(At((i < 6 ? i : i + 1) * 16384), new byte[16384]))];
        test.Open().WriteSorted(writes);
        Assert.That(test.Devices.Select(device => device.Writes), Is.EqualTo(new[] { 2, 2 }));
    }

    [Test]
    public void A_device_that_is_behind_gets_nothing()
    {
        TestVolume test = new(BlockGroupFlags.Raid1, 2, Rows);
        LogicalVolume volume = test.Open(stale: [0]);
        volume.Write(At(0), new byte[4096]);
        Assert.That(test.Devices.Select(device => device.Writes), Is.EqualTo(new[] { 0, 1 }));

        TestVolume single = new(BlockGroupFlags.None, 1, Rows);
        Assert.That(() => single.Open(stale: [0]).Write(At(0), new byte[4096]), Throws.TypeOf<IOException>().With.Message.Contains("device 1 (disk1) is behind"));
    }

    [Test]
    public void Concurrent_writers_of_one_full_stripe_leave_its_parity_right()
    {
        TestVolume test = new(BlockGroupFlags.Raid6, 6, 2);
        TestVolume expected = new(BlockGroupFlags.Raid6, 6, 2);
        new Random(5).NextBytes(expected.Data);
        LogicalVolume volume = test.Open();
        Parallel.For(0, expected.Data.Length / 4096, i => volume.Write(At(i * 4096), expected.Data.AsSpan(i * 4096, 4096)));
        expected.Lay();
        Assert.That(test.FirstDifference(expected), Is.Zero);
    }

    [Test]
    public void A_flush_reaches_every_device_and_bears_what_the_profile_bears()
    {
        TestVolume test = new(BlockGroupFlags.Raid1, 2, Rows);
        LogicalVolume volume = test.Open();
        volume.Flush();
        Assert.That(test.Devices.Select(device => device.Flushes), Is.EqualTo(new[] { 1, 1 }));
        test.Devices[0].FailsFlushes = true;
        volume.Flush();
        Assert.That(volume.WriteFaults, Is.EqualTo(new[] { "device 1 (disk1): disk1: can't flush" }));
        test.Devices[1].FailsFlushes = true;
        Assert.That(volume.Flush, Throws.TypeOf<IOException>().With.Message.Contains("can't flush"));
    }

    [Test]
    public void What_a_failed_flush_has_lost_no_later_one_makes_durable()
    {
        TestVolume test = new(BlockGroupFlags.Raid0, 2, Rows);
        LogicalVolume volume = test.Open();
        test.Devices[1].FailsFlushes = true;
        Assert.That(volume.Flush, Throws.TypeOf<IOException>());
        test.Devices[1].FailsFlushes = false;
        Assert.That(volume.Flush, Throws.TypeOf<IOException>().With.Message.Contains("can't flush"));
    }

    [Test]
    public void A_discard_reaches_all_copies_and_leaves_parity_and_superblocks_alone()
    {
        TestVolume before = new(BlockGroupFlags.Raid10, 4, Rows);
        TestVolume mirrored = new(BlockGroupFlags.Raid10, 4, Rows);
        TestVolume expected = new(BlockGroupFlags.Raid10, 4, Rows);
        mirrored.Open().Discard(At(10_000), 300_000);
        expected.Data.AsSpan(10_000, 300_000).Clear();
        expected.Lay();
        Range superblock = (int)FormatLimits.SuperblockOffsets[0]..((int)FormatLimits.SuperblockOffsets[0] + FormatLimits.SuperblockSize);
        for (int i = 0; i < before.Devices.Count; i++)
            before.Devices[i].Bytes.AsSpan(superblock).CopyTo(expected.Devices[i].Bytes.AsSpan(superblock));
        Assert.That(mirrored.FirstDifference(expected), Is.Zero);

        TestVolume parity = new(BlockGroupFlags.Raid5, 3, Rows);
        parity.Open().Discard(At(0), (ulong)parity.Data.Length);
        Assert.That(parity.FirstDifference(new TestVolume(BlockGroupFlags.Raid5, 3, Rows)), Is.Zero);
    }

    private static LogicalAddress At(int offset) => new(TestVolume.Start + (ulong)offset);

    private static (int Offset, byte[] Data) RandomWrite(Random random, TestVolume expected)
    {
        int offset = random.Next(expected.Data.Length);
        byte[] data = new byte[random.Next(1, Math.Min(200_000, expected.Data.Length - offset) + 1)];
        random.NextBytes(data);
        data.CopyTo(expected.Data, offset);
        return (offset, data);
    }

    private static List<BlockWrite> RandomBatch(Random random, TestVolume expected)
    {
        List<BlockWrite> writes = [];
        for (int block = random.Next(3); block < expected.Data.Length / 4096;)
        {
            int count = Math.Min(random.Next(1, 5), expected.Data.Length / 4096 - block);
            byte[] data = new byte[count * 4096];
            random.NextBytes(data);
            data.CopyTo(expected.Data, block * 4096);
            writes.Add(new BlockWrite(At(block * 4096), data));
            block += count + (random.Next(3) == 0 ? random.Next(40) : 0);
        }

        return writes;
    }

    /// <summary>Sets of up to so many devices that a profile bears to lose: of a raid10 only one of a pair.</summary>
    private static IEnumerable<int[]> Subsets(int count, int size) =>
        from first in Enumerable.Range(0, count)
        select Enumerable.Range(0, size).Select(i => (first + i) % count).ToArray();
}
