using System.IO.Compression;
using System.Runtime.Versioning;
using System.Text;
using Btrfs.Cli.Commands.Inspect;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Fuzz.Mutations;
using Btrfs.Fuzz.Running;
using Btrfs.Storage;
using Btrfs.Tests.Damage;

namespace Btrfs.Tests.Inspect;

/// <summary>dump-tree and dump-super of the images of the corpora, sound and damaged. The sound ones must be those of btrfs-progs.</summary>
[SupportedOSPlatform("linux")]
public sealed class DumpTests
{
    private const int DamagedCases = 150;
    private const long TextLimit = 64L << 20;

    private static IEnumerable<string> ImageNames => DamagedImageTests.Images.Select(image => image.Name);

    [TestCaseSource(nameof(ImageNames))]
    public void The_trees_of_an_image_are_printed_as_btrfs_progs_did(string name) =>
        AssertSameLines(TreeText(name, []).Text, Golden($"{name}.dump-tree"));

    [TestCaseSource(nameof(ImageNames))]
    public void The_superblocks_of_an_image_are_printed_as_btrfs_progs_did(string name)
    {
        using MemoryStream text = new();
        Assert.That(PrintSupers(Device(name, []), new DumpOutput(text, TimeZoneInfo.Utc)), Is.Zero);
        AssertSameLines(Encoding.Latin1.GetString(text.ToArray()), Golden($"{name}.dump-super"));
    }

    [Test]
    public void A_damaged_leaf_is_told_and_all_the_others_are_printed()
    {
        BaseImage image = DamagedImageTests.Images.Single(image => image.Name == "single");
        BlockPlace leaf = image.Leaves.Last(leaf => leaf.Root == ObjectIds.ExtentTree);
        long middle = image.PhysicalOffsets(leaf.Logical).Single() + 2000;
        Patch patch = new(middle, [(byte)~image.Bytes.Read(middle, 1)[0]]);

        (string text, IReadOnlyList<string> told) = TreeText(image.Name, [patch]);
        Assert.That(told, Has.Count.EqualTo(1));
        Assert.That(told[0], Does.StartWith($"ERROR: corrupt metadata: root=2 block={leaf.Logical} slot=-1, mirror 1: checksum mismatch"));
        AssertSameLines(text, WithoutBlock(Golden($"{image.Name}.dump-tree"), leaf.Logical));
    }

    [Test]
    public void A_tree_that_hangs_the_same_blocks_under_many_nodes_ends_and_tells_each_fault_once()
    {
        DamagedImage hostile = HostileTreeTests.ManyWays();
        (string text, IReadOnlyList<string> told) = TreeText(hostile.Image, hostile.Patches);
        Assert.That(told, Is.Unique.And.Some.Contains(", where the next block begins"));
        Assert.That(text, Has.Length.LessThan(TextLimit));
    }

    [Test]
    public void Any_damage_ends_in_a_dump_or_in_clear_errors()
    {
        int first = TestSeed.Number();
        int opened = 0;
        int complete = 0;
        for (int seed = first; seed < first + DamagedCases; seed++)
        {
            DamagedImage damaged = Fuzz.Mutations.Damage.Make(DamagedImageTests.Images, seed);
            DumpOutput nowhere = new(new BoundedSink(TextLimit), TimeZoneInfo.Utc);
            PrintSupers(Device(damaged.Image, damaged.Patches), nowhere);
            try
            {
                DeviceSet devices = DeviceSet.Open([Device(damaged.Image, damaged.Patches)], DeviceOpenOptions.Default);
                complete += DumpTreeCommand.Run(devices, new TreeDumpOptions(), nowhere, line => Assert.That(line, Does.Not.Contain("\n"))) == 0 ? 1 : 0;
                opened++;
            }
            catch (BtrfsException)
            {
                // No file system was left of it.
            }
        }

        TestContext.Out.WriteLine($"{opened} were opened, {complete} of them without a fault");
        Assert.That(complete, Is.GreaterThan(DamagedCases / 20).And.LessThan(opened));
    }

    private static MemoryOverlayDevice Device(string image, IEnumerable<Patch> patches) =>
        ImageDevice.Damaged(DamagedImageTests.Images.Single(candidate => candidate.Name == image).Bytes, patches);

    private static int PrintSupers(IBlockDevice device, DumpOutput output) =>
        DumpSuperCommand.Run([device], new SuperblockDumpOptions { Full = true, All = true, Force = true }, output, line => Assert.That(line, Does.Not.Contain("\n")));

    private static (string Text, IReadOnlyList<string> Told) TreeText(string image, IEnumerable<Patch> patches)
    {
        List<string> told = [];
        using MemoryStream text = new();
        DeviceSet devices = DeviceSet.Open([Device(image, patches)], DeviceOpenOptions.Default);
        int code = DumpTreeCommand.Run(devices, new TreeDumpOptions(), new DumpOutput(text, TimeZoneInfo.Utc), told.Add);
        Assert.That(code, Is.EqualTo(told.Count == 0 ? 0 : 1));
        return (Encoding.Latin1.GetString(text.ToArray()), told);
    }

    private static string Golden(string name)
    {
        using FileStream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Corpora", "images", $"{name}.gz"));
        using StreamReader text = new(new GZipStream(file, CompressionMode.Decompress), Encoding.Latin1);
        return text.ReadToEnd();
    }

    /// <summary>A dump without the lines of one leaf: they end where the next block, tree or the end begins, none of which is indented.</summary>
    private static string WithoutBlock(string text, ulong bytenr)
    {
        List<string> kept = [];
        bool isLeaf = false;
        foreach (string line in text.Split('\n'))
        {
            bool isOwn = line.StartsWith($"leaf {bytenr} ", StringComparison.Ordinal);
            bool isInside = line.StartsWith('\t') || line.StartsWith("fs uuid ", StringComparison.Ordinal) || line.StartsWith("chunk uuid ", StringComparison.Ordinal);
            isLeaf = isOwn || (isLeaf && isInside);
            if (!isLeaf)
                kept.Add(line);
        }

        return string.Join('\n', kept);
    }

    private static void AssertSameLines(string have, string expect)
    {
        if (have == expect)
            return;

        string[] haveLines = have.Split('\n');
        string[] expectLines = expect.Split('\n');
        for (int line = 0; line < expectLines.Length; line++)
            Assert.That(haveLines.ElementAtOrDefault(line), Is.EqualTo(expectLines[line]), $"line {line + 1} of {expectLines.Length}");
        Assert.That(haveLines, Has.Length.EqualTo(expectLines.Length));
    }
}
