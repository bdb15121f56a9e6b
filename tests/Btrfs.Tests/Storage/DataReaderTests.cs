using System.Buffers.Binary;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class DataReaderTests
{
    private const int SectorSize = 4096;

    [TestCase(BlockGroupFlags.None, 1)]
    [TestCase(BlockGroupFlags.Raid0, 3)]
    [TestCase(BlockGroupFlags.Raid1, 2)]
    [TestCase(BlockGroupFlags.Raid10, 4)]
    [TestCase(BlockGroupFlags.Raid5, 3)]
    [TestCase(BlockGroupFlags.Raid6, 5)]
    public void Sound_data_is_read_with_one_read_for_each_piece_of_a_device(BlockGroupFlags profile, int stripes)
    {
        TestVolume test = new(profile, stripes, 4);
        DataReader reader = Reader(test.Open());
        byte[] buffer = new byte[test.Data.Length];
        reader.Read(new LogicalAddress(TestVolume.Start), buffer, Sums(test.Data));
        Assert.That(buffer.AsSpan().SequenceEqual(test.Data));
        Assert.That(reader.Repaired, Is.Zero);
        bool striped = profile is BlockGroupFlags.Raid0 or BlockGroupFlags.Raid10 or BlockGroupFlags.Raid5 or BlockGroupFlags.Raid6;
        Assert.That(test.Devices.Sum(device => device.Reads), Is.EqualTo(striped ? test.Data.Length / 65536 : 1));
    }

    [TestCase(BlockGroupFlags.Dup, 2)]
    [TestCase(BlockGroupFlags.Raid1, 2)]
    [TestCase(BlockGroupFlags.Raid1C3, 3)]
    [TestCase(BlockGroupFlags.Raid10, 4)]
    [TestCase(BlockGroupFlags.Raid5, 3)]
    [TestCase(BlockGroupFlags.Raid6, 4)]
    public void A_destroyed_device_is_repaired_sector_by_sector(BlockGroupFlags profile, int stripes)
    {
        for (int destroyed = 0; destroyed < stripes; destroyed++)
        {
            TestVolume test = new(profile, stripes, 3);
            test.Destroy(destroyed);
            AssertReads(test, Reader(test.Open()));
        }
    }

    [Test]
    public void A_raid6_with_two_destroyed_devices_is_repaired()
    {
        for (int first = 0; first < 5; first++)
        {
            for (int second = first + 1; second < 5; second++)
            {
                TestVolume test = new(BlockGroupFlags.Raid6, 5, 2);
                test.Destroy(first);
                test.Destroy(second);
                AssertReads(test, Reader(test.Open()));
            }
        }
    }

    [Test]
    public void Different_bad_sectors_on_both_copies_leave_the_data_whole()
    {
        TestVolume test = new(BlockGroupFlags.Raid1, 2, 1);
        for (int sector = 0; sector < 16; sector++)
            test.Devices[sector % 2].Bytes[4096 * (sector % 2 + 1) + sector * SectorSize + 17] ^= 0x40;
        DataReader reader = Reader(test.Open());
        AssertReads(test, reader);
        Assert.That(reader.Repaired, Is.EqualTo(8));
    }

    [Test]
    public void An_unreadable_sector_is_taken_from_the_other_copy()
    {
        TestVolume test = new(BlockGroupFlags.Raid1, 2, 1);
        test.Devices[0].FailReads(4096 + 5 * SectorSize, 512);
        DataReader reader = Reader(test.Open());
        AssertReads(test, reader);
        Assert.That(reader.Repaired, Is.EqualTo(1));
    }

    [Test]
    public void Data_without_checksums_is_read_as_it_is_and_around_unreadable_sectors()
    {
        TestVolume test = new(BlockGroupFlags.Raid1, 2, 1);
        test.Devices[0].FailReads(4096 + 5 * SectorSize, 512);
        test.Devices[1].Bytes[8192] ^= 1;
        byte[] buffer = new byte[test.Data.Length];
        Reader(test.Open()).Read(new LogicalAddress(TestVolume.Start), buffer, []);
        Assert.That(buffer.AsSpan().SequenceEqual(test.Data));
    }

    [Test]
    public void A_sector_that_is_bad_on_every_mirror_is_an_error_that_tells_what_each_has()
    {
        TestVolume test = new(BlockGroupFlags.Raid1, 2, 1);
        test.Devices[0].Bytes[4096 + 3 * SectorSize] ^= 1;
        test.Devices[1].FailReads(8192 + 3 * SectorSize, 1);
        Assert.That(
            () => Reader(test.Open()).Read(new LogicalAddress(TestVolume.Start), new byte[test.Data.Length], Sums(test.Data)),
            Throws.TypeOf<ChecksumException>().With.Message.Match($"logical address {TestVolume.Start + 3 * SectorSize}: mirror 1: have 0x[0-9a-f]{{8}}; mirror 2: disk2: unreadable.*; expect 0x"));
    }

    [Test]
    public void An_error_names_only_the_first_of_many_mirrors()
    {
        TestVolume test = new(BlockGroupFlags.Raid6, 12, 1);
        LogicalVolume volume = test.Open(missing: [0, 1, 2]);
        Assert.That(
            () => Reader(volume).Read(new LogicalAddress(TestVolume.Start), new byte[SectorSize], []),
            Throws.TypeOf<IOException>().With.Message.EndsWith("; and 4 more"));
    }

    [Test]
    public void A_sector_that_no_mirror_can_read_is_an_error_of_the_host()
    {
        TestVolume test = new(BlockGroupFlags.Raid1, 2, 1);
        test.Devices[0].FailReads(4096, 1);
        LogicalVolume volume = test.Open(missing: [1]);
        Assert.That(
            () => Reader(volume).Read(new LogicalAddress(TestVolume.Start), new byte[SectorSize], Sums(test.Data.AsSpan(0, SectorSize))),
            Throws.TypeOf<IOException>().With.Message.Contains($"{TestVolume.Start}").And.Message.Contains("disk1: unreadable").And.Message.Contains("device 2 is missing"));
    }

    [Test]
    public void Data_at_no_sector_border_is_corrupt_metadata()
    {
        TestVolume test = new(BlockGroupFlags.None, 1, 1);
        Assert.That(() => Reader(test.Open()).Read(new LogicalAddress(TestVolume.Start + 1), new byte[SectorSize], []), Throws.TypeOf<CorruptMetadataException>());
    }

    [Test]
    public void A_sound_read_allocates_nothing()
    {
        TestVolume test = new(BlockGroupFlags.Raid0, 2, 8);
        DataReader reader = Reader(test.Open());
        byte[] buffer = new byte[test.Data.Length];
        byte[] sums = Sums(test.Data);
        Allocations.AssertNone(() => reader.Read(new LogicalAddress(TestVolume.Start), buffer, sums));
    }

    private static void AssertReads(TestVolume test, DataReader reader)
    {
        byte[] buffer = new byte[test.Data.Length];
        reader.Read(new LogicalAddress(TestVolume.Start), buffer, Sums(test.Data));
        Assert.That(buffer.AsSpan().SequenceEqual(test.Data));
    }

    private static byte[] Sums(ReadOnlySpan<byte> data)
    {
        byte[] sums = new byte[data.Length / SectorSize * 4];
        Checksums.For(ChecksumType.Crc32C).ComputeSectors(data, SectorSize, sums);
        return sums;
    }

    private static DataReader Reader(LogicalVolume volume)
    {
        byte[] bytes = new byte[Superblock.Size];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x90), SectorSize);
        return new DataReader(volume, System.Runtime.InteropServices.MemoryMarshal.AsRef<Superblock>(bytes));
    }
}
