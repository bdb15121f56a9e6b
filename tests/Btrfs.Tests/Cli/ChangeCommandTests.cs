using System.Security.Cryptography;
using Btrfs.Cli;
using Btrfs.Cli.Commands.Files;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.LoopTests.Reading;

namespace Btrfs.Tests.Cli;

/// <summary>Commands that change an image, as their user meets them.</summary>
public sealed class ChangeCommandTests
{
    private const int SmallImage = 160 << 20;

    private string _directory = "";
    private string _image = "";

    [SetUp]
    public void MakeImage()
    {
        _directory = Directory.CreateTempSubdirectory("btrfs-change-").FullName;
        _image = Path.Combine(_directory, "image");
        using (FileStream file = File.Create(_image))
            file.SetLength(SmallImage);
        string tree = Directory.CreateDirectory(Path.Combine(_directory, "tree")).FullName;
        File.WriteAllText(Path.Combine(tree, "small"), "small\n");
        File.WriteAllBytes(Path.Combine(tree, "large"), Noise(700_000));
        Directory.CreateDirectory(Path.Combine(tree, "below", "deeper"));
        File.WriteAllText(Path.Combine(tree, "below", "deeper", "text"), string.Concat(Enumerable.Repeat("the same again\n", 20_000)));
        File.CreateSymbolicLink(Path.Combine(tree, "link"), "below/deeper");
        Do("mkfs -q -L before IMAGE");
        Do("put IMAGE TREE /");
    }

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [TestCase("mkdir IMAGE", "PATH is missing", "mkdir")]
    [TestCase("mkdir -m 9 IMAGE a", "'9' is not an octal mode", "mkdir")]
    [TestCase("mkdir IMAGE --bogus", "unknown option '--bogus'", "mkdir")]
    [TestCase("mv IMAGE a", "DEST is missing", "mv")]
    [TestCase("mv --exchange IMAGE a b c", "'c' is one argument too many", "mv")]
    [TestCase("mv --exchange -n IMAGE a b", "--exchange and --no-clobber exclude each other", "mv")]
    [TestCase("put IMAGE a", "PATH is missing", "put")]
    [TestCase("put --compress lz4 IMAGE TREE /", "'lz4' is not a compression, only no, zlib[:1-9], lzo and zstd[:-15-15] are", "put")]
    [TestCase("put --compress zlib:12 IMAGE TREE /", "'zlib:12' is not a compression, only no, zlib[:1-9], lzo and zstd[:-15-15] are", "put")]
    [TestCase("chattr IMAGE +q tree", "'+q' is not a change of flags: +, - or =, and letters out of SDiadAcCm", "chattr")]
    [TestCase("chattr IMAGE -i", "PATH is missing", "chattr")]
    [TestCase("chmod IMAGE rw tree", "'rw' is not an octal mode", "chmod")]
    [TestCase("chown IMAGE root tree", "'root' is not the number of a user or group", "chown")]
    [TestCase("truncate IMAGE tree/small", "--size is missing", "truncate")]
    [TestCase("fallocate -p -z -l 4K IMAGE tree/small", "--punch-hole and --zero-range exclude each other", "fallocate")]
    [TestCase("property set IMAGE tree ro maybe", "'maybe' is not a value of ro, only true and false are", "property set")]
    [TestCase("property get IMAGE tree color", "'color' is not a property, only ro, label and compression are", "property get")]
    [TestCase("property get -t inode IMAGE tree ro", "'ro' is not a property of type inode", "property get")]
    [TestCase("subvolume create IMAGE", "PATH is missing", "subvolume create")]
    [TestCase("subvolume snapshot IMAGE /", "PATH is missing", "subvolume snapshot")]
    [TestCase("mkfs --shrink IMAGE", "--shrink goes with --rootdir only", "mkfs")]
    [TestCase("mkfs --rootdir TREE --subvol wo:below IMAGE", "'wo' is not a type of subvolume, only rw, ro, default and default-ro are", "mkfs")]
    [TestCase("mkfs --rootdir TREE --subvol ../below IMAGE", "'../below' is not a path below the directory", "mkfs")]
    public void A_wrong_command_line_is_told_in_a_line_with_a_hint_and_changes_nothing(string line, string error, string command)
    {
        byte[] before = Hash();
        Assert.That(Run(line), Is.EqualTo((2, $"ERROR: {error}\nTry 'btrfs-engine {command} --help' for more information.\n")));
        Assert.That(Hash(), Is.EqualTo(before));
    }

    [TestCase("mkdir IMAGE tree", "exists: 'tree'")]
    [TestCase("mkdir IMAGE none/below", "no such file or directory: 'none'")]
    [TestCase("mkdir -p IMAGE tree/small", "'tree/small' exists and is not a directory")]
    [TestCase("rm IMAGE none", "no such file or directory: 'none'")]
    [TestCase("rm IMAGE tree", "'tree' is a directory")]
    [TestCase("rm -d IMAGE tree", "not empty")]
    [TestCase("mv IMAGE tree tree/below", "directory")]
    [TestCase("mv -n IMAGE tree/small tree/large", "exists: 'large'")]
    [TestCase("mv IMAGE tree/small tree/large none", "no such file or directory: 'none'")]
    [TestCase("ln IMAGE tree hard", "directory")]
    [TestCase("cp IMAGE tree copy", "'tree' is a directory, it is copied with -r")]
    [TestCase("cp -r IMAGE tree tree/below", "'tree' can't be copied into itself")]
    [TestCase("mv IMAGE tree/small tree", "'tree/small' and 'tree/small' are the same file")]
    [TestCase("mv IMAGE tree/small none/", "'tree/small' is not a directory")]
    [TestCase("mv IMAGE tree/small/ none", "'tree/small' is not a directory")]
    [TestCase("touch IMAGE none/", "'none/' is not a directory")]
    [TestCase("touch IMAGE tree/small/", "'tree/small/' is not a directory")]
    [TestCase("ln IMAGE tree/small none/", "'none/' is not a directory")]
    [TestCase("ln -s IMAGE tree/small none/", "'none/' is not a directory")]
    [TestCase("cp IMAGE tree/small none/", "'none/' is not a directory")]
    [TestCase("put IMAGE TREE/small none/", "'none/' is not a directory")]
    [TestCase("put IMAGE none /", "cannot look at 'none': no such file or directory")]
    [TestCase("put IMAGE TREE /", "exists: 'tree'")]
    [TestCase("put IMAGE TREE/small tree/small/below", "'tree/small' is not a directory")]
    [TestCase("truncate -s 1 IMAGE tree", "is a directory")]
    [TestCase("chmod IMAGE 644 tree/link", "'tree/link' is a symbolic link, which has no permissions of its own")]
    [TestCase("chattr IMAGE +cm tree/small", "exclude")]
    [TestCase("subvolume delete IMAGE tree", "'tree' is not a subvolume")]
    [TestCase("subvolume snapshot IMAGE tree snap", "'tree' is not a subvolume")]
    [TestCase("subvolume set-default IMAGE 300", "subvolume 300")]
    [TestCase("property set IMAGE tree compression bogus", "not a value of it")]
    [TestCase("mkfs -f --rootdir none IMAGE", "cannot open 'none': no such file or directory")]
    public void A_failure_is_one_line_and_changes_nothing(string line, string error)
    {
        byte[] before = Hash();
        (int code, string errors) = Run(line);
        Assert.That(code, Is.EqualTo(1));
        Assert.That(errors, Does.StartWith("ERROR: ").And.Contain(error));
        Assert.That(errors.Count(letter => letter == '\n'), Is.EqualTo(1));
        Assert.That(Hash(), Is.EqualTo(before));
    }

    [Test]
    public void What_is_put_in_comes_out()
    {
        File.WriteAllText(Path.Combine(_directory, "tree", "linked"), "two names");
        Do("put --compress zstd:5 IMAGE TREE packed");
        foreach (string name in (string[])["tree", "packed"])
        {
            string copy = Path.Combine(_directory, $"out-{name}");
            Do($"get -q IMAGE {name} {copy}");
            foreach (string file in (string[])["small", "large", "below/deeper/text"])
                Assert.That(File.ReadAllBytes(Path.Combine(copy, file)), Is.EqualTo(File.ReadAllBytes(Path.Combine(_directory, "tree", file))), file);
            Assert.That(new FileInfo(Path.Combine(copy, "link")).LinkTarget, Is.EqualTo("below/deeper"));
            Assert.That(File.GetLastWriteTimeUtc(Path.Combine(copy, "large")), Is.EqualTo(File.GetLastWriteTimeUtc(Path.Combine(_directory, "tree", "large"))));
        }

        using BtrfsFileSystem fs = BtrfsFileSystem.Open([_image]);
        Assert.That(fs.GetStatus("packed/below/deeper/text").AllocatedBytes, Is.EqualTo(fs.GetStatus("tree/below/deeper/text").AllocatedBytes));
        Assert.That(fs.Info.Superblock.Incompat & IncompatFlags.CompressZstd, Is.EqualTo(IncompatFlags.CompressZstd));
        RequireClean();
    }

    [Test]
    public void Only_what_is_in_a_directory_is_copied_where_its_name_is_a_dot()
    {
        Do("mkdir -p IMAGE some/where");
        Do("put IMAGE TREE/. some/where");
        Assert.That(List("some/where"), Is.EqualTo(new[] { "below", "large", "link", "small" }));
        Assert.That(Run("put IMAGE TREE/. some/where").Errors, Does.Contain("exists: 'below'"));
    }

    [Test]
    public void Names_are_made_moved_and_deleted()
    {
        Do("mkdir -p -m 700 IMAGE a/b/c a/b");
        Do("mv IMAGE tree/small tree/link a/b");
        Do("mv IMAGE a/b/small a/renamed");
        Do("mv --exchange IMAGE a/renamed a/b");
        Do("ln IMAGE a/b a/hard");
        Do("ln -s IMAGE any/where a/soft");
        Do("cp IMAGE a/hard a/copy");
        Do("cp -a IMAGE tree a");
        Do("cp --reflink=never -r IMAGE tree a/again");
        Assert.That(List("a"), Is.EqualTo(new[] { "again", "b", "copy", "hard", "renamed", "soft", "tree" }));
        Assert.That(List("a/again"), Is.EqualTo(new[] { "below", "large" }));
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([_image]))
        {
            Assert.That(fs.GetStatus("a/hard").LinkCount, Is.EqualTo(2));
            Assert.That(Content(fs, "a/copy"), Is.EqualTo("small\n"));
            Assert.That(Content(fs, "a/again/large"), Is.EqualTo(Content(fs, "tree/large")));
            Assert.That(fs.GetStatus("a/renamed/c").Mode & 0xFFF, Is.EqualTo(0x1C0));
        }

        Do("rm -rf IMAGE a none");
        Do("rm -r IMAGE tree");
        Assert.That(List("/"), Is.Empty);
        RequireClean();
    }

    [Test]
    public void A_slash_at_the_end_is_fine_behind_directories()
    {
        Do("mkdir IMAGE new/");
        Do("mv IMAGE new/ newer/");
        Do("cp -r IMAGE tree/ newest/");
        Do("put IMAGE TREE/ last/");
        Do("mv IMAGE tree/small newer/");
        Do("rm -r IMAGE newest/");
        Assert.That(List("/"), Is.EqualTo(new[] { "last", "newer", "tree" }));
        Assert.That(List("newer/"), Is.EqualTo(new[] { "small" }));
        RequireClean();
    }

    [Test]
    public void What_is_in_a_directory_becomes_a_new_one_where_there_is_none()
    {
        Do("put IMAGE TREE/. fresh");
        Assert.That(List("fresh"), Is.EqualTo(new[] { "below", "large", "link", "small" }));
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([_image]);
        Assert.That(fs.GetStatus("fresh").MTime, Is.EqualTo(fs.GetStatus("tree").MTime));
    }

    [Test]
    public void A_moved_file_is_not_moved_onto_another_name_of_itself()
    {
        Do("ln IMAGE tree/small other");
        Assert.That(Run("mv IMAGE tree/small other").Errors, Does.Contain("are the same file"));
        Do("mv --exchange IMAGE tree/small other");
        Assert.That(List("/"), Is.EqualTo(new[] { "other", "tree" }));
    }

    [Test]
    public void A_copy_keeps_owners_setuid_bits_and_hard_links_only_as_an_archive()
    {
        Do("chown IMAGE 1000:1000 tree/small");
        Do("chmod IMAGE 6775 tree/small");
        Do("chmod IMAGE 2775 tree/below");
        Do("ln IMAGE tree/small tree/below/again");
        Do("property set IMAGE tree/large compression zstd");
        Do("cp -r IMAGE tree plain");
        Do("cp -a IMAGE tree archive");
        RequireClean();
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([_image]);
        FileStatus plain = fs.GetStatus("plain/small");
        Assert.That((plain.Mode & 0xFFF, plain.Uid, plain.LinkCount), Is.EqualTo((0x1EDu, 0u, 1u)));
        Assert.That(fs.GetStatus("plain/below").Mode & 0xFFF, Is.EqualTo(0x1EDu));
        FileStatus archive = fs.GetStatus("archive/small");
        Assert.That((archive.Mode & 0xFFF, archive.Uid, archive.LinkCount), Is.EqualTo((0xDFDu, 1000u, 2u)));
        Assert.That(fs.GetStatus("archive/below/again").Inode, Is.EqualTo(archive.Inode));
        Assert.That(fs.GetStatus("archive/below").Mode & 0xFFF, Is.EqualTo(0x5FDu));
        Assert.That(Output("property", "get", _image, "archive/large", "compression"), Is.EqualTo("compression=zstd\n"));
    }

    [Test]
    public void Attributes_are_changed()
    {
        Do("chmod IMAGE 4711 tree/small tree/large");
        Do("chown IMAGE 5:6 tree/small");
        Do("chown IMAGE :6 tree/large");
        Do("chmod IMAGE 4711 tree/small");
        Do("chown IMAGE :7 tree/large");
        Do("chattr IMAGE +Ai tree/small");
        Do("touch IMAGE tree/new");
        Do("truncate -s 10K IMAGE tree/large");
        Do("fallocate -o 1M -l 1M IMAGE tree/large");
        Do("fallocate -p -o 4K -l 4K IMAGE tree/large");
        Do("property set IMAGE tree/below compression zstd");
        Do("filesystem label IMAGE after");
        Assert.That(Run("chmod IMAGE 644 tree/small").Errors, Does.Contain("immutable"));
        Assert.That(Output("lsattr", _image, "tree/small"), Is.EqualTo("----i--A-------------- tree/small\n"));
        Do("chattr IMAGE =A tree/small");
        Assert.That(Output("lsattr", "-d", _image, "tree/small"), Is.EqualTo("-------A-------------- tree/small\n"));
        Do("chattr IMAGE = tree/small");
        Assert.That(Output("lsattr", "-d", _image, "tree/small"), Is.EqualTo("---------------------- tree/small\n"));
        Assert.That(Output("property", "get", _image, "tree/below", "compression"), Is.EqualTo("compression=zstd\n"));
        Assert.That(Output("property", "get", "-t", "filesystem", _image, "/"), Is.EqualTo("label=after\n"));
        Assert.That(Output("filesystem", "label", _image), Is.EqualTo("after\n"));
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([_image]);
        Assert.That((fs.GetStatus("tree/small").Mode & 0xFFF, fs.GetStatus("tree/small").Uid, fs.GetStatus("tree/small").Gid), Is.EqualTo((0x9C9u, 5u, 6u)));
        Assert.That((fs.GetStatus("tree/large").Uid, fs.GetStatus("tree/large").Gid), Is.EqualTo((Environment.IsPrivilegedProcess ? 0u : fs.GetStatus("tree/large").Uid, 7u)));
        Assert.That(fs.GetStatus("tree/large").Mode & 0xFFF, Is.EqualTo(0x1C9));
        Assert.That(fs.GetStatus("tree/large").Size, Is.EqualTo(2 << 20));
        Assert.That(fs.GetStatus("tree/new").Size, Is.Zero);
        RequireClean();
    }

    [Test]
    public void Subvolumes_are_made_marked_and_deleted()
    {
        Do("subvolume create IMAGE volume volume/nested");
        Do("put IMAGE TREE volume");
        Do("subvolume snapshot -r IMAGE volume snap");
        Do("subvolume snapshot IMAGE volume tree");
        Do("subvolume set-default IMAGE tree/volume");
        Assert.That(Output("subvolume", "get-default", _image), Does.EndWith("path tree/volume\n"));
        Assert.That(Output("property", "get", _image, "snap", "ro"), Is.EqualTo("ro=true\n"));
        Assert.That(Run("mkdir IMAGE snap/below").Errors, Does.Contain("read-only"));
        Assert.That(Run("subvolume delete IMAGE volume").Errors, Does.Contain("holds other subvolumes"));
        Assert.That(Run("rm -r IMAGE volume").Errors, Does.Contain("'volume' is a subvolume"));
        Assert.That(Run("subvolume delete IMAGE tree/volume").Errors, Does.Contain("default subvolume"));
        Do("property set IMAGE snap ro false");
        Do("mkdir IMAGE snap/below");
        Do("subvolume set-default IMAGE 5");
        Assert.That(Output("subvolume", "delete", "--no-clean", _image, "snap"), Is.EqualTo("Delete subvolume 'snap'\n"));
        Assert.That(Output("subvolume", "list", "-d", _image), Does.Contain("DELETED"));
        Do("subvolume delete -C IMAGE volume/nested volume tree/volume");
        Assert.That(Output("subvolume", "list", _image) + Output("subvolume", "list", "-d", _image), Is.Empty);
        RequireClean();
    }

    [Test]
    public void A_new_file_system_is_filled_the_same_each_time()
    {
        const string Options = "-q -f --uuid 01234567-89ab-cdef-0123-456789abcdef --time 1000000000 --rootdir TREE --subvol ro:below/deeper --subvol default:below --compress zlib --shrink";

        // Nobody has read it yet: the first mkfs changes when it was last read.
        File.WriteAllText(Path.Combine(_directory, "tree", "unread"), "unread");
        File.CreateSymbolicLink(Path.Combine(_directory, "tree", "new"), "small");
        Do($"mkfs {Options} IMAGE");
        byte[] first = Hash();
        Assert.That(new FileInfo(_image).Length, Is.LessThan(SmallImage));
        RequireClean();
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([_image]))
        {
            Assert.That(fs.Info.Superblock.TotalBytes.Value, Is.EqualTo((ulong)new FileInfo(_image).Length));
            Assert.That(Content(fs, "below/deeper/text"), Does.StartWith("the same again\n"));
            Assert.That(fs.GetStatus("/").MTime.Seconds, Is.EqualTo(new DateTimeOffset(Directory.GetLastWriteTimeUtc(Path.Combine(_directory, "tree"))).ToUnixTimeSeconds()));
        }

        Assert.That(Output("subvolume", "get-default", _image), Does.EndWith("path below\n"));
        Assert.That(Output("property", "get", _image, "below/deeper", "ro"), Is.EqualTo("ro=true\n"));
        File.Delete(_image);
        Do($"mkfs {Options} -b {SmallImage} IMAGE");
        Assert.That(Hash(), Is.EqualTo(first));

        Assert.That(Run("mkfs -f -b 200M --rootdir TREE --subvol none OUT").Errors, Does.Contain("there is no directory 'none'"));
        Assert.That(File.Exists(Path.Combine(_directory, "out")), Is.False);
    }

    [Test]
    public void A_full_image_says_so_and_stays_as_it_was()
    {
        byte[] noise = Noise(8 << 20);
        string much = Directory.CreateDirectory(Path.Combine(_directory, "much")).FullName;
        for (int i = 0; i < 24; i++)
            File.WriteAllBytes(Path.Combine(much, $"{i}"), noise);
        (int code, string errors) = Run($"put IMAGE {much} /");
        Assert.That((code, errors.Split('\n')[0]), Is.EqualTo((1, errors.TrimEnd('\n'))));
        Assert.That(errors, Does.StartWith("ERROR: no space left"));
        Assert.That(List("/"), Is.EqualTo(new[] { "tree" }));
        RequireClean();
        Do("put IMAGE TREE again");
        Do("rm -r IMAGE tree");
        RequireClean();
    }

    [Test]
    public void What_is_stopped_leaves_the_last_commit()
    {
        byte[] before = Hash();
        Assert.Throws<OperationCanceledException>(() => ImageArguments.Change([_image], (fs, _) =>
        {
            fs.CreateDirectory("made");
            using TreePut put = new(fs, Btrfs.Inode.Changes.WriteOptions.Default, new CopyReport(isQuiet: true), new CancellationToken(canceled: true));
            put.Run(System.Text.Encoding.UTF8.GetBytes(Path.Combine(_directory, "tree")), "made");
        }));
        Assert.That(List("/"), Is.EqualTo(new[] { "tree" }));
        Assert.That(Hash(), Is.EqualTo(before));
    }

    [Test]
    public void A_second_writer_is_refused()
    {
        using (BtrfsFileSystem.Open([_image], new BtrfsOpenOptions { Writable = true }))
        {
            (int code, string output, string errors) = EngineCommand.Finish(EngineCommand.Start("mkdir", _image, "made"));
            Assert.That((code, output), Is.EqualTo((1, "")));
            Assert.That(errors, Does.Match($@"\AERROR: {System.Text.RegularExpressions.Regex.Escape(_image)}.*(another|in use|lock).*\n\z"));
            Assert.That(EngineCommand.Run("ls", _image).Code, Is.Zero);
        }

        Do("mkdir IMAGE made");
    }

    private static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(1).NextBytes(noise);
        return noise;
    }

    private static string Content(BtrfsFileSystem fs, string path)
    {
        using StreamReader reader = new(fs.OpenFile(path), System.Text.Encoding.Latin1);
        return reader.ReadToEnd();
    }

    private static string Output(params string[] arguments)
    {
        (int code, string output, string errors) = EngineCommand.Finish(EngineCommand.Start(arguments));
        Assert.That((code, errors), Is.EqualTo((0, "")));
        return output;
    }

    private string[] List(string path)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([_image]);
        return [.. fs.EnumerateDirectory(path).Select(entry => entry.Name).Order(StringComparer.Ordinal)];
    }

    private void RequireClean() => Assert.That(Run("check -q --check-data-csum IMAGE"), Is.EqualTo((0, "")));

    private byte[] Hash()
    {
        using FileStream file = File.OpenRead(_image);
        return SHA256.HashData(file);
    }

    private void Do(string line) => Assert.That(Run(line), Is.EqualTo((0, "")), line);

    private (int Code, string Errors) Run(string line) => EngineCommand.Run(
        [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word
            .Replace("IMAGE", _image, StringComparison.Ordinal)
            .Replace("TREE", Path.Combine(_directory, "tree"), StringComparison.Ordinal)
            .Replace("OUT", Path.Combine(_directory, "out"), StringComparison.Ordinal))]);
}
