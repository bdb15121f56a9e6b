using Btrfs.Format;

namespace Btrfs.LoopTests.Checks;

/// <summary>The gate refuses nothing that the running kernel and mkfs.btrfs write.</summary>
public sealed class GateOnRealMetadataTests
{
    private static readonly ItemType[] s_everywhere =
    [
        ItemType.InodeItem, ItemType.InodeRef, ItemType.XattrItem, ItemType.OrphanItem, ItemType.DirLogIndex, ItemType.DirItem,
        ItemType.DirIndex, ItemType.ExtentData, ItemType.ExtentCsum, ItemType.RootItem, ItemType.RootBackref, ItemType.RootRef,
        ItemType.ExtentItem, ItemType.ExtentDataRef, ItemType.SharedDataRef, ItemType.BlockGroupItem,
        ItemType.DevExtent, ItemType.DevItem, ItemType.ChunkItem, ItemType.TemporaryItem, ItemType.PersistentItem,
        ItemType.UuidKeySubvol, ItemType.UuidKeyReceivedSubvol,
    ];

    [SetUp]
    public void NeedsRoot()
    {
        if (!Environment.IsPrivilegedProcess)
            Assert.Ignore("mounting needs root");
        if (!File.ReadAllText("/proc/filesystems").Contains("btrfs", StringComparison.Ordinal))
            Assert.Ignore("the running kernel has no btrfs");
    }

    [TestCase("", "noatime")]
    [TestCase("-n 4096", "noatime")]
    [TestCase("-n 8192 -O ^no-holes,^extref", "noatime")]
    [TestCase("-n 32768 -O ^skinny-metadata", "noatime")]
    [TestCase("-n 65536 -m single", "noatime")]
    [TestCase("-n 4096 -O ^skinny-metadata,^no-holes", "compress-force=zlib")]
    [TestCase("-R ^free-space-tree", "space_cache=v1")]
    [TestCase("-R ^free-space-tree", "nospace_cache")]
    [TestCase("-R block-group-tree", "compress=lzo")]
    [TestCase("-R quota", "noatime")]
    [TestCase("--mixed", "noatime")]
    [TestCase("--mixed -n 4096 -m dup -d dup", "max_inline=0")]
    [TestCase("--csum xxhash", "noatime")]
    [TestCase("--csum sha256 -n 4096", "noatime")]
    [TestCase("--csum blake2", "noatime")]
    public void Every_block_that_the_kernel_wrote_passes(string mkfsOptions, string mountOptions)
    {
        bool hasExtrefs = !mkfsOptions.Contains("^extref", StringComparison.Ordinal);
        using KernelImage image = new();
        image.Make(mkfsOptions);
        image.Fill(mountOptions, hasExtrefs ? "extref" : "", simpleQuota: false);
        MetadataScan scan = Scan(image);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(scan.Nodes, Is.Positive);
            Assert.That(scan.Items.Keys, Is.SupersetOf(s_everywhere));
            Assert.That(scan.Items.ContainsKey(ItemType.InodeExtref), Is.EqualTo(hasExtrefs));
            Assert.That(scan.Owners, Does.Contain(ObjectIds.TreeLog));
        }
    }

    [Test]
    public void Every_block_with_simple_quotas_passes()
    {
        using KernelImage image = new();
        image.Make("");
        image.Fill("noatime", "extref", simpleQuota: true);
        MetadataScan scan = Scan(image);
        Assert.That(scan.Items.Keys, Is.SupersetOf(new[] { ItemType.QgroupStatus, ItemType.QgroupInfo, ItemType.QgroupLimit, ItemType.QgroupRelation }));
    }

    [Test]
    public void Every_block_passes_after_a_change_of_the_uuid()
    {
        using KernelImage image = new();
        image.Make("");
        image.ChangeUuid();
        image.Fill("noatime", "extref", simpleQuota: false);
        Assert.That(Scan(image).Leaves, Is.Positive);
    }

    private static MetadataScan Scan(KernelImage image)
    {
        MetadataScan scan = new();
        scan.Run(image.Path);

        string found = string.Join(' ', scan.Items.Select(item => $"{item.Key}:{item.Value}"));
        TestContext.Out.WriteLine($"{scan.Leaves} leaves, {scan.Nodes} nodes, items {found}");
        Assert.That(scan.Refused, Is.Empty);
        return scan;
    }
}
