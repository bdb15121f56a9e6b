using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;
using Btrfs.Format;
using Btrfs.LoopTests.Check;
using Btrfs.LoopTests.Reading;

namespace Btrfs.LoopTests.Changes;

/// <summary><c>put</c> and <c>mkfs --rootdir</c>: what the kernel shows of the image is what it showed of the tree.</summary>
[TestFixture]
internal sealed class PutTests
{
    private ReadImages _source = null!;
    private TestDirectory _work = null!;

    [OneTimeSetUp]
    public void MakeSource()
    {
        _source = new ReadImages("");
        _work = new TestDirectory();
    }

    [OneTimeTearDown]
    public void RemoveAll()
    {
        _source?.Dispose();
        _work?.Dispose();
    }

    [TestCase("", "")]
    [TestCase("-n 4096 -O ^no-holes --csum sha256", "")]
    [TestCase("-M -m dup -d dup", "--compress=zlib")]
    [TestCase("-m single", "--compress=zstd:9")]
    [TestCase("", "--compress=lzo")]
    public void The_kernel_finds_all_that_was_put_in(string format, string options)
    {
        string image = Path.Combine(_work.Path, "put.img");
        Run(["mkfs", "-q", "-f", "-b", "300M", .. Words(format), image]);
        using (_source.Mount("noatime", visible: true))
            Run(["put", "-q", .. Words(options), image, Path.Combine(_source.Directory, "mnt", "tree"), "/"]);
        RequireSound(image);

        Assert.That(Show(image), Is.EqualTo(Describe(_source.Found, "/tree")));
        File.Delete(image);
    }

    [Test]
    public void A_new_file_system_holds_a_whole_tree_with_its_subvolumes()
    {
        string image = Path.Combine(_work.Path, "filled.img");
        using (_source.Mount("noatime", visible: true))
        {
            string[] command =
            [
                "mkfs", "-q", "-b", "300M", "--subvol", "ro:tree/names", "--subvol", "default:tree/names/deep", "--shrink",
                "--rootdir", Path.Combine(_source.Directory, "mnt"), image,
            ];
            Run(command);
        }

        RequireSound(image);
        HashSet<string> subvolumes = ["/tree/names", "/tree/names/deep"];
        List<string> expected = Describe(_source.Found, "");

        // What stands for a subvolume that is not there has times that the kernel makes up; here it is a directory like others.
        HashSet<string> madeUp = [.. _source.Found.Where(entry => entry.Inode.Inode == ObjectIds.EmptySubvolDir).Select(entry => entry.Path)];
        List<string> found = [.. Show(image).Where(line => !madeUp.Contains(PathOf(line)))];

        // Of links into a subvolume each side has its own.
        Assert.That(found.Where(line => !line.Contains("/linked ") && !line.Contains("/k")), Is.EqualTo(expected.Where(line => !line.Contains("/linked ") && !line.Contains("/k"))));
        Assert.That(found.Select(PathOf), Is.EqualTo(expected.Select(PathOf)));
        (int code, string output, _) = EngineCommand.Finish(EngineCommand.Start("subvolume", "list", image));
        Assert.That(code, Is.Zero);
        Assert.That(output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => "/" + line[(line.IndexOf(" path ", StringComparison.Ordinal) + 6)..]), Is.EquivalentTo(subvolumes));
        File.Delete(image);
    }

    [Test]
    public void What_the_kernel_has_mounted_is_refused()
    {
        using BtrfsMount mount = _source.Mount();
        (int code, string errors) = EngineCommand.Run("mkdir", _source.Images[0], "made");
        Assert.That((code, errors), Is.EqualTo((1, errors.Split('\n')[0] + "\n")));
        Assert.That(errors, Does.Match(@"\AERROR: .*mounted.*\n\z"));
    }

    [Test]
    public void What_may_not_be_written_is_refused()
    {
        const int Nobody = 65534;
        string image = Path.Combine(_work.Path, "protected.img");
        Run(["mkfs", "-q", "-b", "200M", image]);
        File.SetUnixFileMode(image, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        (int code, string output, string errors) = EngineCommand.Finish(EngineCommand.StartAs(Nobody, "mkdir", image, "made"));
        Assert.That((code, output), Is.EqualTo((1, "")));
        Assert.That(errors, Does.Match(@"\AERROR: .*protected\.img.*\n\z"));
        File.Delete(image);
    }

    private static void Run(string[] command) => Assert.That(EngineCommand.Run(command), Is.EqualTo((0, "")), string.Join(' ', command));

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static void RequireSound(string image)
    {
        Assert.That(BtrfsCheck.Ours([image]).Findings, Is.Empty);
        Assert.That(BtrfsCheck.Theirs([image]), Is.Null);
    }

    private List<string> Show(string image)
    {
        string mountPoint = Directory.CreateDirectory(Path.Combine(_work.Path, "shown")).FullName;
        using BtrfsMount mount = BtrfsMount.Open([image], mountPoint, "noatime");
        return Describe(HostTree.Walk(mount.Root), "");
    }

    private static string PathOf(string line) => line[..line.IndexOf(" inode=", StringComparison.Ordinal)];

    // In the order of paths: all but what is a matter of the file system, the number of an inode and how its data is stored.
    private static List<string> Describe(List<(string Path, SeenInode Inode)> tree, string below) =>
        [.. tree
            .Where(entry => entry.Inode.Inode != ObjectIds.EmptySubvolDir && (entry.Path == below || entry.Path.StartsWith(below + "/", StringComparison.Ordinal)))
            .OrderBy(entry => entry.Path, StringComparer.Ordinal)
            .Select(entry => $"{entry.Path} {Plain(entry.Inode)}")];

    private static SeenInode Plain(SeenInode inode)
    {
        SeenInode plain = new()
        {
            Mode = inode.Mode,
            Links = inode.Links,
            Uid = inode.Uid,
            Gid = inode.Gid,
            Size = inode.Size,
            Device = inode.Device,
            Times = inode.Times,
            Content = inode.Content,
        };
        plain.Xattrs.AddRange(inode.Xattrs);
        return plain;
    }
}
