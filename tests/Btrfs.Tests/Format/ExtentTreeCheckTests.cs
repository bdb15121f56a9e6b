using Btrfs.Format;
using Btrfs.Tests.Format.Building;
using static Btrfs.Tests.Format.Building.GateAssert;
using static Btrfs.Tests.Format.Building.SampleItems;

namespace Btrfs.Tests.Format;

/// <summary>Items of the trees that account for space: extents and their references, checksums, block groups, devices, roots, quotas.</summary>
public sealed class ExtentTreeCheckTests
{
    private static readonly BlockBuilder s_builder = new() { Owner = ObjectIds.ExtentTree };
    private static readonly byte[] s_block = InlineRef(ItemType.TreeBlockRef, 5);

    private static IEnumerable<TestCaseData> GoodLeaves()
    {
        yield return Good("a data extent", DataExtent(3, InlineDataRef(), InlineSharedData(4096, 2)));
        yield return Good("more references than are inline", DataExtent(1000, InlineDataRef()));
        yield return Good("a space cache", DataExtent(1, InlineDataRef(root: ObjectIds.RootTree)));
        yield return Good("an inode cache", DataExtent(1, InlineDataRef(inode: ObjectIds.FreeIno)));
        yield return Good("a relocated extent", DataExtent(1, InlineDataRef(root: ObjectIds.DataRelocTree)));
        yield return Good("a file offset before the extent's own", DataExtent(1, InlineDataRef(offset: unchecked((ulong)-4096L))));
        yield return Good("a tree block", TreeBlock(2, s_block, InlineRef(ItemType.SharedBlockRef, 4096)));
        yield return Good("a fat tree block", FatTreeBlock(7, 1, s_block));
        yield return Good("references in order", TreeBlock(3, InlineRef(ItemType.TreeBlockRef, 257), InlineRef(ItemType.TreeBlockRef, 5), InlineRef(ItemType.SharedBlockRef, 4096)));
        yield return Good("keyed references", Keyed(ItemType.TreeBlockRef, 5, 0), Keyed(ItemType.ExtentDataRef, 77, 0).With([.. DataRef(), .. DataRef(offset: 4096)]), Keyed(ItemType.SharedBlockRef, 4096, 0), Keyed(ItemType.SharedDataRef, 4096, 4));
        yield return Good("checksums", Checksums(Megabyte, 2), Checksums(Megabyte + 8192, 1));
        yield return Good("a device and its extents", DeviceExtent(), DeviceExtent(9 * Megabyte), Device());
        yield return Good("block groups of all types", BlockGroup(), BlockGroup(BlockGroupFlags.Metadata | BlockGroupFlags.Dup).With(key => key with { ObjectId = 9 * Megabyte }), BlockGroup(BlockGroupFlags.System | BlockGroupFlags.Raid1C4).With(key => key with { ObjectId = 17 * Megabyte }), BlockGroup(BlockGroupFlags.Data | BlockGroupFlags.Metadata).With(key => key with { ObjectId = 25 * Megabyte }));
        yield return Good("free space", FreeSpace(ItemType.FreeSpaceInfo, 8), FreeSpace(ItemType.FreeSpaceExtent, 0), FreeSpace(ItemType.FreeSpaceBitmap, 32));
        yield return Good("roots", ARoot(), ARoot(257, RootItem.LegacySize), ARoot(ObjectIds.TreeReloc).With(key => key with { Offset = 5 }));
        yield return Good("quotas", Quota(ItemType.QgroupStatus, 32), Quota(ItemType.QgroupInfo, 40), Quota(ItemType.QgroupLimit, 40), Quota(ItemType.QgroupRelation, 0));
        yield return Good("simple quotas", Quota(ItemType.QgroupStatus, 40));
        yield return Good("a uuid of two subvolumes", new TestItem(new Key(1, ItemType.UuidKeySubvol, 2), new byte[16]));
        yield return Good("types that nobody here knows", new TestItem(new Key(1, (ItemType)7, 2), new byte[3]), new TestItem(new Key(1, ItemType.TemporaryItem, 0), new byte[100]), new TestItem(new Key(1, ItemType.PersistentItem, 0), new byte[40]));
    }

    [TestCaseSource(nameof(GoodLeaves))]
    public void A_good_leaf_passes(object items) => Assert.DoesNotThrow(() => s_builder.Verify(s_builder.Leaf((TestItem[])items)));

    private static IEnumerable<TestCaseData> BrokenExtents()
    {
        const string flags = "_flags";
        yield return Case("short", "invalid extent item size", DataExtent(1).Cut(1));
        yield return Case("unaligned", "unaligned extent bytenr", DataExtent(1).With(key => key with { ObjectId = Megabyte + 1 }));
        yield return Case("unaligned length", "unaligned extent length", DataExtent(1).With(key => key with { Offset = 4095 }));
        yield return Case("no length", "invalid extent length", DataExtent(1).With(key => key with { Offset = 0 }));
        yield return Case("end overflows", "invalid extent length", DataExtent(1).With(key => key with { Offset = ulong.MaxValue - 4095 }));
        yield return Case("future", "invalid extent generation", DataExtent(1).Set<ExtentItem>(nameof(ExtentItem.Generation), 12));
        yield return Case("neither data nor tree block", "invalid extent flags", DataExtent(1).Set<ExtentItem>(flags, 0));
        yield return Case("both", "invalid extent flags", DataExtent(1).Set<ExtentItem>(flags, 3));
        yield return Case("data with full back references", "full back references", DataExtent(1).Set<ExtentItem>(flags, 0x101));
        yield return Case("data under a metadata key", "invalid key type of a data extent", TreeBlock(1).Set<ExtentItem>(flags, 1));
        yield return Case("level in the key", "invalid tree level", TreeBlock(1).With(key => key with { Offset = 8 }));
        yield return Case("level in the item", "invalid tree block level", FatTreeBlock(8, 1));
        yield return Case("tree block length", "length of a tree block", FatTreeBlock(0, 1).With(key => key with { Offset = 8192 }));
        yield return Case("fat tree block without its info", "crosses the item's end", FatTreeBlock(0, 1).Cut(1));
        yield return Case("fewer references than inline", "invalid extent refs", DataExtent(1, InlineDataRef(count: 2)));
        yield return Case("half an inline head", "crosses the item's end", DataExtent(1).Grow(8));
        yield return Case("half an inline data reference", "crosses the item's end", DataExtent(1, InlineDataRef()).Cut(1));
        yield return Case("half an inline shared reference", "crosses the item's end", DataExtent(1, InlineSharedData(4096, 1)).Cut(1));
        yield return Case("unknown inline type", "invalid inline ref type 1", DataExtent(1, InlineRef(ItemType.InodeItem, 4096)));
        yield return Case("block reference of data", "invalid inline ref type 176", DataExtent(1, s_block));
        yield return Case("data reference of a block", "invalid inline ref type 178", TreeBlock(1, InlineDataRef()));
        yield return Case("owner without simple quotas", "invalid inline ref type 172", DataExtent(1, InlineRef(ItemType.ExtentOwnerRef, 5)));
        yield return Case("unaligned parent", "unaligned parent bytenr", TreeBlock(1, InlineRef(ItemType.SharedBlockRef, 5)));
        yield return Case("unaligned data parent", "unaligned parent bytenr", DataExtent(1, InlineSharedData(5, 1)));
        yield return Case("shared count", "shared data ref count", DataExtent(1, InlineSharedData(4096, 0)));
        yield return Case("data count", "invalid data ref count", DataExtent(1, InlineDataRef(count: 0)));
        yield return Case("data root", "invalid data ref root", DataExtent(1, InlineDataRef(root: ObjectIds.CsumTree)));
        yield return Case("data inode", "invalid data ref objectid", DataExtent(1, InlineDataRef(inode: 255)));
        yield return Case("data offset", "unaligned data ref offset", DataExtent(1, InlineDataRef(offset: 1)));
        yield return Case("types out of order", "inline ref out of order", TreeBlock(2, InlineRef(ItemType.SharedBlockRef, 4096), s_block));
        yield return Case("offsets out of order", "inline ref out of order", TreeBlock(2, s_block, InlineRef(ItemType.TreeBlockRef, 257)));
        yield return Case("overlap with data", "extent overlaps the previous one", DataExtent(1), DataExtent(1).With(key => key with { ObjectId = Megabyte + 4096 }));
        yield return Case("overlap with a tree block", "extent overlaps the previous one", TreeBlock(1), DataExtent(1).With(key => key with { ObjectId = Megabyte + 12288 }));
        yield return Case("keyed size", "invalid item size", Keyed(ItemType.TreeBlockRef, 5, 1));
        yield return Case("keyed shared size", "invalid item size", Keyed(ItemType.SharedDataRef, 4096, 0));
        yield return Case("keyed bytenr", "unaligned extent bytenr", Keyed(ItemType.TreeBlockRef, 5, 0).With(key => key with { ObjectId = 5 }));
        yield return Case("keyed parent", "unaligned parent bytenr", Keyed(ItemType.SharedBlockRef, 5, 0));
        yield return Case("keyed data empty", "invalid extent data ref size", Keyed(ItemType.ExtentDataRef, 77, 0));
        yield return Case("keyed data size", "invalid extent data ref size", Keyed(ItemType.ExtentDataRef, 77, 29));
        yield return Case("keyed data bytenr", "unaligned extent bytenr", Keyed(ItemType.ExtentDataRef, 77, 28).With(key => key with { ObjectId = 5 }));
        yield return Case("keyed data member", "invalid data ref root", Keyed(ItemType.ExtentDataRef, 77, 0).With(DataRef(root: 0)));
    }

    private static IEnumerable<TestCaseData> BrokenSpace()
    {
        yield return Case("csum objectid", "objectid of a csum item", Checksums(Megabyte, 1).With(key => key with { ObjectId = 1 }));
        yield return Case("csum offset", "unaligned csum offset", Checksums(Megabyte + 1, 1));
        yield return Case("csum size", "invalid csum item size", Checksums(Megabyte, 1).Grow(1));
        yield return Case("csum empty", "invalid csum item size", Checksums(Megabyte, 0));
        yield return Case("csum end overflows", "csum end overflows", Checksums(ulong.MaxValue - 4095, 2));
        yield return Case("csum overlap", "csum range overlaps", Checksums(Megabyte, 3), Checksums(Megabyte + 8192, 1));

        yield return Case("block group size", "invalid item size", BlockGroup().Cut(1));
        yield return Case("block group length", "invalid block group length", BlockGroup().With(key => key with { Offset = 0 }));
        yield return Case("block group end", "invalid block group length", BlockGroup().With(key => key with { Offset = ulong.MaxValue }));
        yield return Case("block group chunk", "block group chunk objectid", BlockGroup().Set<BlockGroupItem>(nameof(BlockGroupItem.ChunkObjectId), 1));
        yield return Case("block group used", "block group used", BlockGroup().Set<BlockGroupItem>(nameof(BlockGroupItem.Used), 8 * Megabyte + 1));
        yield return Case("block group profile", "block group profile", BlockGroup(BlockGroupFlags.Data | BlockGroupFlags.Raid0 | BlockGroupFlags.Raid1));
        yield return Case("block group type", "block group type", BlockGroup(BlockGroupFlags.Data | BlockGroupFlags.System));
        yield return Case("block group no type", "block group type", BlockGroup(BlockGroupFlags.None));

        yield return Case("free space info size", "invalid item size", FreeSpace(ItemType.FreeSpaceInfo, 7));
        yield return Case("free space extent size", "invalid item size", FreeSpace(ItemType.FreeSpaceExtent, 1));
        yield return Case("free space unaligned", "unaligned free space start", FreeSpace(ItemType.FreeSpaceExtent, 0).With(key => key with { ObjectId = 1 }));
        yield return Case("free space unaligned length", "unaligned free space length", FreeSpace(ItemType.FreeSpaceExtent, 0).With(key => key with { Offset = 1 }));
        yield return Case("free space of no length", "invalid free space length", FreeSpace(ItemType.FreeSpaceExtent, 0).With(key => key with { Offset = 0 }));
        yield return Case("bitmap size", "invalid item size", FreeSpace(ItemType.FreeSpaceBitmap, 33));
        yield return Case("bitmap too long", "free space bitmap too long", FreeSpace(ItemType.FreeSpaceBitmap, 257).With(key => key with { Offset = 2049 * 4096 }));

        yield return Case("device size", "invalid item size", Device().Cut(1));
        yield return Case("device objectid", "invalid device objectid", Device().With(key => key with { ObjectId = 2 }));
        yield return Case("device id", "device id mismatch", Device().With(key => key with { Offset = 2 }));
        yield return Case("device used", "invalid device bytes_used", Device().Set<DevItem>(nameof(DevItem.BytesUsed), 101 * Megabyte));
        yield return Case("device extent size", "invalid item size", DeviceExtent().Cut(1));
        yield return Case("device extent start", "unaligned device extent start", DeviceExtent(1));
        yield return Case("device extent length", "unaligned device extent length", DeviceExtent().Set<DevExtent>(nameof(DevExtent.Length), 1));
        yield return Case("device extent chunk offset", "unaligned device extent chunk offset", DeviceExtent().Set<DevExtent>(nameof(DevExtent.ChunkOffset), 1));
        yield return Case("device extent of no length", "invalid device extent length", DeviceExtent().Set<DevExtent>(nameof(DevExtent.Length), 0));
        yield return Case("device extent end", "invalid device extent length", DeviceExtent().Set<DevExtent>(nameof(DevExtent.Length), ulong.MaxValue - 4095));
        yield return Case("device extent chunk tree", "invalid device extent chunk", DeviceExtent().Set<DevExtent>(nameof(DevExtent.ChunkTree), 2));
        yield return Case("device extent chunk", "invalid device extent chunk", DeviceExtent().Set<DevExtent>(nameof(DevExtent.ChunkObjectId), 2));
        yield return Case("device extent overlap", "device extent overlaps", DeviceExtent(), DeviceExtent(2 * Megabyte));
    }

    private static IEnumerable<TestCaseData> BrokenRoots()
    {
        yield return Case("root size", "invalid root item size", ARoot().Cut(1));
        yield return Case("legacy root size", "invalid root item size", ARoot(size: 240));
        yield return Case("root 0", "invalid root id 0", ARoot(0));
        yield return Case("relocation of no root", "invalid root id 0", ARoot(ObjectIds.TreeReloc));
        yield return Case("root generation", "root generation", ARoot().Set<RootItem>(nameof(RootItem.Generation), 12));
        yield return Case("root snapshot", "root last_snapshot", ARoot().Set<RootItem>(nameof(RootItem.LastSnapshot), 12));
        yield return Case("root generation_v2", "root generation_v2", ARoot().Set<RootItem>(nameof(RootItem.GenerationV2), 12));
        yield return Case("root bytenr", "unaligned root bytenr", ARoot().Set<RootItem>(nameof(RootItem.Bytenr), 1));
        yield return Case("root level", "invalid root level", ARoot().Set<RootItem>(nameof(RootItem.Level), 8));
        yield return Case("root drop level", "invalid root drop_level", ARoot().Set<RootItem>(nameof(RootItem.DropLevel), 8));
        yield return Case("root flags", "invalid root flags", ARoot().Set<RootItem>("_flags", 2));
        yield return Case("uuid size", "invalid uuid item size", new TestItem(new Key(1, ItemType.UuidKeySubvol, 2), new byte[7]));
        yield return Case("uuid empty", "invalid uuid item size", new TestItem(new Key(1, ItemType.UuidKeyReceivedSubvol, 2), []));
        yield return Case("quota status", "invalid qgroup status size", Quota(ItemType.QgroupStatus, 33));
        yield return Case("quota info", "invalid item size", Quota(ItemType.QgroupInfo, 39));
        yield return Case("quota limit", "invalid item size", Quota(ItemType.QgroupLimit, 41));
    }

    [TestCaseSource(nameof(BrokenExtents))]
    [TestCaseSource(nameof(BrokenSpace))]
    [TestCaseSource(nameof(BrokenRoots))]
    public void A_broken_member_is_refused(object items, string reason) =>
        Refuses(s_builder, s_builder.Leaf((TestItem[])items), reason);

    [Test]
    public void A_metadata_item_needs_its_feature()
    {
        BlockBuilder builder = new() { Incompat = IncompatFlags.None };
        Refuses(builder, builder.Leaf(TreeBlock(1)), "the skinny-metadata feature is off");
    }

    [Test]
    public void An_owner_stands_first_with_simple_quotas()
    {
        BlockBuilder builder = new() { Incompat = IncompatFlags.SimpleQuota };
        Assert.DoesNotThrow(() => builder.Verify(builder.Leaf(DataExtent(1, InlineRef(ItemType.ExtentOwnerRef, 5), InlineDataRef()))));
    }

    [TestCase(ChecksumType.Crc32C)]
    [TestCase(ChecksumType.XxHash64)]
    [TestCase(ChecksumType.Sha256)]
    [TestCase(ChecksumType.Blake2b256)]
    public void A_checksum_run_ends_by_the_size_of_its_type(ChecksumType type)
    {
        BlockBuilder builder = new() { Csum = type };
        Assert.DoesNotThrow(() => builder.Verify(builder.Leaf(Checksums(Megabyte, 2, type), Checksums(Megabyte + 8192, 1, type))));
        Refuses(builder, builder.Leaf(Checksums(Megabyte, 2, type), Checksums(Megabyte + 4096, 1, type)), "csum range overlaps");
    }

    private static TestItem Keyed(ItemType type, ulong offset, int size) =>
        new(new Key(Megabyte, type, offset), type == ItemType.SharedDataRef && size == 4 ? [1, 0, 0, 0] : new byte[size]);

    private static TestItem FreeSpace(ItemType type, int size) => new(new Key(Megabyte, type, Megabyte), new byte[size]);

    private static TestItem Quota(ItemType type, int size) => new(new Key(0, type, 0), new byte[size]);
}
