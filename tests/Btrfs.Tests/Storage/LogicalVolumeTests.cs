using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class LogicalVolumeTests
{
    private const int Rows = 7;

    private static readonly object[] s_layouts =
    [
        new object[] { BlockGroupFlags.None, 1, 1 },
        new object[] { BlockGroupFlags.Dup, 2, 2 },
        new object[] { BlockGroupFlags.Raid0, 1, 1 },
        new object[] { BlockGroupFlags.Raid0, 3, 1 },
        new object[] { BlockGroupFlags.Raid1, 2, 2 },
        new object[] { BlockGroupFlags.Raid1C3, 3, 3 },
        new object[] { BlockGroupFlags.Raid1C4, 4, 4 },
        new object[] { BlockGroupFlags.Raid10, 2, 2 },
        new object[] { BlockGroupFlags.Raid10, 6, 2 },
        new object[] { BlockGroupFlags.Raid5, 2, 2 },
        new object[] { BlockGroupFlags.Raid5, 3, 2 },
        new object[] { BlockGroupFlags.Raid5, 5, 2 },
        new object[] { BlockGroupFlags.Raid6, 3, 3 },
        new object[] { BlockGroupFlags.Raid6, 4, 4 },
        new object[] { BlockGroupFlags.Raid6, 6, 6 },
    ];

    [TestCaseSource(nameof(s_layouts))]
    public void Every_mirror_of_every_profile_reads_the_whole_chunk(BlockGroupFlags profile, int stripes, int mirrors)
    {
        TestVolume test = new(profile, stripes, Rows);
        LogicalVolume volume = test.Open();
        Assert.That(volume.MirrorCount(new LogicalAddress(TestVolume.Start)), Is.EqualTo(mirrors));
        for (int mirror = 1; mirror <= mirrors; mirror++)
            Assert.That(ReadsRight(volume, test, mirror), $"mirror {mirror}");
    }

    [TestCaseSource(nameof(s_layouts))]
    public void Ranges_across_stripes_read_the_same_as_the_whole(BlockGroupFlags profile, int stripes, int mirrors)
    {
        TestVolume test = new(profile, stripes, Rows);
        LogicalVolume volume = test.Open();
        Random random = TestSeed.Random();
        for (int round = 0; round < 50; round++)
        {
            int offset = random.Next(test.Data.Length);
            byte[] buffer = new byte[random.Next(1, Math.Min(200_000, test.Data.Length - offset) + 1)];
            int mirror = random.Next(1, mirrors + 1);
            volume.Read(new LogicalAddress(TestVolume.Start + (ulong)offset), buffer, mirror);
            Assert.That(buffer.AsSpan().SequenceEqual(test.Data.AsSpan(offset, buffer.Length)), $"[{offset}, {offset + buffer.Length}) mirror {mirror}");
        }
    }

    [TestCase(BlockGroupFlags.Dup, 2)]
    [TestCase(BlockGroupFlags.Raid1, 2)]
    [TestCase(BlockGroupFlags.Raid1C3, 3)]
    [TestCase(BlockGroupFlags.Raid1C4, 4)]
    public void A_destroyed_copy_leaves_the_others(BlockGroupFlags profile, int copies)
    {
        for (int destroyed = 0; destroyed < copies; destroyed++)
        {
            TestVolume test = new(profile, copies, Rows);
            test.Destroy(destroyed);
            LogicalVolume volume = test.Open();
            for (int mirror = 1; mirror <= copies; mirror++)
                Assert.That(ReadsRight(volume, test, mirror), Is.EqualTo(mirror != destroyed + 1), $"mirror {mirror}");
        }
    }

    [TestCase(BlockGroupFlags.Raid5, 3)]
    [TestCase(BlockGroupFlags.Raid5, 4)]
    [TestCase(BlockGroupFlags.Raid6, 5)]
    public void A_missing_device_is_rebuilt_from_the_others(BlockGroupFlags profile, int stripes)
    {
        for (int missing = 0; missing < stripes; missing++)
        {
            TestVolume test = new(profile, stripes, Rows);
            LogicalVolume volume = test.Open(missing: [missing]);
            Assert.That(ReadsRightAsPreferred(volume, test), $"without device {missing + 1}");
            Assert.That(volume.MissingDevices(), Is.EqualTo(new[] { (ulong)missing + 1 }));
        }
    }

    [TestCase(4)]
    [TestCase(5)]
    [TestCase(7)]
    public void A_raid6_reads_without_any_two_devices(int stripes)
    {
        TestVolume test = new(BlockGroupFlags.Raid6, stripes, Rows);
        for (int first = 0; first < stripes; first++)
        {
            for (int second = first + 1; second < stripes; second++)
            {
                LogicalVolume volume = test.Open(missing: [first, second]);
                Assert.That(ReadsRightAsPreferred(volume, test), $"without devices {first + 1} and {second + 1}");
            }
        }
    }

    [Test]
    public void A_raid6_with_any_two_silently_destroyed_devices_has_a_mirror_that_is_right()
    {
        const int stripes = 5;
        for (int first = 0; first < stripes; first++)
        {
            for (int second = first + 1; second < stripes; second++)
            {
                TestVolume test = new(BlockGroupFlags.Raid6, stripes, Rows);
                test.Destroy(first);
                test.Destroy(second);
                LogicalVolume volume = test.Open();
                byte[] sector = new byte[4096];
                for (int offset = 0; offset < test.Data.Length; offset += 65536)
                {
                    LogicalAddress address = new(TestVolume.Start + (ulong)offset);
                    bool found = false;
                    for (int mirror = 1; mirror <= stripes && !found; mirror++)
                    {
                        volume.Read(address, sector, mirror);
                        found = sector.AsSpan().SequenceEqual(test.Data.AsSpan(offset, sector.Length));
                    }

                    Assert.That(found, $"devices {first + 1} and {second + 1}, offset {offset}");
                }
            }
        }
    }

    [TestCase(BlockGroupFlags.Raid5, 4, 2)]
    [TestCase(BlockGroupFlags.Raid6, 5, 3)]
    public void More_missing_devices_than_parity_are_an_error_that_names_them(BlockGroupFlags profile, int stripes, int lost)
    {
        TestVolume test = new(profile, stripes, Rows);
        LogicalVolume volume = test.Open(missing: [.. Enumerable.Range(0, lost)]);
        IOException? error = Assert.Throws<IOException>(() => volume.Read(new LogicalAddress(TestVolume.Start), new byte[4096], 2));
        Assert.That(error!.Message, Does.Contain("device 2 is missing"));
    }

    [TestCase(BlockGroupFlags.Raid5, 3)]
    [TestCase(BlockGroupFlags.Raid6, 4)]
    public void Parity_stands_in_for_a_stripe_that_cannot_be_read(BlockGroupFlags profile, int stripes)
    {
        TestVolume test = new(profile, stripes, Rows);
        test.Devices[0].FailReads(0, test.Devices[0].SizeBytes);
        byte[] first = new byte[65536];
        Assert.That(() => test.Open().Read(new LogicalAddress(TestVolume.Start), first, 1), Throws.InstanceOf<IOException>());
        test.Open().Read(new LogicalAddress(TestVolume.Start), first, 2);
        Assert.That(first.AsSpan().SequenceEqual(test.Data.AsSpan(0, first.Length)));
    }

    [Test]
    public void The_preferred_mirror_is_the_first_that_is_here_and_up_to_date()
    {
        TestVolume test = new(BlockGroupFlags.Raid1C3, 3, 1);
        LogicalAddress start = new(TestVolume.Start);
        Assert.That(test.Open().PreferredMirror(start), Is.EqualTo(1));
        Assert.That(test.Open(missing: [0]).PreferredMirror(start), Is.EqualTo(2));
        Assert.That(test.Open(stale: [0, 1]).PreferredMirror(start), Is.EqualTo(3));
        Assert.That(test.Open(missing: [2], stale: [0, 1]).PreferredMirror(start), Is.EqualTo(1));
        Assert.That(test.Open(missing: [0, 1, 2]).PreferredMirror(start), Is.EqualTo(1));
    }

    [Test]
    public void A_lost_raid5_stripe_is_rebuilt_at_once_and_a_whole_one_is_read()
    {
        TestVolume test = new(BlockGroupFlags.Raid5, 3, 1);
        LogicalVolume volume = test.Open(missing: [0]);
        Assert.That(volume.PreferredMirror(new LogicalAddress(TestVolume.Start)), Is.EqualTo(2));
        Assert.That(volume.PreferredMirror(new LogicalAddress(TestVolume.Start + 65536)), Is.EqualTo(1));
        Assert.That(test.Open(stale: [0]).PreferredMirror(new LogicalAddress(TestVolume.Start)), Is.EqualTo(2));
    }

    [Test]
    public void A_device_with_the_right_id_and_another_uuid_counts_as_missing()
    {
        TestVolume test = new(BlockGroupFlags.None, 1, 1);
        LogicalVolume volume = new([new Device(1, default, test.Devices[0], 7, false)]);
        volume.Chunks.Add(new Key(ObjectIds.FirstChunkTree, ItemType.ChunkItem, TestVolume.Start), test.ChunkBytes());
        Assert.That(() => volume.Read(new LogicalAddress(TestVolume.Start), new byte[512], 1), Throws.InstanceOf<IOException>().With.Message.Contains("device 1 is missing"));
    }

    [Test]
    public void An_address_outside_every_chunk_is_refused()
    {
        TestVolume test = new(BlockGroupFlags.None, 1, 1);
        byte[] buffer = new byte[8192];
        Assert.That(
            () => test.Open().Read(new LogicalAddress(TestVolume.Start + 65536 - 4096), buffer, 1),
            Throws.TypeOf<CorruptMetadataException>().With.Message.Contains($"{TestVolume.Start + 65536}"));
    }

    private static bool ReadsRight(LogicalVolume volume, TestVolume test, int mirror)
    {
        byte[] buffer = new byte[test.Data.Length];
        volume.Read(new LogicalAddress(TestVolume.Start), buffer, mirror);
        return buffer.AsSpan().SequenceEqual(test.Data);
    }

    /// <summary>Stripe by stripe, each from the preferred mirror.</summary>
    private static bool ReadsRightAsPreferred(LogicalVolume volume, TestVolume test)
    {
        byte[] buffer = new byte[test.Data.Length];
        for (int offset = 0; offset < buffer.Length; offset += 65536)
        {
            LogicalAddress address = new(TestVolume.Start + (ulong)offset);
            volume.Read(address, buffer.AsSpan(offset, 65536), volume.PreferredMirror(address));
        }

        return buffer.AsSpan().SequenceEqual(test.Data);
    }
}
