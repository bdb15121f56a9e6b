using System.Diagnostics;
using Btrfs.Cli.Text;
using Btrfs.LoopTests.Reading;

namespace Btrfs.Tests.Making;

/// <summary><c>mkfs</c> as its user meets it.</summary>
public sealed class MkfsCommandTests
{
    private string _directory = "";
    private string _image = "";

    [SetUp]
    public void MakeImage()
    {
        _directory = Directory.CreateTempSubdirectory("btrfs-mkfs-").FullName;
        _image = Path.Combine(_directory, "image");
        using FileStream file = File.Create(_image);
        file.SetLength(300 << 20);
    }

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [TestCase("", "IMAGE is missing")]
    [TestCase("IMAGE --bogus", "unknown option '--bogus'")]
    [TestCase("-d raid7 IMAGE", "unknown profile 'raid7'")]
    [TestCase("--csum md5 IMAGE", "unknown checksum type 'md5'")]
    [TestCase("-O zoned IMAGE", "unknown file-system feature 'zoned'")]
    [TestCase("-U 12 IMAGE", "'12' is not a UUID")]
    [TestCase("-b many IMAGE", "'many' is not a size")]
    [TestCase("-n 99999999999 IMAGE", "'99999999999' is not a size")]
    [TestCase("--time noon IMAGE", "'noon' is not a time in seconds since 1970")]
    public void A_wrong_command_line_is_told_in_a_line_with_a_hint(string line, string error)
    {
        Assert.That(Run(line), Is.EqualTo((2, $"ERROR: {error}\nTry 'btrfs-engine mkfs --help' for more information.\n")));
    }

    [TestCase("-m raid1 IMAGE", "metadata profile raid1 needs 2 devices, and only 1 is given")]
    [TestCase("-b 1G IMAGE", "is smaller than the requested size, expected 1073741824, found 314572800")]
    [TestCase("-b 20M IMAGE", "is too small to make a usable file system: 20971520 bytes, the minimum size for each device is 114294784")]
    [TestCase("IMAGE IMAGE", "is given twice")]
    [TestCase("NONE", "does not exist, it is made only where a size is given")]
    public void A_failure_is_one_line(string line, string error)
    {
        (int code, string errors) = Run(line);
        Assert.That(code, Is.EqualTo(1));
        Assert.That(errors, Does.StartWith("ERROR: ").And.EndWith($"{error}\n"));
        Assert.That(errors.Count(letter => letter == '\n'), Is.EqualTo(1));
    }

    [Test]
    public void The_summary_tells_what_was_made()
    {
        (int code, string output, string errors) = EngineCommand.Finish(
            EngineCommand.Start("mkfs", "-L", "a label", "-U", "01234567-89ab-cdef-0123-456789abcdef", "-R", "quota", "-v", _image));
        Assert.That((code, errors), Is.EqualTo((0, "")));
        Assert.That(output, Is.EqualTo(
            $"""
            Label:              a label
            UUID:               01234567-89ab-cdef-0123-456789abcdef
            Node size:          16384
            Sector size:        4096
            Filesystem size:    300.00MiB
            Block group profiles:
              Data:             single          8.00MiB  at 13631488
              Metadata:         DUP            32.00MiB  at 30408704
              System:           DUP             8.00MiB  at 22020096
            Incompat features:  extref, skinny-metadata, no-holes
            Runtime features:   free-space-tree, quota
            Checksum:           crc32c
            Number of devices:  1
            Devices:
               ID        SIZE  PATH
                1   300.00MiB  {_image}


            """));
    }

    [Test]
    public void A_time_of_the_environment_makes_the_same_bytes_as_one_of_the_command_line()
    {
        string[] options = ["-q", "-f", "-U", "01234567-89ab-cdef-0123-456789abcdef", _image];
        Assert.That(EngineCommand.Run(["mkfs", "--time", "1700000000", .. options]), Is.EqualTo((0, "")));
        byte[] given = File.ReadAllBytes(_image);

        using Process process = new() { StartInfo = EngineCommand.Describe(["mkfs", .. options]) };
        process.StartInfo.Environment["SOURCE_DATE_EPOCH"] = "1700000000";
        process.Start();
        Assert.That(EngineCommand.Finish(process).Code, Is.Zero);
        Assert.That(File.ReadAllBytes(_image).AsSpan().SequenceEqual(given));
    }

    [Test]
    public void Features_are_listed()
    {
        (int code, string output, _) = EngineCommand.Finish(EngineCommand.Start("mkfs", "-O", "list-all"));
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.StartWith("Filesystem features available:\n").And.Contain("\nno-holes            - no explicit hole extents for files (default)\n"));
    }

    [TestCase("0", 0UL)]
    [TestCase("4096", 4096UL)]
    [TestCase("16k", 16384UL)]
    [TestCase("3G", 3UL << 30)]
    [TestCase("15E", 15UL << 60)]
    public void A_size_may_have_a_unit(string text, ulong bytes)
    {
        Assert.That(ByteSize.TryParse(text, out ulong size), Is.True);
        Assert.That(size, Is.EqualTo(bytes));
    }

    [TestCase("")]
    [TestCase("k")]
    [TestCase("-1")]
    [TestCase("1.5G")]
    [TestCase("16E")]
    [TestCase("1x")]
    public void What_is_no_size_is_refused(string text) => Assert.That(ByteSize.TryParse(text, out _), Is.False);

    private (int Code, string Errors) Run(string line) => EngineCommand.Run(
        ["mkfs", .. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word
            .Replace("IMAGE", _image, StringComparison.Ordinal)
            .Replace("NONE", Path.Combine(_directory, "none"), StringComparison.Ordinal))]);
}
