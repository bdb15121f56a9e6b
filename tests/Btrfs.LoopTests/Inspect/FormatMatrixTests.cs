using System.Text;
using Btrfs.Cli.Commands.Inspect;
using Btrfs.LoopTests.Storage;

namespace Btrfs.LoopTests.Inspect;

/// <summary>Dumps of file systems with one of everything that the kernel writes, over formats, profiles and mount options.</summary>
public sealed class FormatMatrixTests
{
    private static readonly string s_content = Path.Combine(TestContext.CurrentContext.TestDirectory, "Checks", "content.sh");

    [OneTimeSetUp]
    public void NeedsTheOracle() => Oracle.Require();

    [TestCase("", "noatime")]
    [TestCase("-n 4096 --csum xxhash", "noatime")]
    [TestCase("-n 8192 -O ^no-holes,^extref", "noatime")]
    [TestCase("-n 32768 -O ^skinny-metadata --csum sha256", "noatime")]
    [TestCase("-n 65536 -m single --csum blake2", "noatime")]
    [TestCase("-n 4096 -O ^skinny-metadata,^no-holes", "compress-force=zlib")]
    [TestCase("-R ^free-space-tree", "space_cache=v1")]
    [TestCase("-R quota -L label", "compress=lzo")]
    [TestCase("--mixed -n 4096 -m dup -d dup", "max_inline=0")]
    public void Every_item_of_a_rich_file_system_is_printed_alike(string mkfs, string mountOptions)
    {
        using KernelImages images = KernelImages.Make(mkfs, mountOptions: mountOptions, sizeMegabytes: 400);
        images.Mounted(mountOptions, $"bash {s_content} mnt {(mkfs.Contains("^extref", StringComparison.Ordinal) ? "" : "extref")}");
        string text = Dump.AssertEqual(images.Images);

        // What makes the comparison worth something is there.
        Dump.AssertMentions(text, "UUID_KEY_RECEIVED_SUBVOL", "ORPHAN_ITEM", "XATTR_ITEM", "prealloc data disk byte", "(zstd)", "(RDONLY)");
    }

    [TestCase("single", "single", 1)]
    [TestCase("raid0", "raid1", 3)]
    [TestCase("raid1", "raid1", 2)]
    [TestCase("raid1c3", "raid1c4", 4)]
    [TestCase("raid10", "raid10", 4)]
    [TestCase("raid5", "raid5", 3)]
    [TestCase("raid6", "raid6", 4)]
    public void Every_profile_is_printed_alike(string data, string metadata, int devices)
    {
        using KernelImages images = KernelImages.Make($"-d {data} -m {metadata}", devices);
        Dump.AssertMentions(Dump.AssertEqual(images.Images), $"type DATA|{(data == "single" ? data : data.ToUpperInvariant())}");
    }

    [Test]
    public void Every_option_prints_the_same()
    {
        using KernelImages images = KernelImages.Make("-n 4096", sizeMegabytes: 400);
        images.Mounted("noatime", $"bash {s_content} mnt extref");
        images.Mounted(
            "subvolid=5",
            """
            echo 1 > mnt/volume/logged; sync mnt/volume/logged
            echo 2 > mnt/tree/logged; sync mnt/tree/logged; rm mnt/tree/small3; sync mnt/tree
            cp --sparse=always disk1.img logged.img
            """);
        string image = Path.Combine(images.Directory, "logged.img");
        string root = Encoding.Latin1.GetString(Dump.Tree([image], new TreeDumpOptions { RootsOnly = true }).Text)
            .Split('\n').Single(line => line.StartsWith("fs tree", StringComparison.Ordinal)).Split(' ')[^3];
        Dump.AssertMentions(Dump.AssertEqual(image), "log tree key (TREE_LOG ROOT_ITEM 256)", "dir log end");

        (string Arguments, TreeDumpOptions Options)[] cases =
        [
            ("-e", new() { ExtentsOnly = true }),
            ("-e -r", new() { ExtentsOnly = true, RootsOnly = true }),
            ("-e -d", new() { ExtentsOnly = true, DevicesOnly = true }),
            ("-d", new() { DevicesOnly = true }),
            ("-d -r", new() { DevicesOnly = true, RootsOnly = true }),
            ("-r", new() { RootsOnly = true }),
            ("-R", new() { RootsOnly = true, ShowBackupRoots = true }),
            ("-u", new() { UuidTreeOnly = true }),
            ("-u -d", new() { UuidTreeOnly = true, DevicesOnly = true }),
            ("--dfs", new() { DepthFirst = true }),
            ("-t root", new() { Tree = TreeName.Parse("root") }),
            ("-t CHUNK_TREE", new() { Tree = TreeName.Parse("CHUNK_TREE") }),
            ("-t tree_log", new() { Tree = TreeName.Parse("tree_log") }),
            ("-t device", new() { Tree = TreeName.Parse("device") }),
            ("-t data_reloc", new() { Tree = TreeName.Parse("data_reloc") }),
            ("-t 256", new() { Tree = 256 }),
            ("-t 12345", new() { Tree = 12345 }),
            ("-r -t 256", new() { Tree = 256, RootsOnly = true }),
            ("-R -t fs", new() { Tree = TreeName.Parse("fs"), RootsOnly = true, ShowBackupRoots = true }),
            ("-d -t 7", new() { Tree = 7, DevicesOnly = true }),
            ($"-b {root}", new() { Blocks = [ulong.Parse(root)] }),
            ($"-b {root} --follow", new() { Blocks = [ulong.Parse(root)], Follow = true }),
            ($"-b {root} --follow --dfs", new() { Blocks = [ulong.Parse(root)], Follow = true, DepthFirst = true }),
            ("--hide-names", new() { Print = new TreePrintOptions(HideNames: true) }),
            ("--csum-headers --csum-items", new() { Print = new TreePrintOptions(ShowBlockChecksums: true, ShowItemChecksums: true) }),
        ];
        foreach ((string arguments, TreeDumpOptions options) in cases)
        {
            TestContext.Out.WriteLine(arguments);
            Dump.AssertSame(Dump.Tree([image], options).Text, Oracle.Inspect(["dump-tree", .. arguments.Split(' '), image]));
        }
    }

    [TestCase("--csum crc32c")]
    [TestCase("--csum xxhash")]
    [TestCase("--csum sha256")]
    [TestCase("--csum blake2")]
    public void Checksums_of_every_kind_are_printed_alike(string mkfs)
    {
        using KernelImages images = KernelImages.Make(mkfs);
        TreeDumpOptions options = new() { Print = new TreePrintOptions(ShowBlockChecksums: true, ShowItemChecksums: true) };
        Dump.AssertSame(Dump.Tree(images.Images, options).Text, Oracle.Inspect(["dump-tree", "--csum-headers", "--csum-items", .. images.Images]));
    }
}
