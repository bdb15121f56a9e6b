using System.Runtime.InteropServices;
using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Tests.Inode;

namespace Btrfs.Tests.Check;

/// <summary>Each damage that the check must find, planted alone in an image that the kernel made.</summary>
internal sealed class PlantedDamageTests
{
    private const string Single = "single";
    private const string Mixed = "mixed";
    private const string Quota = "nodes16k";

    private static IEnumerable<TestCaseData> Damages() =>
    [
        .. References(), .. Space(), .. Data(), .. Names(), .. Inodes(), .. Roots(),
    ];

    [TestCaseSource(nameof(Damages))]
    public void Planted_damage_is_found(string image, FindingKind expected, Action<Planter> plant)
    {
        Planter planter = new(image);
        plant(planter);
        CheckReport report = planter.Check();
        foreach (Finding finding in report.Findings)
            TestContext.Out.WriteLine(finding);
        Assert.That(report.Findings.Select(finding => finding.Kind), Has.Some.EqualTo(expected));
    }

    [TestCaseSource(typeof(SampleImage), nameof(SampleImage.Names))]
    public void An_image_of_the_kernel_is_clean(string image)
    {
        CheckReport report = new Planter(image).Check(withData: true);
        Assert.That(report.Findings, Is.Empty);
        Assert.That(report.Totals.VerifiedDataBytes, Is.GreaterThan(0));
    }

    [Test]
    public void Data_that_does_not_have_its_checksum_is_found_where_data_is_read()
    {
        Planter planter = new(Single);
        ItemPlace run = planter.Find(ItemType.ExtentCsum);
        planter.Edit.KeepsChecksums = true;
        planter.Edit.Sector(run.Key.Offset)[100] ^= 1;
        CheckReport report = planter.Check(withData: true);
        Assert.That(report.Findings.Select(finding => finding.Kind), Is.EqualTo(new[] { FindingKind.DataChecksum }));
        Assert.That(planter.Check().IsClean);
    }

    [Test]
    public void A_block_that_does_not_have_its_checksum_is_found()
    {
        Planter planter = new(Single);
        planter.Edit.KeepsChecksums = true;
        planter.Edit.Block(planter.Find(ItemType.DirIndex).Block)[200] ^= 1;
        Assert.That(planter.Check().Findings.Select(finding => finding.Kind), Has.Some.EqualTo(FindingKind.CorruptBlock));
    }

    [Test]
    public void Damage_in_a_block_that_snapshots_share_is_told_once()
    {
        Planter planter = new(Single);
        ItemPlace shared = planter.Find(ItemType.InodeItem, item => IsFile(planter, item) && IsShared(planter, item.Block.Logical) && IsInside(planter, item));
        planter.Change(shared, (ref InodeItem inode) => inode.NBytes = inode.NBytes + 4096);
        Assert.That(planter.Check().Findings.Select(finding => finding.Kind), Is.EqualTo(new[] { FindingKind.FileBytes }));
    }

    [Test]
    public void The_report_keeps_so_many_findings_and_counts_them_all()
    {
        Planter planter = new(Single);
        foreach (ItemPlace inode in planter.Image.ItemsByType[ItemType.InodeItem].Where(item => IsFile(planter, item)))
            planter.Change(inode, (ref InodeItem item) => item.NBytes = item.NBytes + 1);
        using FsInfo fs = SampleImage.Open(Single, planter.Edit.Finish());
        CheckReport report = new FileSystemChecker(fs, new CheckOptions { MaxFindings = 5 }).Run(null, CancellationToken.None);
        Assert.That(report.Findings, Has.Count.EqualTo(5));
        Assert.That(report.FindingCount, Is.GreaterThan(20));
    }

    private static IEnumerable<TestCaseData> References()
    {
        yield return Case("an extent counts a reference too many", Single, FindingKind.ExtentRefs, planter =>
            planter.Change(DataExtent(planter), (ref ExtentItem item) => item.Refs = item.Refs + 1));
        yield return Case("a tree block's back reference names another tree", Single, FindingKind.MissingBackref, planter => RenameOwner(planter));
        yield return Case("a tree block's back reference names a tree that does not hold it", Single, FindingKind.ExtraBackref, planter => RenameOwner(planter));
        yield return Case("a data extent lacks its back reference", Single, FindingKind.MissingBackref, planter =>
            planter.Replace(DataExtent(planter), data =>
            {
                MemoryMarshal.AsRef<ExtentItem>(data.AsSpan()).Refs = 0;
                return data[..ExtentItem.Size];
            }));
        yield return Case("a data extent has a back reference that nobody holds", Single, FindingKind.ExtraBackref, planter =>
        {
            ItemPlace extent = DataExtent(planter);
            planter.Change(extent, (ref ExtentItem item) => item.Refs = item.Refs + 1);
            ExtentDataRef reference = new() { Root = ObjectIds.FsTree, ObjectId = 9999, Offset = 0, Count = 1 };
            ulong hash = NameHash.OfExtentDataRef(reference.Root, reference.ObjectId, reference.Offset);
            planter.Add(ObjectIds.ExtentTree, new Key(extent.Key.ObjectId, ItemType.ExtentDataRef, hash), [.. MemoryMarshal.AsBytes([reference])]);
        });
        yield return Case("a back reference counts a use too many", Single, FindingKind.ExtraBackref, planter =>
        {
            ItemPlace extent = DataExtent(planter);
            planter.Change(extent, (ref ExtentItem item) => item.Refs = item.Refs + 1);
            MemoryMarshal.AsRef<ExtentDataRef>(planter.Data(extent)[(ExtentItem.Size + 1)..]).Count = MemoryMarshal.AsRef<ExtentDataRef>(planter.Data(extent)[(ExtentItem.Size + 1)..]).Count + 1;
        });
        yield return Case("a tree block is not allocated", Single, FindingKind.MissingExtent, planter => planter.Remove(planter.Find(ItemType.MetadataItem)));
        yield return Case("a data extent is not allocated", Single, FindingKind.MissingExtent, planter => planter.Remove(DataExtent(planter)));
        yield return Case("a tree block is allocated at another level", Single, FindingKind.ExtentMismatch, planter =>
        {
            ItemPlace extent = planter.Find(ItemType.MetadataItem);
            planter.Rekey(extent, extent.Key with { Offset = extent.Key.Offset + 1 });
        });
        yield return Case("a tree block is allocated by another transaction", Single, FindingKind.ExtentMismatch, planter =>
            planter.Change(planter.Find(ItemType.MetadataItem), (ref ExtentItem item) => item.Generation = item.Generation - 1));
        yield return Case("a data extent is longer than its file extents say", Single, FindingKind.ExtentMismatch, planter =>
        {
            ItemPlace extent = planter.Find(ItemType.ExtentItem, item => item.Key.Offset > 4096);
            planter.Rekey(extent, extent.Key with { Offset = extent.Key.Offset - 4096 });
        });
        yield return Case("extents overlap within a leaf", Mixed, FindingKind.CorruptBlock, planter =>
        {
            ItemPlace extent = planter.Find(ItemType.ExtentItem);
            planter.Rekey(extent, extent.Key with { Offset = 1 << 20 });
        });
        yield return Case("extents overlap across leaves", Single, FindingKind.ExtentOverlap, planter =>
        {
            Key[][] leaves = [.. planter.Image.Items.Where(item => item.Block.Root == ObjectIds.ExtentTree)
                .GroupBy(item => item.Block.Logical).Select(leaf => leaf.Select(item => item.Key).Order().ToArray()).OrderBy(keys => keys[0])];
            int next = Array.FindIndex(leaves, 1, keys => leaves[Array.IndexOf(leaves, keys) - 1][^1].Type is ItemType.ExtentItem or ItemType.MetadataItem);
            Key last = leaves[next - 1][^1];
            planter.Rekey(planter.Find(leaves[next][0], ObjectIds.ExtentTree), last with { Offset = last.Offset + (last.Type == ItemType.ExtentItem ? 4096u : 1) });
        });
    }

    private static IEnumerable<TestCaseData> Space()
    {
        yield return Case("a block group counts too much as used", Single, FindingKind.BlockGroupUsed, planter =>
            planter.Change(planter.Find(ItemType.BlockGroupItem), (ref BlockGroupItem item) => item.Used = item.Used + 4096));
        yield return Case("the superblock counts too much as used", Single, FindingKind.SuperblockBytesUsed, planter =>
            planter.ChangeSuper((ref Superblock super) => super.BytesUsed = super.BytesUsed + 4096));
        yield return Case("the superblock counts bytes that no device has", Single, FindingKind.Superblock, planter =>
            planter.ChangeSuper((ref Superblock super) => super.TotalBytes = super.TotalBytes + 4096));
        yield return Case("a device counts too much as used", Single, FindingKind.DeviceBytesUsed, planter =>
            planter.Change(planter.Find(ItemType.DevItem), (ref DevItem item) => item.BytesUsed = item.BytesUsed - 65536));
        yield return Case("the superblock's device differs from the chunk tree's", Single, FindingKind.Device, planter =>
            planter.ChangeSuper((ref Superblock super) => super.DevItem.BytesUsed = super.DevItem.BytesUsed - 65536));
        yield return Case("a device extent is missing", Single, FindingKind.MissingDevExtent, planter => planter.Remove(planter.Find(ItemType.DevExtent)));
        yield return Case("a device extent belongs to no chunk", Single, FindingKind.ExtraDevExtent, planter =>
            planter.Change(planter.Find(ItemType.DevExtent), (ref DevExtent item) => item.ChunkOffset = item.ChunkOffset + 65536));
        yield return Case("a block group is missing", Single, FindingKind.MissingBlockGroup, planter => planter.Remove(planter.Find(ItemType.BlockGroupItem)));
        yield return Case("a block group has no chunk", Single, FindingKind.ExtraBlockGroup, planter =>
        {
            ItemPlace group = planter.Find(ItemType.BlockGroupItem);
            planter.Add(ObjectIds.ExtentTree, new Key(1UL << 40, ItemType.BlockGroupItem, 1 << 20), planter.Data(group).ToArray());
        });
        yield return Case("data lies in a block group for metadata", Single, FindingKind.ExtentOutsideBlockGroup, planter =>
            planter.Change(
                planter.Find(ItemType.BlockGroupItem, item => planter.Read<BlockGroupItem>(item).Flags == BlockGroupFlags.Data),
                (ref BlockGroupItem item) => item.Flags = BlockGroupFlags.Metadata));
        yield return Case("free space is not in the free-space tree", Single, FindingKind.FreeSpace, planter => planter.Remove(FreeRange(planter)));
        yield return Case("a run of free space is too short", Single, FindingKind.FreeSpace, planter =>
        {
            ItemPlace range = FreeRange(planter);
            planter.Rekey(range, range.Key with { Offset = range.Key.Offset - 4096 });
        });
        yield return Case("what is in use counts as free", Single, FindingKind.FreeSpace, planter =>
        {
            ItemPlace range = planter.Find(ItemType.FreeSpaceExtent, item => item.Key.ObjectId > planter.Find(ItemType.BlockGroupItem).Key.ObjectId);
            planter.Rekey(range, new Key(range.Key.ObjectId - 4096, range.Key.Type, range.Key.Offset + 4096));
        });
        yield return Case("a block group counts a run of free space too many", Single, FindingKind.FreeSpace, planter =>
        {
            ItemPlace group = planter.Find(ItemType.BlockGroupItem);
            planter.Change(
                planter.Find(new Key(group.Key.ObjectId, ItemType.FreeSpaceInfo, group.Key.Offset), ObjectIds.FreeSpaceTree),
                (ref FreeSpaceInfo info) => info.ExtentCount = info.ExtentCount + 1);
        });
    }

    private static IEnumerable<TestCaseData> Data()
    {
        yield return Case("checksums are missing", Single, FindingKind.MissingChecksum, planter => planter.Remove(planter.Find(ItemType.ExtentCsum)));
        yield return Case("the last checksum of a run is missing", Single, FindingKind.MissingChecksum, planter =>
            planter.Replace(planter.Find(ItemType.ExtentCsum), data => data[..^4]));
        yield return Case("there are checksums of free space", Single, FindingKind.OrphanChecksum, planter =>
            planter.Add(ObjectIds.CsumTree, new Key(ObjectIds.ExtentCsum, ItemType.ExtentCsum, 1UL << 40), new byte[4]));
        yield return Case("a file without checksums has some", Single, FindingKind.UnexpectedChecksum, planter =>
            planter.Change(planter.Find(ItemType.InodeItem, item => HasChecksums(planter, item)), (ref InodeItem inode) => inode.Flags = inode.Flags | (ulong)InodeFlags.NoDataSum));
        yield return Case("nbytes is wrong", Single, FindingKind.FileBytes, planter =>
            planter.Change(planter.Find(ItemType.InodeItem, item => IsFile(planter, item)), (ref InodeItem inode) => inode.NBytes = inode.NBytes + 4096));
        yield return Case("a hole has no file extent", Mixed, FindingKind.FileExtentGap, planter =>
            planter.Remove(planter.Find(ItemType.ExtentData, item => item.Key.Offset > 0)));
        yield return Case("file extents overlap within a leaf", Single, FindingKind.CorruptBlock, planter =>
        {
            ItemPlace later = planter.Find(ItemType.ExtentData, item => item.Key.Offset > 4096);
            planter.Rekey(later, later.Key with { Offset = later.Key.Offset - 4096 });
        });
    }

    private static IEnumerable<TestCaseData> Names()
    {
        yield return Case("a directory index is missing", Single, FindingKind.MissingDirIndex, planter => planter.Remove(planter.Find(ItemType.DirIndex)));
        yield return Case("a directory item is missing", Single, FindingKind.MissingDirItem, planter =>
            planter.Remove(planter.Find(ItemType.DirItem, item => ObjectIds.IsFileTree(item.Block.Root))));
        yield return Case("an inode lacks its name", Single, FindingKind.MissingInodeRef, planter =>
            planter.Remove(planter.Find(ItemType.InodeRef, item => item.Key.ObjectId > ObjectIds.FirstFree && ObjectIds.IsFileTree(item.Block.Root))));
        yield return Case("an index leads to no inode", Single, FindingKind.DanglingEntry, planter =>
            planter.Change(LeafEntry(planter), (ref DirItem entry) => entry.Location = new DiskKey(new Key(999_999, ItemType.InodeItem, 0))));
        yield return Case("an index leads to another inode", Single, FindingKind.MissingInodeRef, planter =>
            planter.Change(LeafEntry(planter), (ref DirItem entry) => entry.Location = new DiskKey(new Key(ObjectIds.FirstFree, ItemType.InodeItem, 0))));
        yield return Case("an entry has the type of something else", Single, FindingKind.EntryType, planter =>
        {
            ItemPlace index = LeafEntry(planter);
            Span<byte> name = planter.Data(index)[DirItem.Size..];
            planter.Change(index, (ref DirItem entry) => entry.Type = DirEntryType.Fifo);
            Key key = new(index.Key.ObjectId, ItemType.DirItem, NameHash.OfName(name));
            planter.Change(planter.Image.Items.First(item => item.Key == key && item.Block.Root == index.Block.Root), (ref DirItem entry) => entry.Type = DirEntryType.Fifo);
        });
        yield return Case("a directory has the wrong size", Single, FindingKind.DirectorySize, planter =>
            planter.Change(planter.Find(ItemType.InodeItem, item => InodeMode.IsDirectory(planter.Read<InodeItem>(item).Mode) && ObjectIds.IsFileTree(item.Block.Root)), (ref InodeItem inode) => inode.FileSize = inode.FileSize + 2));
        yield return Case("an inode counts a link too many", Single, FindingKind.LinkCount, planter =>
            planter.Change(planter.Find(ItemType.InodeItem, item => IsFile(planter, item)), (ref InodeItem inode) => inode.NLink = inode.NLink + 1));
    }

    private static IEnumerable<TestCaseData> Inodes()
    {
        yield return Case("an inode with links has an orphan item", Single, FindingKind.StaleOrphanItem, planter =>
        {
            ItemPlace inode = planter.Find(ItemType.InodeItem, item => IsFile(planter, item));
            planter.Add(inode.Block.Root, new Key(ObjectIds.Orphan, ItemType.OrphanItem, inode.Key.ObjectId), []);
        });
        yield return Case("an inode without links has no orphan item", Single, FindingKind.MissingOrphanItem, planter =>
        {
            ItemPlace name = planter.Find(ItemType.InodeRef, item => item.Key.ObjectId > ObjectIds.FirstFree && ObjectIds.IsFileTree(item.Block.Root));
            planter.Change(planter.Find(ItemType.InodeItem, item => item.Key.ObjectId == name.Key.ObjectId && item.Block == name.Block), (ref InodeItem inode) => inode.NLink = 0);
            planter.Remove(name);
        });
        yield return Case("a fifo has file extents", Single, FindingKind.InodeType, planter =>
            planter.Change(planter.Find(ItemType.InodeItem, item => IsFile(planter, item)), (ref InodeItem inode) => inode.Mode = InodeMode.Fifo | 0x1A4));
        yield return Case("a symbolic link has no target", Single, FindingKind.InodeType, planter =>
        {
            ItemPlace link = planter.Find(ItemType.InodeItem, item => InodeMode.IsSymbolicLink(planter.Read<InodeItem>(item).Mode));
            planter.Remove(planter.Find(ItemType.ExtentData, item => item.Key.ObjectId == link.Key.ObjectId && item.Block == link.Block));
        });
    }

    private static IEnumerable<TestCaseData> Roots()
    {
        yield return Case("the uuid tree lacks a subvolume", Single, FindingKind.UuidTree, planter => planter.Remove(planter.Find(ItemType.UuidKeySubvol)));
        yield return Case("the uuid tree has another subvolume for a uuid", Single, FindingKind.UuidTree, planter =>
            planter.Change(planter.Find(ItemType.UuidKeySubvol), (ref Le64 root) => root = 9999));
        yield return Case("a link between subvolumes is missing", Single, FindingKind.RootRef, planter => planter.Remove(planter.Find(ItemType.RootRef)));
        yield return Case("a link back between subvolumes is missing", Single, FindingKind.RootRef, planter => planter.Remove(planter.Find(ItemType.RootBackref)));
        yield return Case("a link between subvolumes names another directory", Single, FindingKind.RootRef, planter =>
            planter.Change(planter.Find(ItemType.RootRef), (ref RootRef link) => link.DirId = link.DirId + 1));
        yield return Case("the default subvolume does not exist", Single, FindingKind.DefaultSubvolume, planter =>
            planter.Change(planter.Find(ItemType.DirItem, item => item.Block.Root == ObjectIds.RootTree), (ref DirItem entry) => entry.Location = new DiskKey(new Key(9999, ItemType.RootItem, ulong.MaxValue))));
        yield return Case("a subvolume without references has no orphan item", Single, FindingKind.MissingOrphanItem, planter =>
            planter.Change(planter.Find(ItemType.RootItem, item => item.Key.ObjectId is >= ObjectIds.FirstFree and <= ObjectIds.LastFree), (ref RootItem root) => root.Refs = 0));
        yield return Case("a subvolume with references has an orphan item", Single, FindingKind.StaleOrphanItem, planter =>
            planter.Add(ObjectIds.RootTree, new Key(ObjectIds.Orphan, ItemType.OrphanItem, planter.Find(ItemType.RootItem, item => item.Key.ObjectId >= ObjectIds.FirstFree).Key.ObjectId), []));
        yield return Case("a subvolume has its top directory elsewhere", Single, FindingKind.RootItem, planter =>
            planter.Change(planter.Find(ItemType.RootItem, item => item.Key.ObjectId == ObjectIds.FsTree), (ref RootItem root) => root.RootDirId = 257));
        yield return Case("a quota group counts too much as referenced", Quota, FindingKind.Qgroup, planter =>
            planter.Change(planter.Find(ItemType.QgroupInfo), (ref QgroupInfoItem info) => info.Referenced = info.Referenced + 4096));
        yield return Case("a quota group counts too much as exclusive", Quota, FindingKind.Qgroup, planter =>
            planter.Change(planter.Find(ItemType.QgroupInfo, item => item.Key.Offset >= ObjectIds.FirstFree), (ref QgroupInfoItem info) => info.Exclusive = info.Exclusive + 4096));
    }

    private static TestCaseData Case(string name, string image, FindingKind expected, Action<Planter> plant) =>
        new TestCaseData(image, expected, plant).SetName($"Planted_damage_is_found({name})");

    private static ItemPlace DataExtent(Planter planter) => planter.Find(
        ItemType.ExtentItem,
        item => planter.Data(item).Length == ExtentItem.Size + 1 + ExtentDataRef.Size && (planter.Read<ExtentItem>(item).Flags & ExtentFlags.Data) != 0);

    private static void RenameOwner(Planter planter)
    {
        ItemPlace extent = planter.Find(
            ItemType.MetadataItem,
            item => MemoryMarshal.AsRef<ExtentInlineRef>(planter.Data(item)[ExtentItem.Size..]) is { Type: ItemType.TreeBlockRef } reference && reference.Offset == ObjectIds.CsumTree);
        MemoryMarshal.AsRef<ExtentInlineRef>(planter.Data(extent)[ExtentItem.Size..]).Offset = ObjectIds.UuidTree;
    }

    private static ItemPlace FreeRange(Planter planter)
    {
        ulong first = planter.Find(ItemType.BlockGroupItem).Key.ObjectId;
        return planter.Find(ItemType.FreeSpaceExtent, item => item.Key.ObjectId >= first && item.Key.Offset > 4096);
    }

    /// <summary>The index of a file, in a tree of files.</summary>
    private static ItemPlace LeafEntry(Planter planter) => planter.Find(
        ItemType.DirIndex,
        item => planter.Read<DirItem>(item) is { Type: DirEntryType.RegularFile } && ObjectIds.IsFileTree(item.Block.Root)
            && planter.Image.Items.Any(other => other.Block.Root == item.Block.Root && other.Key == new Key(item.Key.ObjectId, ItemType.DirItem, NameHash.OfName(planter.Data(item)[DirItem.Size..]))));

    private static bool IsFile(Planter planter, ItemPlace item) =>
        ObjectIds.IsFileTree(item.Block.Root) && InodeMode.IsRegular(planter.Read<InodeItem>(item).Mode) && planter.Read<InodeItem>(item) is { NLink.Value: > 0, NBytes.Value: > 0 };

    /// <summary>Whether the inode's extents and its item lie in one leaf, and the first extent has checksums.</summary>
    private static bool HasChecksums(Planter planter, ItemPlace inode) =>
        IsFile(planter, inode) && planter.Image.Items.Any(item => item.Block == inode.Block && item.Key == new Key(inode.Key.ObjectId, ItemType.ExtentData, 0)
            && planter.Data(item)[FileExtentItem.InlineHeaderSize - 1] == (byte)FileExtentType.Regular && planter.Read<FileExtentItem>(item).DiskBytenr != 0
            && ((InodeFlags)planter.Read<InodeItem>(inode).Flags.Value & InodeFlags.NoDataSum) == 0);

    /// <summary>Whether other inodes stand before and behind it in its leaf: those at the ends belong to each tree that holds the leaf.</summary>
    private static bool IsInside(Planter planter, ItemPlace inode)
    {
        ulong[] inodes = [.. planter.Image.Items.Where(item => item.Block == inode.Block).Select(item => item.Key.ObjectId)];
        return inodes.Min() < inode.Key.ObjectId && inode.Key.ObjectId < inodes.Max();
    }

    private static bool IsShared(Planter planter, ulong block) =>
        planter.Image.ItemsByType[ItemType.MetadataItem].Any(item => item.Key.ObjectId == block && planter.Read<ExtentItem>(item).Refs > 1);
}
