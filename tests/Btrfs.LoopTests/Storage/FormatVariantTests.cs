using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Storage;

/// <summary>Everything else that mkfs.btrfs and btrfstune can choose and the reading of blocks and data depends on.</summary>
public sealed class FormatVariantTests
{
    [TestCase("--csum crc32c", ChecksumType.Crc32C)]
    [TestCase("--csum xxhash64", ChecksumType.XxHash64)]
    [TestCase("--csum sha256", ChecksumType.Sha256)]
    [TestCase("--csum blake2", ChecksumType.Blake2b256)]
    public void Every_checksum_type_is_verified(string mkfs, ChecksumType type)
    {
        using KernelImages images = KernelImages.Make(mkfs);
        using OpenedImages opened = OpenAndReadAll(images);
        Assert.That(opened.Set.Superblock.CsumType, Is.EqualTo(type));
    }

    [TestCase(4096)]
    [TestCase(8192)]
    [TestCase(16384)]
    [TestCase(32768)]
    [TestCase(65536)]
    public void Every_node_size_is_read(int nodeSize)
    {
        using KernelImages images = KernelImages.Make($"-n {nodeSize}");
        using OpenedImages opened = OpenAndReadAll(images);
        Assert.That(opened.Set.Superblock.NodeSize.Value, Is.EqualTo(nodeSize));
    }

    [Test]
    public void Mixed_block_groups_are_read()
    {
        using KernelImages images = KernelImages.Make("--mixed");
        using OpenedImages opened = OpenAndReadAll(images);
        Assert.That(opened.Set.Volume.Chunks.Chunks.Any(chunk => chunk.Type.HasFlag(BlockGroupFlags.Data | BlockGroupFlags.Metadata)));
    }

    [TestCase("zlib")]
    [TestCase("lzo")]
    [TestCase("zstd")]
    public void Compressed_files_are_decoded(string method)
    {
        using KernelImages images = KernelImages.Make("", mountOptions: $"compress-force={method}");
        using OpenedImages opened = OpenAndReadAll(images);
    }

    [TestCase("-m")]
    [TestCase("-M 0b5d3f5e-6f24-4b0b-8c3f-1b9a4e0d7c11")]
    public void A_changed_metadata_uuid_is_understood(string option)
    {
        using KernelImages images = KernelImages.Make("");
        images.Run($"btrfstune {option} {images.Images[0]}");
        using OpenedImages opened = OpenAndReadAll(images);
        Assert.That(opened.Set.Superblock.Incompat & IncompatFlags.MetadataUuid, Is.Not.EqualTo(IncompatFlags.None));
        Assert.That(opened.Set.Superblock.MetadataUuid, Is.Not.EqualTo(opened.Set.Superblock.Fsid));
    }

    [Test]
    public void A_destroyed_primary_superblock_falls_back_to_the_mirror()
    {
        using KernelImages images = KernelImages.Make("");
        images.Run($"dd if=/dev/zero of={images.Images[0]} bs=4096 seek=16 count=1 conv=notrunc status=none");
        using OpenedImages opened = OpenAndReadAll(images, notices: 1);
        Assert.That(opened.Set.Notices[0], Does.Contain("no btrfs superblock at 65536; using the superblock copy at 67108864"));
    }

    [Test]
    public void A_file_system_grown_on_a_seed_is_read_with_the_blocks_of_both()
    {
        using KernelImages seed = KernelImages.Make("");
        seed.Run($"btrfstune -f -S 1 {seed.Images[0]}");
        string sprout = Path.Combine(seed.Directory, "sprout.img");
        seed.Mounted(
            "ro",
            $$"""
            truncate -s 320M {{sprout}}
            loops+=("$(losetup -f --show {{sprout}})")
            btrfs device add -f "${loops[-1]}" mnt
            mount -o remount,rw mnt
            echo grown > mnt/data2
            sync -f mnt
            """);
        using OpenedImages opened = new([seed.Images[0], sprout]);
        Assert.That(opened.Set.SeedFsids, Has.Count.EqualTo(1));
        Assert.That(opened.Set.Notices, Is.Empty);
        Assert.That(opened.ReadFile("data2"), Is.EqualTo("grown\n"u8.ToArray()));
        opened.AssertFiles(seed);
    }

    [Test]
    public void A_device_that_missed_commits_is_noticed_and_its_old_blocks_are_passed_over()
    {
        using KernelImages images = KernelImages.Make("-d raid1 -m raid1", devices: 2);
        string stale = images.Copy(images.Images[0]);
        images.Mounted("defaults", "head -c 300000 /dev/urandom > mnt/newer; dd if=/dev/urandom of=mnt/nocow bs=4096 count=20 conv=notrunc status=none; sync -f mnt; cp mnt/newer mnt/nocow files/");
        using OpenedImages opened = new([stale, images.Images[1]]);
        Assert.That(opened.Set.Notices, Has.One.Items.And.One.Matches("device 1 .* is behind: generation [0-9]+, the newest device has [0-9]+"));

        // Without checksums only the order of the mirrors keeps old data out.
        opened.AssertFiles(images);
        Assert.That(opened.ReadFile("newer").AsSpan().SequenceEqual(images.KernelFile("newer")));
    }

    [Test]
    public void The_first_copy_of_a_dup_may_be_lost_and_not_both()
    {
        using KernelImages images = KernelImages.Make("-d dup -m dup");
        using (OpenedImages whole = new(images.Images))
        {
            foreach (Chunk chunk in whole.Set.Volume.Chunks.Chunks)
                images.Run($"dd if=/dev/zero of={images.Images[0]} bs=64k seek={chunk.Stripes[0].Offset / 65536} count={chunk.Length / 65536} conv=notrunc status=none");
        }

        using (OpenedImages half = new(images.Images))
        {
            half.AssertFiles(images, except: "nocow");
            Assert.That(half.Reader.Repaired, Is.GreaterThan(0));
            Assert.That(half.Data.Repaired, Is.GreaterThan(1000));
        }

        string lost = images.OverwrittenCopy(images.Images[0]);
        Assert.That(() => new OpenedImages([lost]).Dispose(), Throws.TypeOf<CorruptMetadataException>().With.Message.Match("mirror 1: checksum mismatch.*; mirror 2: checksum mismatch"));
    }

    [Test]
    public void Images_of_two_file_systems_are_refused_with_both_uuids()
    {
        using KernelImages one = KernelImages.Make("");
        using KernelImages other = KernelImages.Make("");
        Assert.That(
            () => new OpenedImages([one.Images[0], other.Images[0]]).Dispose(),
            Throws.TypeOf<InvalidRequestException>().With.Message.Match("belongs to file system [0-9a-f-]{36}, the other devices to [0-9a-f-]{36}"));
    }

    private static OpenedImages OpenAndReadAll(KernelImages images, int notices = 0)
    {
        OpenedImages opened = new(images.Images);
        foreach (ulong tree in opened.Trees)
            Assert.That(opened.Walk(tree).Count(), Is.GreaterThanOrEqualTo(0), $"tree {tree}");
        opened.AssertFiles(images);
        Assert.That(opened.Set.Notices, Has.Count.EqualTo(notices));
        Assert.That((opened.Reader.Repaired, opened.Data.Repaired), Is.EqualTo((0L, 0L)));
        return opened;
    }
}
