using System.Security.Cryptography;
using Btrfs.Ctree;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;
using Btrfs.Space.Making;
using Btrfs.Space.Usage;
using Btrfs.Storage;
using Btrfs.Tests.Storage;

namespace Btrfs.Tests.Making;

public sealed class FileSystemMakerTests
{
    private static readonly DateTimeOffset s_time = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private static readonly MakeOptions s_fixed = new() { Fsid = MadeImage.Fsid, Time = s_time };

    private static IEnumerable<TestCaseData> Choices()
    {
        yield return Choice("defaults", new MakeOptions());
        foreach (int nodeSize in (int[])[4096, 8192, 32768, 65536])
            yield return Choice($"nodes of {nodeSize}", new MakeOptions { NodeSize = nodeSize });
        foreach (ChecksumType checksum in Enum.GetValues<ChecksumType>())
            yield return Choice(checksum.ToString(), new MakeOptions { Checksum = checksum });
        foreach (string list in (string[])["^no-holes", "^free-space-tree", "^extref", "^skinny-metadata", "quota", "squota", "block-group-tree,quota"])
            yield return Choice(list, new MakeOptions { Features = MakeFeatureNames.Apply(MakeFeatures.Default, list), NodeSize = 4096 });
        yield return Choice("mixed", new MakeOptions { Features = MakeFeatures.Default | MakeFeatures.MixedGroups });
        yield return Choice("large sectors", new MakeOptions { SectorSize = 65536 });
        yield return Choice("two devices", new MakeOptions(), 2);
        yield return Choice("raid6 of five", new MakeOptions { DataProfile = BlockGroupFlags.Raid6, MetadataProfile = BlockGroupFlags.Raid6 }, 5, 125);
        yield return Choice("raid10 of nine", new MakeOptions { DataProfile = BlockGroupFlags.Raid10, MetadataProfile = BlockGroupFlags.Raid10 }, 9, 125);
        yield return Choice("many with small nodes", new MakeOptions { MetadataProfile = BlockGroupFlags.Raid0, NodeSize = 4096 }, 24, 69);

        static TestCaseData Choice(string name, MakeOptions options, int devices = 1, int megabytes = MadeImage.DefaultMegabytes) =>
            new TestCaseData(options, devices, megabytes).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Choices))]
    public void What_is_made_opens_and_every_block_passes_the_gate(MakeOptions options, int devices, int megabytes)
    {
        MadeImage made = new(options, devices, megabytes);
        using FsInfo fs = made.Open();
        Assert.That(fs.Notices, Is.Empty);
        List<(ulong Tree, Key Key)> items = MadeImage.Walk(fs);
        Assert.That(items.Select(item => item.Tree).Distinct(), Is.SupersetOf(new[] { ObjectIds.ExtentTree, ObjectIds.DevTree, ObjectIds.FsTree, ObjectIds.UuidTree }));
        long used = (long)fs.Superblock.BytesUsed.Value;
        Assert.That(used, Is.EqualTo(new SpaceUsage(fs).EnumerateBlockGroups().Sum(group => (long)group.Used)));
        Assert.That(used, Is.EqualTo((long)CountTreeBlocks(items) * fs.NodeSize));
    }

    [TestCaseSource(nameof(Choices))]
    public void The_same_options_uuid_and_time_make_the_same_bytes(MakeOptions options, int devices, int megabytes)
    {
        MakeOptions choice = options with { Fsid = MadeImage.Fsid, Time = s_time };
        MadeImage first = new(choice, devices, megabytes);
        MadeImage second = new(choice, devices, megabytes);
        for (int i = 0; i < devices; i++)
            Assert.That(AreEqual(first.Devices[i], second.Devices[i]), $"device {i + 1}");
    }

    /// <summary>Whoever builds images counts on this from release to release: where it has to change, the change log says so.</summary>
    [Test]
    public void The_bytes_are_those_that_earlier_releases_made()
    {
        MadeImage made = new(s_fixed);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] piece in MadeImage.BytesOf(made.Devices[0]))
            hash.AppendData(piece);
        Assert.That(Convert.ToHexStringLower(hash.GetHashAndReset()), Is.EqualTo("f0835ce077fef92dde11a6c44bbef770d5e3445a57539a23c04cf293f0427dd9"));
    }

    [Test]
    public void Without_a_uuid_all_are_random()
    {
        MadeImage[] made = [new(new MakeOptions()), new(new MakeOptions())];
        List<Uuid> seen = [];
        foreach (MadeImage image in made)
        {
            using FsInfo fs = image.Open();
            seen.AddRange([fs.Superblock.Fsid, fs.Superblock.DevItem.Uuid, fs.Blocks.Read(fs.ChunkTree.Pointer, ObjectIds.ChunkTree).Header.ChunkTreeUuid]);
        }

        Assert.That(seen, Is.Unique);
    }

    [Test]
    public void Old_content_has_no_bearing_on_what_is_made()
    {
        MemoryDevice dirty = new("disk1", new byte[MadeImage.DefaultMegabytes << 20]);
        dirty.Bytes.AsSpan().Fill(0xA5);
        new FileSystemMaker(s_fixed).Make([dirty]);
        Assert.That(AreEqual(dirty, new MadeImage(s_fixed).Devices[0]), "a discarded device is as a new one");

        dirty.Bytes.AsSpan().Fill(0xA5);
        new FileSystemMaker(s_fixed with { Discard = false }).Make([dirty]);
        using FsInfo fs = FsInfo.Open(DeviceSet.Open([dirty], DeviceOpenOptions.Default));
        Assert.That(MadeImage.Walk(fs), Is.Not.Empty);
    }

    [Test]
    public void Whichever_write_or_flush_fails_is_an_error()
    {
        foreach (DeviceCall call in (DeviceCall[])[DeviceCall.Write, DeviceCall.Flush])
        {
            using FaultyDevice counting = new(MadeImage.Blank("disk1"));
            new FileSystemMaker(s_fixed).Make([counting]);
            long calls = counting.Calls(call);
            Assert.That(calls, Is.GreaterThanOrEqualTo(3));
            for (long failing = 0; failing < calls; failing++)
            {
                using FaultyDevice device = new(MadeImage.Blank("disk1"));
                device.Fail(call, failing, 1);
                Assert.That(() => new FileSystemMaker(s_fixed).Make([device]), Throws.InstanceOf<IOException>(), $"{call} {failing}");
            }
        }
    }

    [TestCase(22020096UL, "system chunk")]
    [TestCase(38797312UL, "metadata chunk")]
    [TestCase(72351744UL, "second copy of metadata")]
    public void A_tree_that_can_not_be_written_leaves_no_superblock(ulong offset, string what)
    {
        MemoryDevice device = new("disk1", new byte[MadeImage.DefaultMegabytes << 20]);
        device.FailWrites(offset, 4096);
        Assert.That(() => new FileSystemMaker(s_fixed with { Discard = false }).Make([device]), Throws.InstanceOf<IOException>(), what);
        foreach (ulong superblock in FormatLimits.SuperblockOffsets[..2])
            Assert.That(device.Bytes.AsSpan((int)superblock, Superblock.Size).ContainsAnyExcept((byte)0), Is.False, $"at {superblock}");
    }

    [Test]
    public void A_device_smaller_than_the_least_is_refused_untouched()
    {
        MemoryDevice device = new("disk1", new byte[(109 << 20) - 4096]);
        Assert.That(
            () => new FileSystemMaker(s_fixed).Make([device]),
            Throws.TypeOf<InvalidRequestException>().With.Message.EqualTo(
                "disk1 is too small to make a usable file system: 114290688 bytes, the minimum size for each device is 114294784"));
        Assert.That(device.Writes, Is.Zero);
    }

    [Test]
    public void Mixed_groups_on_a_device_that_two_copies_do_not_fit_are_refused_untouched()
    {
        MemoryDevice device = new("disk1", new byte[100 << 20]);
        MakeOptions options = s_fixed with
        {
            Features = MakeFeatures.Default | MakeFeatures.MixedGroups,
            DataProfile = BlockGroupFlags.Dup,
            MetadataProfile = BlockGroupFlags.Dup,
        };
        Assert.That(
            () => new FileSystemMaker(options).Make([device]),
            Throws.TypeOf<NoSpaceException>().With.Message.EqualTo("the devices have no room for the first data and metadata chunk (dup)"));
        Assert.That(device.Writes, Is.Zero);
    }

    private static bool AreEqual(IBlockDevice first, IBlockDevice second) =>
        first.SizeBytes == second.SizeBytes
        && MadeImage.BytesOf(first).Zip(MadeImage.BytesOf(second)).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

    // Each tree block has one item in the extent tree: a MetadataItem, or an ExtentItem without skinny metadata.
    private static int CountTreeBlocks(List<(ulong Tree, Key Key)> items) =>
        items.Count(item => item.Tree == ObjectIds.ExtentTree && item.Key.Type is ItemType.MetadataItem or ItemType.ExtentItem);
}
