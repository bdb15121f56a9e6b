using System.Diagnostics;
using System.Security.Cryptography;
using Btrfs.LoopTests.Reading;
using Btrfs.Tests.Inode;

namespace Btrfs.Tests.Cli;

/// <summary>The command line as its user meets it: exit codes, one line of error, what is printed.</summary>
public sealed class CommandLineTests
{
    private string _directory = "";
    private string _image = "";

    [OneTimeSetUp]
    public void WriteImage()
    {
        _directory = Directory.CreateTempSubdirectory("btrfs-cli-").FullName;
        _image = Path.Combine(_directory, "image");
        SampleImage.WriteTo(_image);
        File.WriteAllText(Path.Combine(_directory, "text"), "no file system");
    }

    [OneTimeTearDown]
    public void RemoveImage() => Directory.Delete(_directory, recursive: true);

    [TestCase("", "ERROR: a command is missing", "btrfs-engine")]
    [TestCase("frobnicate", "ERROR: unknown command or option 'frobnicate'", "btrfs-engine")]
    [TestCase("--frobnicate", "ERROR: unknown command or option '--frobnicate'", "btrfs-engine")]
    [TestCase("subvolume", "ERROR: a command is missing", "btrfs-engine subvolume")]
    [TestCase("subvolume frobnicate", "ERROR: unknown command or option 'frobnicate'", "btrfs-engine subvolume")]
    [TestCase("subvolume list", "ERROR: IMAGE is missing", "btrfs-engine subvolume list")]
    [TestCase("subvolume list IMAGE --sort=size", "ERROR: 'size' is no key to sort by, only gen, ogen, rootid and path are", "btrfs-engine subvolume list")]
    [TestCase("subvolume show IMAGE -u 12", "ERROR: '12' is not a UUID", "btrfs-engine subvolume show")]
    [TestCase("send", "ERROR: IMAGE is missing", "btrfs-engine send")]
    [TestCase("send IMAGE", "ERROR: SUBVOL is missing", "btrfs-engine send")]
    [TestCase("send IMAGE --bogus after", "ERROR: unknown option '--bogus'", "btrfs-engine send")]
    [TestCase("send IMAGE after --proto many", "ERROR: 'many' is not a protocol version", "btrfs-engine send")]
    [TestCase("get IMAGE top", "ERROR: DEST is missing", "btrfs-engine get")]
    [TestCase("cat IMAGE", "ERROR: PATH is missing", "btrfs-engine cat")]
    [TestCase("receive", "ERROR: IMAGE is missing", "btrfs-engine receive")]
    [TestCase("cp --reflink IMAGE", "ERROR: SOURCE is missing", "btrfs-engine cp")]
    [TestCase("cp --reflink=often IMAGE a b", "ERROR: Argument 'often' not recognized. Must be one of: 'always' 'auto' 'never'", "btrfs-engine cp")]
    public void A_wrong_command_line_is_told_in_a_line_with_a_hint(string line, string error, string command)
    {
        (int code, string errors) = Run(line);
        Assert.That((code, errors), Is.EqualTo((2, $"{error}\nTry '{command} --help' for more information.\n")));
    }

    [TestCase("send -f OUT none after", "cannot open 'none': no such file or directory")]
    [TestCase("send -f OUT TEXT after", "no valid superblock")]
    [TestCase("send -f OUT IMAGE none", "no such file or directory: 'none'")]
    [TestCase("send -f OUT IMAGE volume", "subvolume volume is not read-only")]
    [TestCase("send -f OUT IMAGE volume/tree", "'volume/tree' is not a subvolume")]
    [TestCase("send -f OUT/none/file IMAGE after", "cannot create '")]
    [TestCase("send -f . IMAGE after", "cannot create '.': is a directory")]
    [TestCase("send -f OUT -c after IMAGE before -c volume", "cloned subvolume volume is not read-only")]
    [TestCase("send -f OUT --device IMAGE --device IMAGE nosuch", "no such file or directory: 'nosuch'")]
    [TestCase("get IMAGE none OUT", "no such file or directory: 'none'")]
    [TestCase("get IMAGE top none/none", "cannot open '")]
    [TestCase("receive --dump -f TEXT", "stream offset 0")]
    public void A_failure_is_one_line_and_leaves_nothing_behind(string line, string error)
    {
        (int code, string errors) = Run(line);
        Assert.That(code, Is.EqualTo(1));
        string[] lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[^1], Does.StartWith("ERROR: ").And.Contain(error));
        Assert.That(lines[..^1], Has.All.StartWith("At subvol "));
        Assert.That(Directory.GetFileSystemEntries(_directory), Has.Length.EqualTo(2));
    }

    [Test]
    public void A_stream_appears_complete_or_not_at_all()
    {
        string output = Path.Combine(_directory, "stream");
        try
        {
            Assert.That(Run("send -q -f OUT/../stream IMAGE before".Replace("OUT/../", _directory + "/")), Is.EqualTo((0, "")));
            byte[] first = File.ReadAllBytes(output);
            Assert.That(File.GetUnixFileMode(output), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            File.SetUnixFileMode(output, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

            // What is refused leaves the old file alone, and what succeeds keeps its mode.
            Assert.That(Run($"send -f {output} IMAGE volume").Code, Is.EqualTo(1));
            Assert.That(File.ReadAllBytes(output), Is.EqualTo(first));
            Assert.That(Run($"send -q -p before -f {output} IMAGE after"), Is.EqualTo((0, "")));
            Assert.That(File.ReadAllBytes(output), Is.Not.EqualTo(first));
            Assert.That(File.GetUnixFileMode(output).HasFlag(UnixFileMode.GroupRead));

            string link = Path.Combine(_directory, "link");
            File.CreateSymbolicLink(link, output);
            Assert.That(Run($"send -q -f {link} IMAGE before"), Is.EqualTo((0, "")));
            Assert.That(File.ReadAllBytes(output), Is.EqualTo(first));
            Assert.That(new FileInfo(link).LinkTarget, Is.EqualTo(output));
            File.Delete(link);
            Assert.That(Run("send -q -f /dev/null IMAGE before"), Is.EqualTo((0, "")));
            Assert.That(Directory.GetFiles(_directory), Has.Length.EqualTo(3));
        }
        finally
        {
            File.Delete(output);
        }
    }

    [Test]
    public void Several_files_get_one_stream_and_one_that_is_full_does_not_keep_the_others_from_it()
    {
        string[] files = [Path.Combine(_directory, "first"), Path.Combine(_directory, "second")];
        try
        {
            Assert.That(Run($"send -q -f {files[0]} -f /dev/full -f {files[1]} IMAGE before"), Is.EqualTo((1, "ERROR: 1 of 3 outputs could not be written, the others are complete: '/dev/full': No space left on device : '/dev/full'\n")));
            Assert.That(File.ReadAllBytes(files[1]), Is.EqualTo(File.ReadAllBytes(files[0])));
            Assert.That(Run($"send -q -f {files[1]} IMAGE before"), Is.EqualTo((0, "")));
            Assert.That(File.ReadAllBytes(files[1]), Is.EqualTo(File.ReadAllBytes(files[0])));
        }
        finally
        {
            Array.ForEach(files, File.Delete);
        }
    }

    [Test]
    public void What_is_printed_is_what_is_there()
    {
        (int code, string listed, string errors) = InProcess("ls", "-lR", _image, "after/tree/a", "--device", _image);
        Assert.That((code, errors), Is.EqualTo((1, "ERROR: no such file or directory: 'after/tree/a'\n")));

        (code, listed, errors) = InProcess("ls", "-lR", _image, "after/moved/x");
        Assert.That((code, errors), Is.EqualTo((0, "")));
        Assert.That(listed, Does.Match(@"\Aafter/moved/x:\ndrwxr-xr-x +1 +0 +0 +2 [0-9-]+ [0-9:]+ y\n\nafter/moved/x/y:\n.* a\n"));
        Assert.That(listed, Does.Contain(" symlink -> ../target\n"));

        (code, listed, _) = InProcess("ls", "--device", _image, "/");
        Assert.That((code, listed), Is.EqualTo((0, "volume\nbefore\nafter\ncopy\ntop\n")));

        (code, listed, _) = InProcess("stat", _image, "/after/tree/char");
        Assert.That(code, Is.Zero);
        Assert.That(listed, Does.Contain("\nType: character device\n").And.Contain("\nDevice: 1, 3\n").And.Contain("\nMode: 0644 (crw-r--r--)\n"));

        using Process cat = EngineCommand.Start("cat", _image, "top", "after/tree/clone");
        Assert.That(
            Convert.ToHexStringLower(SHA256.HashData(cat.StandardOutput.BaseStream)),
            Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData([.. "top\n"u8, .. Enumerable.Range(1, 15000).SelectMany(i => System.Text.Encoding.ASCII.GetBytes($"{i}\n"))]))));
        cat.WaitForExit();
        Assert.That(cat.ExitCode, Is.Zero);
    }

    [Test]
    public void Help_and_version_are_told()
    {
        Assert.That(InProcess("--version"), Is.EqualTo((0, "btrfs-engine 0.1.0\n", "")));
        (int code, string help, string errors) = InProcess("send", "--help");
        Assert.That((code, errors), Is.EqualTo((0, "")));
        Assert.That(help, Does.Contain("btrfs-engine send").And.Contain("--compressed-data").And.Contain("--clone-src"));
    }

    private static (int Code, string Output, string Errors) InProcess(params string[] arguments) => EngineCommand.Finish(EngineCommand.Start(arguments));

    private (int Code, string Errors) Run(string line) => EngineCommand.Run(
        [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word
            .Replace("IMAGE", _image, StringComparison.Ordinal)
            .Replace("TEXT", Path.Combine(_directory, "text"), StringComparison.Ordinal)
            .Replace("OUT", Path.Combine(_directory, "out"), StringComparison.Ordinal))]);
}
