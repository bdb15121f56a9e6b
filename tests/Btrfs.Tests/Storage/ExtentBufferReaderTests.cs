using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class ExtentBufferReaderTests
{
    private const ulong Bytenr = TestImage.ChunkStart + 2 * TestImage.NodeSize;
    private static readonly Key s_key = new(300, ItemType.OrphanItem, 7);
    private static readonly BlockPointer s_pointer = new(new LogicalAddress(Bytenr), 10, 0, s_key);

    [TestCase(ChecksumType.Crc32C)]
    [TestCase(ChecksumType.XxHash64)]
    [TestCase(ChecksumType.Sha256)]
    [TestCase(ChecksumType.Blake2b256)]
    public void A_sound_block_is_read_once_and_then_comes_from_the_cache(ChecksumType checksum)
    {
        using DeviceSet set = ImageWithLeaf(checksum: checksum).Open();
        ExtentBufferReader reader = TestImage.Reader(set);
        ExtentBuffer buffer = reader.Read(s_pointer, ObjectIds.FsTree);
        Assert.Multiple(() =>
        {
            Assert.That(buffer.Bytenr.Value, Is.EqualTo(Bytenr));
            Assert.That(buffer.Generation, Is.EqualTo(10));
            Assert.That(buffer.Owner, Is.EqualTo(ObjectIds.FsTree));
            Assert.That(buffer.Leaf.Key(0), Is.EqualTo(s_key));
            Assert.That(reader.Read(s_pointer, ObjectIds.FsTree), Is.SameAs(buffer));
            Assert.That((reader.Reads, reader.Hits, reader.Repaired), Is.EqualTo((1L, 1L, 0L)));
        });
    }

    [TestCase(1)]
    [TestCase(2)]
    public void A_damaged_copy_on_either_device_is_repaired_from_the_other(int mirror)
    {
        TestImage image = ImageWithLeaf(devices: 2);
        image.CopyBytes(Bytenr, mirror)[200] ^= 1;
        using DeviceSet set = image.Open();
        ExtentBufferReader reader = TestImage.Reader(set);
        Assert.That(reader.Read(s_pointer, ObjectIds.FsTree).Count, Is.EqualTo(1));
        Assert.That(reader.Repaired, Is.EqualTo(mirror == 1 ? 1 : 0));
    }

    [Test]
    public void An_unreadable_copy_is_taken_from_the_other_mirror()
    {
        TestImage image = ImageWithLeaf();
        image.Devices[0].FailReads((ulong)image.Copy(Bytenr, 1).Offset, 512);
        using DeviceSet set = image.Open();
        ExtentBufferReader reader = TestImage.Reader(set);
        Assert.That(reader.Read(s_pointer, ObjectIds.FsTree).Count, Is.EqualTo(1));
        Assert.That(reader.Repaired, Is.EqualTo(1));
    }

    [Test]
    public void A_copy_that_an_old_transaction_left_is_taken_from_the_other_mirror()
    {
        TestImage image = ImageWithLeaf();
        byte[] old = image.Leaf(Bytenr, ObjectIds.FsTree, (s_key, [1]));
        old[0x50] = 9;
        image.Seal(old).CopyTo(image.CopyBytes(Bytenr, 1));
        using DeviceSet set = image.Open();
        ExtentBufferReader reader = TestImage.Reader(set);
        Assert.That(reader.Read(s_pointer, ObjectIds.FsTree).Generation, Is.EqualTo(10));
        Assert.That(reader.Repaired, Is.EqualTo(1));
    }

    [Test]
    public void A_block_that_fails_on_every_mirror_is_an_error_that_tells_what_each_has()
    {
        TestImage image = ImageWithLeaf();
        image.CopyBytes(Bytenr, 1)[200] ^= 1;
        image.Devices[0].FailReads((ulong)image.Copy(Bytenr, 2).Offset, 512);
        using DeviceSet set = image.Open();
        ExtentBufferReader reader = TestImage.Reader(set);
        Assert.That(
            () => reader.Read(s_pointer, ObjectIds.FsTree),
            Throws.TypeOf<CorruptMetadataException>().With.Message.Match($"root=5 block={Bytenr} .*mirror 1: checksum mismatch, have 0x[0-9a-f]{{8}} expect 0x[0-9a-f]{{8}}; mirror 2: disk1: unreadable"));
    }

    private static readonly object[] s_lies =
    [
        new object[] { s_pointer with { Generation = 9 }, ObjectIds.FsTree, "generation mismatch, have 10 expect 9" },
        new object[] { s_pointer with { Level = 1 }, ObjectIds.FsTree, "level mismatch, have 0 expect 1" },
        new object[] { s_pointer with { FirstKey = s_key with { Offset = 8 } }, ObjectIds.FsTree, "first key mismatch, have (300 48 7) expect (300 48 8)" },
        new object[] { s_pointer with { Bytenr = new LogicalAddress(Bytenr + 4096) }, ObjectIds.FsTree, "checksum mismatch" },
        new object[] { s_pointer with { Bytenr = new LogicalAddress(Bytenr + 1) }, ObjectIds.FsTree, "not a multiple of the sector size 4096" },
        new object[] { s_pointer with { Bytenr = new LogicalAddress(1 << 30) }, ObjectIds.FsTree, "no chunk maps the block" },
        new object[] { s_pointer, ObjectIds.RootTree, "owner mismatch, have 5 expect 1" },
    ];

    [TestCaseSource(nameof(s_lies))]
    public void A_block_that_is_not_what_its_parent_says_is_refused_also_when_cached(BlockPointer pointer, ulong root, string message)
    {
        using DeviceSet set = ImageWithLeaf().Open();
        ExtentBufferReader reader = TestImage.Reader(set);
        Assert.That(() => reader.Read(pointer, root), Throws.TypeOf<CorruptMetadataException>().With.Message.Contains(message));
        reader.Read(s_pointer, ObjectIds.FsTree);
        Assert.That(() => reader.Read(pointer, root), Throws.TypeOf<CorruptMetadataException>().With.Message.Contains(message));
    }

    [Test]
    public void A_block_found_at_another_address_than_it_says_is_refused()
    {
        TestImage image = ImageWithLeaf();
        image.PutBlock(Bytenr + TestImage.NodeSize, image.CopyBytes(Bytenr, 1).ToArray());
        using DeviceSet set = image.Open();
        BlockPointer pointer = s_pointer with { Bytenr = new LogicalAddress(Bytenr + TestImage.NodeSize) };
        Assert.That(() => TestImage.Reader(set).Read(pointer, ObjectIds.FsTree), Throws.TypeOf<CorruptMetadataException>().With.Message.Contains($"bytenr mismatch, have {Bytenr} expect {pointer.Bytenr}"));
    }

    [Test]
    public void A_block_of_another_file_system_is_refused()
    {
        TestImage image = ImageWithLeaf();
        byte[] foreign = image.CopyBytes(Bytenr, 1).ToArray();
        foreign[0x20] ^= 0xff;
        image.PutBlock(Bytenr, image.Seal(foreign));
        using DeviceSet set = image.Open();
        Assert.That(() => TestImage.Reader(set).Read(s_pointer, ObjectIds.FsTree), Throws.TypeOf<CorruptMetadataException>().With.Message.Contains("fsid mismatch"));
    }

    [Test]
    public void A_block_with_a_right_checksum_and_wrong_members_stops_at_the_gate()
    {
        TestImage image = ImageWithLeaf();
        byte[] block = image.CopyBytes(Bytenr, 1).ToArray();
        block[0x60] = 0xff;
        image.PutBlock(Bytenr, image.Seal(block));
        using DeviceSet set = image.Open();
        Assert.That(() => TestImage.Reader(set).Read(s_pointer, ObjectIds.FsTree), Throws.TypeOf<CorruptMetadataException>());
    }

    [Test]
    public void A_tree_of_files_may_hold_blocks_that_another_one_wrote()
    {
        using DeviceSet set = ImageWithLeaf().Open();
        Assert.That(TestImage.Reader(set).Read(s_pointer, 257).Owner, Is.EqualTo(ObjectIds.FsTree));
    }

    [Test]
    public void A_cached_block_that_the_pointer_contradicts_is_read_anew()
    {
        TestImage image = ImageWithLeaf();
        using DeviceSet set = image.Open();
        ExtentBufferReader reader = TestImage.Reader(set);
        reader.Read(s_pointer, ObjectIds.FsTree);

        byte[] newer = image.Leaf(Bytenr, ObjectIds.FsTree, (s_key, [1]));
        newer[0x50] = 11;
        image.PutBlock(Bytenr, image.Seal(newer));
        Assert.That(reader.Read(s_pointer with { Generation = 11 }, ObjectIds.FsTree).Generation, Is.EqualTo(11));
        Assert.That(reader.Read(s_pointer with { Generation = 11 }, ObjectIds.FsTree).Generation, Is.EqualTo(11));
        Assert.That(reader.Reads, Is.EqualTo(2));
    }

    [Test]
    public void Threads_that_read_at_once_all_get_the_block()
    {
        TestImage image = new();
        for (ulong i = 0; i < 64; i++)
            image.PutBlock(Bytenr + i * 4096, image.Leaf(Bytenr + i * 4096, ObjectIds.FsTree, (s_key with { ObjectId = i }, [(byte)i])));
        using DeviceSet set = image.Open();
        ExtentBufferReader reader = TestImage.Reader(set, cacheLimitBytes: 16 * TestImage.NodeSize);
        Parallel.For(0, 8, worker =>
        {
            Random random = new(worker);
            for (int round = 0; round < 2000; round++)
            {
                ulong i = (ulong)random.Next(64);
                BlockPointer pointer = new(new LogicalAddress(Bytenr + i * 4096), 10, 0, s_key with { ObjectId = i });
                Assert.That(reader.Read(pointer, ObjectIds.FsTree).Leaf.Data(0)[0], Is.EqualTo((byte)i));
            }
        });
        Assert.That(reader.Reads + reader.Hits, Is.EqualTo(16000));
        Assert.That(reader.Hits, Is.GreaterThan(1000));
    }

    private static TestImage ImageWithLeaf(int devices = 1, ChecksumType checksum = ChecksumType.Crc32C)
    {
        TestImage image = new(devices, checksum);
        image.PutBlock(Bytenr, image.Leaf(Bytenr, ObjectIds.FsTree, (s_key, [1, 2, 3])));
        return image;
    }
}
