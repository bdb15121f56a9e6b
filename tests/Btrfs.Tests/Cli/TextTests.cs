using System.CommandLine;
using System.Text;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Tests.Cli;

public sealed class TextTests
{
    [TestCase("", 0UL, "0.00B")]
    [TestCase("", 1023UL, "1023.00B")]
    [TestCase("", 1024UL, "1.00KiB")]
    [TestCase("", 419430400UL, "400.00MiB")]
    [TestCase("", ulong.MaxValue, "16.00EiB")]
    [TestCase("-b", 419430400UL, "419430400")]
    [TestCase("--si", 1500000UL, "1.50MB")]
    [TestCase("-k", 1048576UL, "1024.00KiB")]
    [TestCase("-m -H", 1500000UL, "1.50MB")]
    public void Sizes_are_written_as_btrfs_progs_write_them(string options, ulong bytes, string text)
    {
        Command command = new("df");
        ByteSize.Options sizes = new(command);
        Assert.That(sizes.Of(command.Parse(options)).Format(bytes), Is.EqualTo(text));
    }

    [TestCase(0x81A4u, "-rw-r--r--")]
    [TestCase(0x41EDu, "drwxr-xr-x")]
    [TestCase(0x89EDu, "-rwsr-xr-x")]
    [TestCase(0x8DA4u, "-rwSr-Sr--")]
    [TestCase(0x43FFu, "drwxrwxrwt")]
    [TestCase(0xA1FFu, "lrwxrwxrwx")]
    [TestCase(0x61B0u, "brw-rw----")]
    [TestCase(0x0000u, "?---------")]
    public void Modes_are_written_as_ls_writes_them(uint mode, string text) => Assert.That(ModeText.Format(mode), Is.EqualTo(text));

    [TestCase(0L, 0u, "1970-01-01 ")]
    [TestCase(-62135596801L, 5u, "@-62135596801.000000005")]
    [TestCase(long.MaxValue, 5u, "@9223372036854775807.000000005")]
    [TestCase(253402300800L, 0u, "@253402300800.000000000")]
    public void Times_beyond_the_calendar_are_told_as_they_are_stored(long seconds, uint nanoseconds, string start)
    {
        Assert.That(TimeText.Full(new DiskTime(seconds, nanoseconds)), Does.StartWith(start).Or.StartWith("1969-12-31 "));
        Assert.That(() => TimeText.Short(new DiskTime(seconds, nanoseconds)), Throws.Nothing);
    }

    [Test]
    public void A_path_follows_a_walk_down_and_up()
    {
        PathText path = new("/");
        Assert.That(path.ToString(), Is.EqualTo("/"));
        path.Down("a"u8);
        path.Down(Encoding.UTF8.GetBytes(new string('b', 255)));
        Assert.That(path.ToString(), Is.EqualTo("/a/" + new string('b', 255)));
        path.Up();
        Assert.That(Encoding.UTF8.GetString(path.LastPart), Is.EqualTo("a"));
        path.Up();
        Assert.That(path.ToString(), Is.EqualTo("/"));
        Assert.That(new PathText(new FsPath("sub/"u8.ToArray())).ToString(), Is.EqualTo("sub"));
    }

    [TestCase("..")]
    [TestCase(".")]
    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("/etc")]
    [TestCase("a\0b")]
    public void Nothing_is_made_under_what_is_no_name(string name)
    {
        string directory = Directory.CreateTempSubdirectory("btrfs-cli-").FullName;
        try
        {
            using HostDirectory host = HostDirectory.Open(directory);
            byte[] bytes = Encoding.UTF8.GetBytes(name);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(() => host.MakeDirectory(bytes), Throws.TypeOf<IOException>());
                Assert.That(() => host.MakeFile(bytes), Throws.TypeOf<IOException>());
                Assert.That(() => host.MakeSymbolicLink(bytes, "target"u8), Throws.TypeOf<IOException>());
                Assert.That(() => host.MakeNode(bytes, 0x11A4, 0), Throws.TypeOf<IOException>());
            }

            Assert.That(Directory.GetFileSystemEntries(directory), Is.Empty);
        }
        finally
        {
            Directory.Delete(directory);
        }
    }

    [Test]
    public void A_symbolic_link_in_the_way_is_not_followed()
    {
        string directory = Directory.CreateTempSubdirectory("btrfs-cli-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(directory, "outside"));
            Directory.CreateDirectory(Path.Combine(directory, "inside"));
            using HostDirectory host = HostDirectory.Open(Path.Combine(directory, "inside"));
            host.MakeSymbolicLink("way"u8, "../outside"u8);
            Assert.That(() => host.MakeDirectory("way"u8), Throws.TypeOf<IOException>());
            Assert.That(() => host.MakeFile("way"u8), Throws.TypeOf<IOException>());
            Assert.That(Directory.GetFileSystemEntries(Path.Combine(directory, "outside")), Is.Empty);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
