using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Tests.Delalloc;

/// <summary>When the bytes of a small file stay in its leaf, although others come behind them.</summary>
public sealed class InlineTests
{
    private const ulong Sector = 4096;

    [Test]
    public void Extents_that_are_shared_behind_a_small_file_leave_it_in_its_leaf([Values("", "^no-holes")] string features)
    {
        using BufferedImage image = new(features: features, compression: CompressionType.Zlib);
        byte[] small = new byte[2836];
        small.AsSpan(900, 900).Fill(7);
        image.Fs.CreateFile("large");
        image.Fs.WriteFile("large", 0, BufferedImage.Random(1, 65536));
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, small);
        image.Fs.Commit();

        // Compressed alone it is small enough: that the file system compresses is remembered by no writer.
        image.Reopen();
        image.Fs.CloneRange("large", Sector, 0, "file", 2 * Sector);
        image.Fs.Commit();
        Assert.That(image.Extents("file").Select(extent => (extent.FileOffset, extent.IsInline)), Is.EqualTo(new[] { (0ul, true), (2 * Sector, false) }));
        Assert.That(image.Read("file").AsSpan(0, small.Length).SequenceEqual(small));
        image.RequireClean();
    }

    [Test]
    public void The_bytes_of_a_leaf_are_cloned_as_they_are_stored_where_they_are_all_that_the_target_holds()
    {
        using BufferedImage image = new();
        byte[] sector = new byte[Sector];
        image.Fs.CreateFile("compressed");
        image.Fs.WriteFile("compressed", 0, sector, new WriteOptions { Compression = CompressionType.Zstd });
        foreach ((string name, int length) in new[] { ("empty", 0), ("small", 100), ("larger", 5000) })
        {
            image.Fs.CreateFile(name);
            image.Fs.WriteFile(name, 0, BufferedImage.Random(2, length));
            image.Fs.CloneRange("compressed", 0, Sector, name, 0);
        }

        image.Fs.Commit();
        Assert.That(image.Extents("compressed").Single().IsInline);
        Assert.That(image.Extents("empty").Single().IsInline);
        Assert.That(image.Extents("small").Single().IsInline);
        Assert.That(image.Extents("larger").Any(extent => extent.IsInline), Is.False);
        foreach (string name in (string[])["empty", "small", "larger"])
            Assert.That(image.Read(name).AsSpan(0, (int)Sector).SequenceEqual(sector), name);
        image.RequireClean();
    }

    [Test]
    public void Space_that_is_zeroed_behind_the_end_takes_a_small_file_out_of_its_leaf([Values(AllocateMode.ZeroRange, AllocateMode.ZeroRangeKeepSize)] AllocateMode mode)
    {
        using BufferedImage image = new();
        byte[] small = BufferedImage.Random(3, 136);
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, small);
        image.Fs.Allocate("file", 856, 3 * Sector, mode);
        image.Fs.Commit();
        Assert.That(image.Extents("file").Select(extent => (extent.FileOffset, extent.IsInline)), Is.EqualTo(new[] { (0ul, false), (Sector, false) }));
        Assert.That(image.Read("file").AsSpan(0, small.Length).SequenceEqual(small));
        image.RequireClean();
    }
}
