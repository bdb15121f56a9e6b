using Btrfs.Fidelity.Kernel;
using Btrfs.Format;

namespace Btrfs.LoopTests.Reading;

/// <summary><c>get</c>: what lands on the host is what the kernel showed.</summary>
[TestFixture]
internal sealed class GetTests
{
    private static readonly string[] s_destinations = ["out", "into", "nobody"];

    private ReadImages _images = null!;

    [OneTimeSetUp]
    public void MakeImages() => _images = new ReadImages("-n 4096 -O ^no-holes");

    [OneTimeTearDown]
    public void RemoveImages()
    {
        if (_images is null)
            return;

        // Names that are not UTF-8 are beyond what the runtime can remove.
        Tool.Run("rm", ["-rf", .. s_destinations.Select(name => Path.Combine(_images.Directory, name))]);
        _images.Dispose();
    }

    [Test]
    public void A_whole_tree_comes_out_with_attributes_links_and_holes()
    {
        string destination = Path.Combine(_images.Directory, "out");
        (int code, string errors) = EngineCommand.Run("get", _images.Images[0], "/", destination);
        Assert.That((code, errors), Is.EqualTo((0, OnlyKnownLosses(errors))));

        List<(string Path, SeenInode Inode)> copied = Walk(destination);
        Dictionary<string, SeenInode> byPath = copied.ToDictionary(entry => entry.Path, entry => entry.Inode);
        Assert.That(byPath.Keys.Order(StringComparer.Ordinal), Is.EqualTo(_images.Found.Select(entry => entry.Path).Order(StringComparer.Ordinal)));
        foreach ((string path, SeenInode original) in _images.Found)
            Assert.That(Comparable(byPath[path], original.Inode), Is.EqualTo(Comparable(original, original.Inode)), path);

        SeenInode linked = byPath["/tree/linked"];
        Assert.That(linked.Links, Is.EqualTo(_images.Found.Single(entry => entry.Path == "/tree/linked").Inode.Links));
        Assert.That(byPath["/tree/names/deep/deeper/linked"].Inode, Is.EqualTo(linked.Inode));
        Assert.That(byPath["/tree/sparse"].Blocks, Is.LessThan(2048));
    }

    [Test]
    public void A_file_and_a_directory_go_under_a_new_name_or_into_a_directory()
    {
        string directory = Path.Combine(_images.Directory, "into");
        Directory.CreateDirectory(directory);
        string image = _images.Images[0];
        Assert.That(EngineCommand.Run("get", image, "tree/random", Path.Combine(directory, "renamed")).Code, Is.Zero);
        Assert.That(EngineCommand.Run("get", image, "/tree/random", directory).Code, Is.Zero);
        Assert.That(EngineCommand.Run("get", image, "tree/links/", directory).Code, Is.Zero);
        Assert.That(EngineCommand.Run("get", image, "volume/directory/top/tree", directory).Code, Is.Zero);

        List<(string Path, SeenInode Inode)> found = Walk(directory);
        string content = _images.Found.Single(entry => entry.Path == "/tree/random").Inode.Content;
        Assert.That(found.Single(entry => entry.Path == "/renamed").Inode.Content, Is.EqualTo(content));
        Assert.That(found.Single(entry => entry.Path == "/random").Inode.Content, Is.EqualTo(content));
        Assert.That(found.Single(entry => entry.Path == "/links/linked").Inode.Links, Is.GreaterThan(10));
        Assert.That(found.Single(entry => entry.Path == "/tree/random").Inode.Content, Is.EqualTo(content));

        (int code, string errors) = EngineCommand.Run("get", image, "tree/random", directory);
        Assert.That((code, errors.TrimEnd()), Is.EqualTo((1, "ERROR: cannot make 'random': file exists")));
    }

    [Test]
    public void Without_root_all_comes_out_but_owners_and_device_nodes()
    {
        const int Nobody = 65534;
        string destination = Path.Combine(_images.Directory, "nobody");
        Directory.CreateDirectory(destination);
        File.SetUnixFileMode(destination, (UnixFileMode)0x1FF);
        (int code, _, string errors) = EngineCommand.Finish(EngineCommand.StartAs(Nobody, "get", _images.Images[0], "tree", destination));
        Assert.That(code, Is.Zero, errors);
        Assert.That(errors, Does.Contain("NOTICE: left out 2 device nodes"));

        Dictionary<string, SeenInode> found = Walk(destination).ToDictionary(entry => entry.Path, entry => entry.Inode);
        foreach ((string path, SeenInode original) in _images.Found.Where(entry => entry.Path.StartsWith("/tree/", StringComparison.Ordinal)))
        {
            if (original.Device != default)
                continue;
            Assert.That(found[path].Uid, Is.EqualTo(Nobody), path);
            Assert.That(found[path].Content, Is.EqualTo(original.Content), path);
        }
    }

    private static List<(string Path, SeenInode Inode)> Walk(string directory)
    {
        using Descriptor top = new(KernelException.Check(Syscall.Open(directory, Syscall.OpenReadOnly | Syscall.OpenDirectory), $"open {directory}"));
        return HostTree.Walk(top.Value);
    }

    // What the host's file system does not have may be left out, and only that.
    private static string OnlyKnownLosses(string errors) =>
        string.Concat(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith("NOTICE: left out", StringComparison.Ordinal) && line.Contains("'btrfs.'", StringComparison.Ordinal)).Select(line => line + "\n"));

    private static string Comparable(SeenInode inode, ulong original)
    {
        // Not the time of access: reading the copies to compare them may set it.
        string times = original == ObjectIds.EmptySubvolDir ? "" : Time(inode, 1);
        string size = InodeMode.IsDirectory(inode.Mode) ? "" : $"{inode.Size}";
        IEnumerable<string> xattrs = inode.Xattrs
            .Select(xattr => $"{System.Text.Encoding.Latin1.GetString(xattr.Name)}={Convert.ToHexStringLower(xattr.Value)}")
            .Where(xattr => !xattr.StartsWith("btrfs.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
        return $"{Convert.ToString(inode.Mode, 8)} {inode.Uid}:{inode.Gid} {size} {inode.Device} {times} {inode.Content} {string.Join(',', xattrs)}";
    }

    // The host's file system may know fewer years than btrfs.
    private static string Time(SeenInode inode, int which) =>
        inode.Times[which].Seconds is > int.MinValue and < 1L << 34 ? $"{inode.Times[which].Seconds}.{inode.Times[which].Nanoseconds:D9}" : "";
}
