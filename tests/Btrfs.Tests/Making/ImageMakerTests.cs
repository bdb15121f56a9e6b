using Btrfs.Engine.Making;
using Btrfs.Format;
using Btrfs.Space.Making;

namespace Btrfs.Tests.Making;

public sealed class ImageMakerTests
{
    private const ulong MiB = 1 << 20;
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("btrfs-mkfs-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    /// <summary>Lengths as mkfs.btrfs 6.2 makes them, measured.</summary>
    [TestCase(128L << 20, 33554432UL)]
    [TestCase(600L << 20, 33554432UL)]
    [TestCase(700L << 20, 36700160UL)]
    [TestCase(1L << 30, 53673984UL)]
    [TestCase(2500L << 20, 131072000UL)]
    [TestCase(2900L << 20, 268435456UL)]
    [TestCase(50L << 30, 268435456UL)]
    [TestCase(60L << 30, 1073741824UL)]
    [TestCase(1L << 40, 1073741824UL)]
    public void The_metadata_chunk_grows_with_the_device(long size, ulong expected)
    {
        string path = Create("image", size);
        MakeResult made = ImageMaker.Make([path], new MakeOptions());
        Assert.That(made.Chunks.Single(chunk => chunk.Type == (BlockGroupFlags.Metadata | BlockGroupFlags.Dup)).Length, Is.EqualTo(expected));
        Assert.That(new FileInfo(path).Length, Is.EqualTo(size));
    }

    /// <summary>Lengths as mkfs.btrfs 6.2 makes them of devices of 2 GiB, measured: system, metadata, data.</summary>
    [TestCase(BlockGroupFlags.Raid0, 2, 16777216UL, 268435456UL, 429391872UL)]
    [TestCase(BlockGroupFlags.Raid0, 3, 16711680UL, 268369920UL, 644087808UL)]
    [TestCase(BlockGroupFlags.Raid1, 4, 8388608UL, 268435456UL, 429457408UL)]
    [TestCase(BlockGroupFlags.Raid1C3, 3, 8388608UL, 268435456UL, 214695936UL)]
    [TestCase(BlockGroupFlags.Raid1C4, 5, 8388608UL, 268435456UL, 1073741824UL)]
    [TestCase(BlockGroupFlags.Raid10, 5, 16777216UL, 134217728UL, 536870912UL)]
    [TestCase(BlockGroupFlags.Raid5, 3, 16777216UL, 178913280UL, 429391872UL)]
    [TestCase(BlockGroupFlags.Raid5, 5, 13369344UL, 214695936UL, 858783744UL)]
    [TestCase(BlockGroupFlags.Raid6, 5, 10027008UL, 161021952UL, 644087808UL)]
    public void Chunks_over_several_devices_are_as_long_as_those_of_mkfs_btrfs(BlockGroupFlags profile, int devices, ulong system, ulong metadata, ulong data)
    {
        string[] paths = [.. Enumerable.Range(1, devices).Select(i => Create($"image{i}", 2L << 30))];
        MakeResult made = ImageMaker.Make(paths, new MakeOptions { DataProfile = profile, MetadataProfile = profile });
        Assert.That(
            made.Chunks.Select(chunk => (chunk.Type, chunk.Length)),
            Is.EqualTo(new[] { (BlockGroupFlags.System | profile, system), (BlockGroupFlags.Metadata | profile, metadata), (BlockGroupFlags.Data | profile, data) }));
    }

    [Test]
    public void A_file_that_is_not_there_is_made_with_the_size_that_is_given()
    {
        string path = Path.Combine(_directory, "new");
        Assert.That(
            () => ImageMaker.Make([path], new MakeOptions()),
            Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo($"{path} does not exist, it is made only where a size is given"));
        MakeResult made = ImageMaker.Make([path], new MakeOptions { DeviceBytes = 200 * MiB });
        Assert.That((made.TotalBytes, new FileInfo(path).Length), Is.EqualTo((200 * MiB, 200L << 20)));
    }

    [Test]
    public void A_file_that_was_made_goes_again_where_the_rest_fails()
    {
        string path = Path.Combine(_directory, "new");
        Assert.That(() => ImageMaker.Make([path], new MakeOptions { DeviceBytes = 20 * MiB }), Throws.TypeOf<InvalidRequestException>());
        Assert.That(File.Exists(path), Is.False);
    }

    [Test]
    public void An_existing_file_system_is_overwritten_only_by_force()
    {
        string path = Create("image", 200L << 20);
        MakeResult first = ImageMaker.Make([path], new MakeOptions());
        byte[] before = File.ReadAllBytes(path);
        Assert.That(
            () => ImageMaker.Make([path], new MakeOptions()),
            Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo(
                $"{path} appears to contain an existing file system (btrfs), it is overwritten only by force"));
        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(before));
        Assert.That(ImageMaker.Make([path], new MakeOptions(), overwrite: true).Fsid, Is.Not.EqualTo(first.Fsid));
    }

    [TestCase(0x438, "53EF", "ext2, ext3 or ext4")]
    [TestCase(0, "58465342", "xfs")]
    [TestCase(0xFF6, "53574150535041434532", "swap")]
    [TestCase(0x1FE, "55AA", "dos partition table")]
    public void Content_of_other_kinds_is_seen_by_its_mark(int offset, string mark, string name)
    {
        string path = Create("image", 200L << 20);
        using (FileStream file = File.OpenWrite(path))
        {
            file.Position = offset;
            file.Write(Convert.FromHexString(mark));
        }

        Assert.That(
            () => ImageMaker.Make([path], new MakeOptions()), Throws.TypeOf<InvalidRequestException>().With.Message.Contains($"({name})"));
    }

    [Test]
    public void A_device_given_twice_is_refused()
    {
        string path = Create("image", 200L << 20);
        string other = Path.Combine(_directory, ".", "image");
        Assert.That(
            () => ImageMaker.Make([path, other], new MakeOptions()),
            Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo($"{other} is given twice"));
    }

    [Test]
    public void A_part_of_a_device_may_be_used()
    {
        string path = Create("image", 300L << 20);
        MakeResult made = ImageMaker.Make([path], new MakeOptions { DeviceBytes = (200 * MiB) + 1000 });
        Assert.That((made.TotalBytes, new FileInfo(path).Length), Is.EqualTo((200 * MiB, 300L << 20)));
    }

    private string Create(string name, long size)
    {
        string path = Path.Combine(_directory, name);
        using FileStream file = File.Create(path);
        file.SetLength(size);
        return path;
    }
}
