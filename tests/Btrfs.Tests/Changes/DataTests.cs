using Btrfs.Format;
using Btrfs.Inode.Changes;
using static Btrfs.Tests.Changes.NewImage;

namespace Btrfs.Tests.Changes;

public sealed class DataTests
{
    [Test]
    public void A_small_file_is_stored_inline_and_a_larger_one_is_not([Values(1, 2048, 2049, 4096)] int length)
    {
        using NewImage image = new();
        ulong file = image.CreateFile("file");
        image.Top.Write(file, 0, Random(1, length));
        image.Reopen();
        Assert.That(image.Content(file), Is.EqualTo(Random(1, length)));
        Assert.That(image.Extents(file).Single().Type, Is.EqualTo(length <= 2048 ? FileExtentType.Inline : FileExtentType.Regular));
        Assert.That(image.Read().GetStatus(file).AllocatedBytes, Is.EqualTo(length <= 2048 ? length : 4096));
    }

    [Test]
    public void A_property_compresses_what_is_written_and_is_inherited([Values("zlib", "lzo", "zstd")] string algorithm)
    {
        using NewImage image = new();
        ulong directory = image.CreateDirectory("directory");
        image.Top.SetXattr(directory, "btrfs.compression"u8, Bytes(algorithm));
        ulong file = image.CreateFile("file", directory);
        byte[] content = [.. Enumerable.Repeat(Bytes("a line that is repeated\n"), 20_000).SelectMany(line => line)];
        using (ExtentWriter writer = new(image.Top, file))
        {
            foreach (byte[] piece in content.Chunk(10_000))
                writer.Write(piece);
            writer.Complete();
        }

        image.Reopen();
        Assert.That(image.Content(file), Is.EqualTo(content));
        Assert.That(image.Extents(file).Select(extent => extent.Compression.ToString().ToLowerInvariant()), Is.All.EqualTo(algorithm));
        Assert.That(image.Extents(file).Sum(extent => (long)extent.DiskNumBytes.Value), Is.LessThan(content.Length / 4));
        Assert.That(image.Read().GetStatus(file).Flags, Is.EqualTo(InodeFlags.Compress));
        Assert.That(image.Read().TryGetXattr(file, "btrfs.compression"u8, out ReadOnlySpan<byte> value) && value.SequenceEqual(Bytes(algorithm)));
    }

    [Test]
    public void Bulk_data_becomes_few_extents_and_keeps_what_is_around_it()
    {
        using NewImage image = new();
        ulong file = image.CreateFile("file");
        byte[] content = Random(1, 30_000_000);
        image.Top.Write(file, 0, content.AsSpan(0, 1000));
        image.Top.Write(file, 1000, content.AsSpan(1000, 20_000_000));
        image.Top.Write(file, 20_001_000, content.AsSpan(20_001_000));
        byte[] middle = Random(2, 5_000_001);
        image.Top.Write(file, 777, middle);
        middle.CopyTo(content, 777);
        image.Reopen();
        Assert.That(image.Content(file), Is.EqualTo(content));
        Assert.That(image.Extents(file), Has.Count.LessThan(16));
    }

    [Test]
    public void A_file_that_is_not_copied_on_write_is_written_in_place_until_it_is_shared()
    {
        using NewImage image = new();
        ulong file = image.CreateFile("file");
        image.Top.SetFlags(file, InodeFlags.NoDataCow);
        image.Top.Write(file, 0, Random(1, 40_960));
        image.Reopen();
        ulong place = image.Extents(file).Single().DiskBytenr;
        image.Top.Write(file, 4096, Random(2, 4096));
        image.Reopen();
        Assert.That(image.Extents(file).Single().DiskBytenr.Value, Is.EqualTo(place));

        ulong snapshot = image.Operations.Snapshot(ObjectIds.FsTree, ObjectIds.FsTree, TopDirectory, "snapshot"u8, isReadOnly: true);
        image.Top.Write(file, 4096, Random(3, 4096));
        image.Reopen();
        Assert.That(image.Extents(file), Has.Count.EqualTo(3));
        Assert.That(image.Content(file, snapshot).AsSpan(4096, 4096).SequenceEqual(Random(2, 4096)));
        Assert.That(image.Content(file).AsSpan(4096, 4096).SequenceEqual(Random(3, 4096)));
    }

    [Test]
    public void Preallocated_space_is_written_in_place_piece_by_piece()
    {
        using NewImage image = new();
        ulong file = image.CreateFile("file");
        image.Top.Allocate(file, 0, 65536, AllocateMode.Preallocate);
        image.Reopen();
        ulong place = image.Extents(file).Single().DiskBytenr;
        image.Top.Write(file, 8192, Random(1, 4096));
        image.Top.Write(file, 32768, Random(2, 8192));
        image.Reopen();
        Assert.That(image.Extents(file).Select(extent => extent.DiskBytenr.Value), Is.All.EqualTo(place));
        Assert.That(image.Extents(file).Count(extent => extent.Type == FileExtentType.Regular), Is.EqualTo(2));
        byte[] expected = new byte[65536];
        Random(1, 4096).CopyTo(expected, 8192);
        Random(2, 8192).CopyTo(expected, 32768);
        Assert.That(image.Content(file), Is.EqualTo(expected));
    }

    [Test]
    public void What_is_equal_can_be_shared_and_what_is_not_cannot()
    {
        using NewImage image = new();
        ulong first = image.CreateFile("first");
        ulong second = image.CreateFile("second");
        image.Top.Write(first, 0, Random(1, 100_000));
        image.Top.Write(second, 0, Random(1, 100_000));
        Assert.That(image.Top.Dedupe(first, 0, 100_000, image.Top, second, 0), Is.EqualTo(100_000));
        image.Reopen();
        Assert.That(image.Extents(second).Single().DiskBytenr.Value, Is.EqualTo(image.Extents(first).Single().DiskBytenr.Value));

        image.Top.Write(second, 50_000, "different"u8);
        Assert.That(image.Top.Dedupe(first, 0, 100_000, image.Top, second, 0), Is.Null);
    }

    [Test]
    public void Sharing_many_extents_takes_many_parts_each_of_which_fits_its_estimate([Values] bool isDedupe)
    {
        const int Sectors = 512;
        const int MostItemsOfPart = 128;
        using NewImage image = new();
        ulong first = image.CreateFile("first");
        ulong second = image.CreateFile("second");
        byte[] content = Random(1, Sectors * 4096);
        foreach (ulong file in (ReadOnlySpan<ulong>)[first, second])
        {
            for (int at = 0; at < content.Length; at += 4096)
                image.Top.Write(file, (ulong)at, content.AsSpan(at, 4096));
        }

        // Each part counts it up by one.
        ulong before = image.InodeOf(second).Sequence;
        if (isDedupe)
            Assert.That(image.Top.Dedupe(first, 0, (ulong)content.Length, image.Top, second, 0), Is.EqualTo((ulong)content.Length));
        else
            image.Top.Clone(first, 0, (ulong)content.Length, image.Top, second, 0);
        Assert.That(image.InodeOf(second).Sequence.Value - before, Is.GreaterThanOrEqualTo((ulong)(2 * Sectors / MostItemsOfPart)));
        image.Reopen();
        Assert.That(image.Content(second), Is.EqualTo(content));
        Assert.That(image.Extents(second).Select(extent => extent.DiskBytenr.Value), Is.EqualTo(image.Extents(first).Select(extent => extent.DiskBytenr.Value)));
    }

    [Test]
    public void A_full_disk_refuses_data_and_nothing_else()
    {
        using NewImage image = new(128 << 20);
        ulong file = image.CreateFile("file");
        Assert.That(() => image.Top.Write(file, 0, new byte[200 << 20]), Throws.TypeOf<NoSpaceException>());
        ulong other = image.CreateFile("other");
        Assert.That(
            () =>
            {
                for (ulong offset = 0; ; offset += 1 << 20)
                    image.Top.Write(other, offset, Random(1, 1 << 20));
            },
            Throws.TypeOf<NoSpaceException>());
        Assert.That(image.Writer.Failure, Is.Null);
        image.Reopen();
        image.Top.Unlink(TopDirectory, "file"u8);
        image.Top.Unlink(TopDirectory, "other"u8);
        image.Reopen();
        Assert.That(image.Names(), Is.Empty);
    }
}
