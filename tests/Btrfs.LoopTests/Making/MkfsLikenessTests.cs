using System.Text;
using System.Text.RegularExpressions;
using Btrfs.LoopTests.Inspect;
using Btrfs.LoopTests.Reading;
using Btrfs.LoopTests.Storage;

namespace Btrfs.LoopTests.Making;

/// <summary>
/// On one device our mkfs makes what mkfs.btrfs makes, item by item, but for what is said here: UUIDs and times, which are chance; where in its chunk a
/// block lies, and with it the extent and free-space trees; generations, as mkfs.btrfs needs several transactions and ours one; and the alignment and
/// sub-stripes of its first system chunk, which are other numbers than in all other chunks.
/// </summary>
public sealed partial class MkfsLikenessTests
{
    private static readonly string[] s_trees = ["root", "chunk", "dev", "fs", "csum", "uuid", "-9"];

    [TestCase("", 109)]
    [TestCase("", 128)]
    [TestCase("", 256)]
    [TestCase("", 700)]
    [TestCase("", 1024)]
    [TestCase("", 2500)]
    [TestCase("", 2900)]
    [TestCase("", 16 << 10)]
    [TestCase("", 50 << 10)]
    [TestCase("", 60 << 10)]
    [TestCase("", 1 << 20)]
    [TestCase("-n 4096", 300)]
    [TestCase("-n 65536 --csum blake2", 300)]
    [TestCase("-m single", 300)]
    [TestCase("-m single -d dup", 5000)]
    [TestCase("-d dup -m dup", 1024)]
    [TestCase("-m raid0 -d raid0", 1024)]
    [TestCase("-M", 300)]
    [TestCase("-M -d dup -m dup", 1024)]
    [TestCase("-O ^no-holes,^extref -R ^free-space-tree", 300)]
    [TestCase("-O ^skinny-metadata,raid56 -L label", 300)]
    [TestCase("-b 500000001", 600)]
    public void The_items_are_those_of_mkfs_btrfs(string options, int megabytes)
    {
        Oracle.Require();
        using KernelImages ours = KernelImages.Prepare(1, megabytes);
        using KernelImages theirs = KernelImages.Prepare(1, megabytes);
        (int code, string errors) = EngineCommand.Run(["mkfs", "-q", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), ours.Images[0]]);
        Assert.That(code, Is.Zero, errors);
        theirs.Run($"mkfs.btrfs -q {options} {theirs.Images[0]}");
        Assert.That(Superblock(ours), Is.EqualTo(Superblock(theirs)));
        foreach (string tree in s_trees)
            Assert.That(Tree(ours, tree), Is.EqualTo(Tree(theirs, tree)), $"tree {tree}");
    }

    private static string Superblock(KernelImages images)
    {
        string dump = Encoding.UTF8.GetString(Oracle.Inspect("dump-super", "-f", images.Images[0]));
        return Normalize(images, dump[..dump.IndexOf("backup_roots", StringComparison.Ordinal)]);
    }

    private static string Tree(KernelImages images, string tree) =>
        Normalize(images, Encoding.UTF8.GetString(Oracle.Inspect("dump-tree", "-t", tree, images.Images[0])));

    private static string Normalize(KernelImages images, string dump) =>
        Chance().Replace(dump.Replace(images.Directory, "DIRECTORY", StringComparison.Ordinal), match => match.Groups["keep"].Value);

    [GeneratedRegex(
        """
        (?<keep>)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}
        | \(0x[0-9a-f]+\ (?<keep>UUID_KEY_SUBVOL)\ 0x[0-9a-f]+
        | (?<keep>)\d+\.0\ \(\d{4}-[^)]*\)
        | (?<keep>leaf)\ \d+ | (?<keep>\ bytenr)\ \d+
        | (?<keep>generation(_v2)?)\s+\d+
        | (?<keep>\n(chunk_)?root|csum)\s+(0x)?[0-9a-f]+(\ \[match\])?
        | (?<keep>SYSTEM\|single\n\s+io_align)\ \d+\ io_width\ \d+
        | (?<keep>sub_stripes)\ [01]
        """,
        RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Chance();
}
