using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;

namespace Btrfs.Tests.Inode;

public sealed class PathLookupTests
{
    private FsInfo _fs = null!;

    [OneTimeSetUp]
    public void OpenImage() => _fs = SampleImage.Open();

    [OneTimeTearDown]
    public void CloseImage() => _fs.Dispose();

    [TestCase("volume/tree/plain")]
    [TestCase("/volume/tree/plain")]
    [TestCase("//volume/./tree//plain")]
    public void Slashes_and_dots_make_no_difference(string path)
    {
        PathLookup paths = new(_fs);
        Location at = paths.Find(path);
        Assert.That(at.Subvolume.GetStatus(at.Inode).IsRegular);
        Assert.That(at.Inode, Is.EqualTo(paths.Find("volume/tree/plain").Inode));
    }

    [Test]
    public void A_slash_at_the_end_means_a_directory()
    {
        PathLookup paths = new(_fs);
        Assert.That(paths.Find("volume/tree/").Inode, Is.EqualTo(paths.Find("volume/tree").Inode));
        Assert.That(() => paths.Find("volume/tree/plain/"), Throws.TypeOf<InvalidRequestException>());
    }

    [TestCase("")]
    [TestCase("/")]
    [TestCase(".")]
    public void An_empty_path_is_the_top_directory_of_the_top_level(string path)
    {
        Location at = new PathLookup(_fs).Find(path);
        Assert.That((at.Subvolume.Id, at.Inode), Is.EqualTo((ObjectIds.FsTree, ObjectIds.FirstFree)));
    }

    [TestCase("volume/tree/none/deeper", "'volume/tree/none'")]
    [TestCase("nothing", "'nothing'")]
    [TestCase("/volume/tree/plain/below", "'/volume/tree/plain/below'")]
    [TestCase("volume/../top", "'volume/..'")]
    public void A_path_to_nothing_names_the_part_that_is_missing(string path, string named) =>
        Assert.That(() => new PathLookup(_fs).Find(path), Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo($"no such file or directory: {named}"));

    [Test]
    public void A_subvolume_is_found_by_its_path_and_a_directory_is_none()
    {
        PathLookup paths = new(_fs);
        Assert.That(paths.FindSubvolume("after").Root.IsReadOnly);
        Assert.That(paths.FindSubvolume("volume/nested").Id, Is.Not.EqualTo(paths.FindSubvolume("volume").Id));
        Assert.That(() => paths.FindSubvolume("volume/tree"), Throws.TypeOf<InvalidRequestException>());
        Assert.That(() => paths.Top(999), Throws.TypeOf<InvalidRequestException>());
        Assert.That(() => paths.Top(ObjectIds.CsumTree), Throws.TypeOf<InvalidRequestException>());
    }

    [Test]
    public void A_nested_subvolume_is_an_empty_directory_in_a_snapshot_of_what_holds_it()
    {
        PathLookup paths = new(_fs);
        Assert.That(paths.Find("volume/nested").IsSubvolumeTop);
        Location left = paths.Find("copy/nested", out Location above);
        FileStatus status = left.GetStatus(above.Inode);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(left.IsEmptySubvolumeDirectory);
            Assert.That(status.IsDirectory);
            Assert.That(status.Inode, Is.EqualTo(ObjectIds.EmptySubvolDir));
            Assert.That(status.SubvolumeId, Is.EqualTo(above.Subvolume.Id));
            Assert.That(() => paths.Find("copy/nested/file"), Throws.TypeOf<InvalidRequestException>());
        }

        DirectoryWalk walk = new(_fs, left);
        Assert.That(walk.TryRead(out _), Is.False);
    }

    [Test]
    public void Subvolumes_are_listed_with_their_paths()
    {
        SubvolumeTable table = new(_fs);
        List<string> paths = [.. table.Enumerate().Select(subvolume => new FsPath(table.PathOf(subvolume)).ToString())];
        Assert.That(paths, Is.EqualTo(new[] { "", "volume", "before", "after", "volume/nested", "copy" }));
        Assert.That(table.Enumerate().Where(subvolume => subvolume.IsSnapshot).Count(), Is.EqualTo(3));
        Assert.That(table.DefaultId, Is.EqualTo(ObjectIds.FsTree));
        Assert.That(table.TryGet(12345), Is.Null);
        Assert.That(table.Get(ObjectIds.FsTree).ParentId, Is.Zero);
    }

    [Test]
    public void Attributes_are_listed_as_they_are_looked_up()
    {
        Location at = new PathLookup(_fs).Find("after/tree/target");
        List<Xattr> xattrs = [.. at.Subvolume.EnumerateXattrs(at.Inode)];
        Assert.That(xattrs, Has.Count.GreaterThanOrEqualTo(3));
        foreach (Xattr xattr in xattrs)
        {
            Assert.That(at.Subvolume.TryGetXattr(at.Inode, xattr.Name, out ReadOnlySpan<byte> value));
            Assert.That(value.SequenceEqual(xattr.Value));
        }

        Assert.That(at.Subvolume.EnumerateXattrs(at.Inode + 100_000), Is.Empty);
    }
}
