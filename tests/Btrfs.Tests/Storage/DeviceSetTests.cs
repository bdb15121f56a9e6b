using System.Buffers.Binary;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class DeviceSetTests
{
    private const int WithMirror = (64 << 20) + 8192;
    private const ulong Primary = 64 << 10;
    private const ulong Mirror = 64 << 20;

    [Test]
    public void Devices_come_in_the_order_of_their_ids_however_they_are_given()
    {
        TestImage image = new(devices: 2);
        using DeviceSet set = DeviceSet.Open([image.Devices[1], image.Devices[0]], DeviceOpenOptions.Default);
        Assert.That(set.Devices.Select(device => device.Id), Is.EqualTo(new ulong[] { 1, 2 }));
        Assert.That(set.Devices[0].Block, Is.SameAs(image.Devices[0]));
        Assert.That(set.Superblock.Generation.Value, Is.EqualTo(10));
        Assert.That(set.Notices, Is.Empty);
    }

    [Test]
    public void The_chunk_tree_is_walked_into_the_map()
    {
        using DeviceSet set = new TestImage().Open();
        set.LoadChunkTree(TestImage.Reader(set));
        Assert.That(set.Volume.Chunks.Chunks, Has.Count.EqualTo(1));
        Assert.That(set.Notices, Is.Empty);
    }

    [Test]
    public void A_destroyed_primary_superblock_falls_back_to_the_mirror_with_a_notice()
    {
        TestImage image = new(deviceSize: WithMirror);
        image.Devices[0].Bytes.AsSpan((int)Primary, 4096).Clear();
        using DeviceSet set = image.Open();
        Assert.That(set.Superblock.Bytenr.Value, Is.EqualTo(Mirror));
        Assert.That(set.Notices, Has.One.Items.And.One.EqualTo("disk1: no btrfs superblock at 65536; using the superblock copy at 67108864 of generation 10"));
    }

    [Test]
    public void A_superblock_with_a_wrong_checksum_or_member_falls_back_to_the_mirror()
    {
        TestImage image = new(deviceSize: WithMirror);
        image.Devices[0].Bytes[(int)Primary + 0x100] ^= 1;
        using (DeviceSet set = image.Open())
            Assert.That(set.Notices[0], Does.Contain("corrupt superblock at 65536: checksum mismatch, have 0x"));

        image.WriteSuperblock(0, Primary, 10, bytes => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x94), 12345));
        using (DeviceSet set = image.Open())
            Assert.That(set.Notices[0], Does.Contain("invalid node size"));
    }

    [Test]
    public void The_newest_valid_copy_wins_but_never_one_of_an_older_file_system()
    {
        TestImage image = new(deviceSize: WithMirror);
        image.WriteSuperblock(0, Mirror, 12);
        using (DeviceSet set = image.Open())
        {
            Assert.That(set.Superblock.Generation.Value, Is.EqualTo(12));
            Assert.That(set.Notices, Has.One.Items);
        }

        image.WriteSuperblock(0, Mirror, 99, bytes =>
        {
            bytes[0x20] ^= 0xff;
            bytes[0xc9 + 82] ^= 0xff;
        });
        using (DeviceSet set = image.Open())
            Assert.That(set.Superblock.Generation.Value, Is.EqualTo(10));
    }

    [TestCase(0, Primary)]
    [TestCase(1, Mirror)]
    public void A_copy_that_cannot_be_read_is_passed_over_by_readers_and_stops_writers(int read, ulong offset)
    {
        TestImage image = new(deviceSize: WithMirror);
        image.WriteSuperblock(0, Mirror, 9);
        byte[] before = [.. image.Devices[0].Bytes];
        FaultyDevice device = new(image.Devices[0]);
        device.Fail(DeviceCall.Read, first: read, count: 1);
        using (DeviceSet set = DeviceSet.Open([device], DeviceOpenOptions.Default))
            Assert.That(set.Superblock.Generation.Value, Is.EqualTo(read == 0 ? 9 : 10));

        device.Fail(DeviceCall.Read, first: read, count: 1);
        Assert.That(
            () => DeviceSet.Open([device], new DeviceOpenOptions { Writable = true }),
            Throws.TypeOf<IOException>().With.Message.StartsWith("disk1: it can't be told which superblock is the newest").And.Message.Contains($"planted read error at {offset}"));

        using (DeviceSet set = DeviceSet.Open([device], new DeviceOpenOptions { Writable = true }))
        {
            device.Fail(DeviceCall.Read, first: read, count: 1);
            Assert.That(set.RestoreSuperblockCopies, Throws.InstanceOf<IOException>());
        }

        Assert.That(image.Devices[0].Bytes, Is.EqualTo(before));
    }

    [Test]
    public void A_device_without_any_superblock_is_refused_by_name()
    {
        MemoryDevice blank = new("blank", new byte[1 << 20]);
        Assert.That(() => DeviceSet.Open([blank], DeviceOpenOptions.Default), Throws.TypeOf<CorruptMetadataException>().With.Message.EqualTo("blank: no valid superblock: no btrfs superblock at 65536"));
        Assert.That(blank.IsDisposed);
    }

    [Test]
    public void A_device_too_small_for_a_superblock_is_refused()
    {
        MemoryDevice tiny = new("tiny", new byte[100]);
        Assert.That(() => DeviceSet.Open([tiny], DeviceOpenOptions.Default), Throws.TypeOf<CorruptMetadataException>().With.Message.StartsWith("tiny: no valid superblock"));
    }

    [Test]
    public void No_device_at_all_is_refused() =>
        Assert.That(() => DeviceSet.Open(Array.Empty<IBlockDevice>(), DeviceOpenOptions.Default), Throws.TypeOf<InvalidRequestException>());

    [Test]
    public void An_unknown_incompat_feature_is_refused_as_such()
    {
        TestImage image = new();
        image.WriteSuperblocks(10, bytes => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0xbc), 1UL << 40));
        Assert.That(() => image.Open(), Throws.TypeOf<UnsupportedFeatureException>().With.Message.Contains("bit 40"));
    }

    [Test]
    public void Devices_of_two_file_systems_are_refused_with_both_uuids()
    {
        TestImage one = new();
        TestImage other = new() { Fsid = Uuid.Parse("99999999-2222-3333-4444-555555555555") };
        other.WriteSuperblocks(10);
        Assert.That(
            () => DeviceSet.Open([one.Devices[0], other.Devices[0]], DeviceOpenOptions.Default),
            Throws.TypeOf<InvalidRequestException>().With.Message.Contains($"{one.Fsid}").And.Message.Contains($"{other.Fsid}"));
    }

    [Test]
    public void A_device_given_twice_is_refused()
    {
        TestImage image = new();
        MemoryDevice copy = new("copy", image.Devices[0].Bytes);
        Assert.That(
            () => DeviceSet.Open([image.Devices[0], copy], DeviceOpenOptions.Default),
            Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo($"copy and disk1 are both device 1 of file system {image.Fsid}"));
    }

    [Test]
    public void A_missing_device_is_named_once_the_chunks_are_known()
    {
        TestImage image = new(devices: 2);
        using DeviceSet set = DeviceSet.Open([image.Devices[0]], DeviceOpenOptions.Default);
        Assert.That(set.Notices, Is.EqualTo(new[] { "1 of 2 devices is missing, opened degraded" }));
        set.LoadChunkTree(TestImage.Reader(set));
        Assert.That(set.Notices, Is.EqualTo(new[] { "device 2 is missing, opened degraded" }));
    }

    [Test]
    public void A_missing_device_is_refused_where_the_options_say_so()
    {
        TestImage image = new(devices: 2);
        Assert.That(
            () => DeviceSet.Open([image.Devices[0]], new DeviceOpenOptions { AllowMissingDevices = false }),
            Throws.TypeOf<InvalidRequestException>().With.Message.Contains("1 of 2 devices is missing"));
    }

    [Test]
    public void A_device_that_missed_commits_is_reported_and_read_last()
    {
        TestImage image = new(devices: 2);
        image.WriteSuperblock(1, Primary, 11);
        using DeviceSet set = image.Open();
        Assert.That(set.Superblock.Generation.Value, Is.EqualTo(11));
        Assert.That(set.Notices, Is.EqualTo(new[] { "device 1 (disk1) is behind: generation 10, the newest device has 11" }));
        Assert.That(set.Volume.PreferredMirror(new LogicalAddress(TestImage.ChunkStart)), Is.EqualTo(2));
    }

    [Test]
    public void A_commit_after_the_opening_shows_in_the_current_generation()
    {
        TestImage image = new(devices: 2);
        using DeviceSet set = image.Open();
        Assert.That(set.ReadCurrentGeneration(), Is.EqualTo(10));
        image.WriteSuperblock(1, Primary, 11);
        Assert.That(set.ReadCurrentGeneration(), Is.EqualTo(11));
        Assert.That(set.Superblock.Generation.Value, Is.EqualTo(10));
    }

    [Test]
    public void A_seed_below_the_file_system_belongs_to_it()
    {
        TestImage seed = new() { Fsid = Uuid.Parse("99999999-2222-3333-4444-555555555555"), FirstDeviceId = 1 };
        seed.WriteSuperblocks(50, bytes => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x38), (ulong)SuperblockFlags.Seeding | 1));
        TestImage sprout = new() { FirstDeviceId = 2 };
        sprout.WriteSuperblocks(11);
        using DeviceSet set = DeviceSet.Open([seed.Devices[0], sprout.Devices[0]], DeviceOpenOptions.Default);
        Assert.That(set.Superblock.Fsid, Is.EqualTo(sprout.Fsid));
        Assert.That(set.Devices, Has.Count.EqualTo(2));
        Assert.That(set.SeedFsids, Is.EqualTo(new[] { seed.Fsid }));
    }

    [Test]
    public void A_chunk_tree_that_leads_back_into_itself_ends_in_an_error()
    {
        TestImage image = new();
        ulong child = TestImage.ChunkStart + 4096;
        image.PutBlock(child, image.Leaf(child, ObjectIds.ChunkTree, (TestImage.ChunkKey, image.ChunkBytes())));
        image.PutBlock(TestImage.ChunkTreeRoot, image.Node(TestImage.ChunkTreeRoot, ObjectIds.ChunkTree, 1, (TestImage.ChunkKey, child), (TestImage.ChunkKey with { Offset = TestImage.ChunkStart + 1 }, child)));
        image.WriteSuperblocks(10, bytes => bytes[0xc7] = 1);
        using DeviceSet set = image.Open();
        Assert.That(() => set.LoadChunkTree(TestImage.Reader(set)), Throws.TypeOf<CorruptMetadataException>());
    }
}
