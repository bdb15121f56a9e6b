using Btrfs.Format;
using Btrfs.Tests.Format.Building;
using static Btrfs.Tests.Format.Building.GateAssert;
using static Btrfs.Tests.Format.Building.SampleItems;

namespace Btrfs.Tests.Format;

/// <summary>Items of trees of files: inodes, names, attributes, file extents.</summary>
public sealed class FileTreeCheckTests
{
    private const int EntryHead = DirItem.Size;
    private static readonly BlockBuilder s_builder = new();
    private static readonly string s_longest = new('n', FormatLimits.MaxNameLength);

    private static IEnumerable<TestCaseData> GoodLeaves()
    {
        yield return Good("an inode with everything", AnInode(256, InodeMode.Directory), Refs("name", s_longest) with { Key = new Key(256, ItemType.InodeRef, 300) }, HashEntry("a"), IndexEntry("a"));
        yield return Good("a file", AnInode(), Refs("name", s_longest), Extrefs("name", s_longest), Xattr("user.x/y", "value"), Extent(0, 4096), Extent(8192, 4096));
        yield return Good("a root directory that is its own parent", AnInode(256, InodeMode.Directory), Refs("..") with { Key = new Key(256, ItemType.InodeRef, 256) });
        yield return Good("an inline extent", InlineExtent(100), Extent(4096, 4096));
        yield return Good("an empty inline extent", InlineExtent(0));
        yield return Good("a compressed inline extent", InlineExtent(100, CompressionType.Zstd, 4000), Extent(4096, 4096));
        yield return Good("a hole", Extent(0, 1 << 30).Set<FileExtentItem>(nameof(FileExtentItem.DiskBytenr), 0).Set<FileExtentItem>(nameof(FileExtentItem.DiskNumBytes), 0));
        yield return Good("the largest compressed extent", Extent(0, 131072, CompressionType.Lzo));
        yield return Good("an inode one generation ahead of the superblock", AnInode().Set<InodeItem>(nameof(InodeItem.TransId), 11));
        yield return Good("a verity descriptor and its bytes", new(new Key(FileNumber, ItemType.VerityDescItem, 0), new byte[25]), new(new Key(FileNumber, ItemType.VerityDescItem, 1), new byte[256]));
        foreach (uint type in new[] { InodeMode.Fifo, InodeMode.CharacterDevice, InodeMode.BlockDevice, InodeMode.SymbolicLink, InodeMode.Socket })
            yield return Good($"file type {type:x}", AnInode(mode: type | 0x1FF));
    }

    [TestCaseSource(nameof(GoodLeaves))]
    public void A_good_leaf_passes(object items) => Assert.DoesNotThrow(() => s_builder.Verify(s_builder.Leaf((TestItem[])items)));

    private static IEnumerable<TestCaseData> BrokenInodes()
    {
        yield return Case("short", "invalid item size", AnInode().Cut(1));
        yield return Case("long", "invalid item size", AnInode().Grow(1));
        yield return Case("number too small", "invalid inode number", AnInode(255));
        yield return Case("number too large", "invalid inode number", AnInode(ObjectIds.LastFree + 1));
        yield return Case("key offset", "offset of an inode key", AnInode().With(key => key with { Offset = 1 }));
        yield return Case("future generation", "invalid inode generation", AnInode().Set<InodeItem>(nameof(InodeItem.Generation), 12));
        yield return Case("future transid", "invalid inode transid", AnInode().Set<InodeItem>(nameof(InodeItem.TransId), ulong.MaxValue));
        yield return Case("mode bits", "unknown mode bits 0x10000", AnInode(mode: InodeMode.Regular | 0x10000));
        yield return Case("no file type", "expect a file type", AnInode(mode: 0x1A4));
        yield return Case("undefined file type", "expect a file type", AnInode(mode: 0xE1A4));
        yield return Case("linked directory", "nlink of a directory", AnInode(mode: InodeMode.Directory).Set<InodeItem>(nameof(InodeItem.NLink), 2));
        yield return Case("flags", "unknown inode flags 0x1000", AnInode().Set<InodeItem>(nameof(InodeItem.Flags), 0x1000));
        yield return Case("verity descriptor", "invalid item size", new TestItem(new Key(FileNumber, ItemType.VerityDescItem, 0), new byte[24]));
    }

    private static IEnumerable<TestCaseData> BrokenNames()
    {
        foreach ((TestItem good, int head) in new[] { (Refs("name"), InodeRef.Size), (Extrefs("name"), InodeExtref.Size), (IndexEntry("name"), EntryHead), (ARootRef("name"), RootRef.Size) })
        {
            string type = good.Key.Type.ToString();
            yield return Case($"{type} empty", "crosses the item's end", good.With([]));
            yield return Case($"{type} cut in its head", "crosses the item's end", good.With(good.Data[..(head - 1)]));
            yield return Case($"{type} cut in its name", "crosses the item's end", good.Cut(1));
            yield return Case($"{type} slash", "a slash or a null byte", good.With([.. good.Data[..^1], (byte)'/']));
            yield return Case($"{type} null", "a slash or a null byte", good.With([.. good.Data[..^1], 0]));
        }

        yield return Case("InodeRef without a name", "invalid name length, have 0", Refs(""));
        yield return Case("InodeRef too long", "invalid name length, have 256", Refs(s_longest + "n"));
        yield return Case("InodeRef second entry cut", "crosses the item's end", Refs("a", "b").Cut(2));
        yield return Case("InodeRef parent as a name", "have .. for an entry", Refs(".."));
        yield return Case("InodeExtref without a name", "invalid name length, have 0", Extrefs(""));
        yield return Case("InodeExtref too long", "invalid name length, have 256", Extrefs(s_longest + "n"));
        yield return Case("RootRef with more behind its name", "invalid root ref size", ARootRef("a").Grow(1));
        yield return Case("RootRef without a name", "invalid name length", ARootRef(""));
        yield return Case("DirItem dot", "have . for an entry", HashEntry("."));
        yield return Case("DirIndex dot dot", "have .. for an entry", IndexEntry(".."));
        yield return Case("DirIndex without a name", "invalid name length", IndexEntry(""));
        yield return Case("DirIndex too long", "invalid name length", IndexEntry(s_longest + "n"));
        yield return Case("Xattr without a name", "invalid name length", Xattr("", "v"));
        yield return Case("Xattr cut in its value", "crosses the item's end", Xattr("user.x", "v").Cut(1));
        yield return Case("DirItem hash", "name hash mismatch", HashEntry("name").With(key => key with { Offset = key.Offset ^ 1 }));
        yield return Case("Xattr hash", "name hash mismatch", Xattr("user.x", "v").With(key => key with { Offset = key.Offset ^ 1 }));
        yield return Case("DirItem of an unknown type", "invalid dir item type", HashEntry("a").Set<DirItem>(nameof(DirItem.Type), 0));
        yield return Case("DirItem of type 9", "invalid dir item type", HashEntry("a").Set<DirItem>(nameof(DirItem.Type), 9));
        yield return Case("DirItem that is an xattr", "invalid dir item type", HashEntry("a").Set<DirItem>(nameof(DirItem.Type), 8));
        yield return Case("Xattr that is a file", "invalid dir item type", Xattr("user.x", "v").Set<DirItem>(nameof(DirItem.Type), 1));
        yield return Case("DirItem with data", "data length of a directory entry", HashEntry("a").Set<DirItem>(nameof(DirItem.DataLength), 1).Grow(1));
        yield return Case("Xattr with a location", "location of an xattr", Xattr("user.x", "v").With([1, .. Xattr("user.x", "v").Data[1..]]));
        yield return Case("DirItem at a bad inode", "invalid inode number", HashEntry("a").With([1, 0, .. HashEntry("a").Data[2..]]));
        yield return Case("DirItem at another kind of item", "location of a directory entry", Located(new Key(257, ItemType.ExtentItem, 0)));
        yield return Case("DirItem at a tree without files", "location of a directory entry", Located(new Key(2, ItemType.RootItem, ulong.MaxValue)));
        yield return Case("entry behind another inode", "invalid previous key objectid", AnInode(200 + 56), Refs("name"));
    }

    private static IEnumerable<TestCaseData> BrokenExtents()
    {
        TestItem good = Extent(4096, 8192);
        TestItem packed = Extent(4096, 8192, CompressionType.Zlib);
        yield return Case("unaligned offset", "unaligned file offset", good.With(key => key with { Offset = 4097 }));
        yield return Case("shorter than its head", "invalid file extent size", good.With(new byte[20]));
        yield return Case("type", "invalid file extent type", good.Set<FileExtentItem>(nameof(FileExtentItem.Type), 3));
        yield return Case("compression", "invalid compression", good.Set<FileExtentItem>(nameof(FileExtentItem.Compression), 4));
        yield return Case("encryption", "invalid encryption", good.Set<FileExtentItem>(nameof(FileExtentItem.Encryption), 1));
        yield return Case("regular but short", "invalid item size", good.Cut(1));
        yield return Case("regular but long", "invalid item size", good.Grow(1));
        foreach (string member in new[] { nameof(FileExtentItem.RamBytes), nameof(FileExtentItem.DiskBytenr), nameof(FileExtentItem.DiskNumBytes), nameof(FileExtentItem.Offset), nameof(FileExtentItem.NumBytes) })
            yield return Case($"unaligned {member}", "expect a multiple of 4096", good.Set<FileExtentItem>(member, 8191));
        yield return Case("no bytes", "invalid num_bytes", good.Set<FileExtentItem>(nameof(FileExtentItem.NumBytes), 0));
        yield return Case("end overflows", "file extent end overflows", good.Set<FileExtentItem>(nameof(FileExtentItem.NumBytes), ulong.MaxValue - 4095));
        yield return Case("no disk bytes", "invalid disk_num_bytes", good.Set<FileExtentItem>(nameof(FileExtentItem.DiskNumBytes), 0));
        yield return Case("disk end overflows", "invalid disk_num_bytes", good.Set<FileExtentItem>(nameof(FileExtentItem.DiskBytenr), ulong.MaxValue - 4095));
        yield return Case("shows more than it has", "exceeds its extent", good.Set<FileExtentItem>(nameof(FileExtentItem.NumBytes), 12288));
        yield return Case("begins behind its end", "exceeds its extent", good.Set<FileExtentItem>(nameof(FileExtentItem.Offset), 12288));
        yield return Case("shows more than is decoded", "exceeds its extent", packed.Set<FileExtentItem>(nameof(FileExtentItem.Offset), 4096));
        yield return Case("decodes to too much", "compressed extent too large", packed.Set<FileExtentItem>(nameof(FileExtentItem.RamBytes), 1 << 20));
        yield return Case("encoded in too much", "compressed extent too large", packed.Set<FileExtentItem>(nameof(FileExtentItem.DiskNumBytes), 1 << 20));
        yield return Case("overlaps", "overlaps the previous one", Extent(0, 8192), Extent(4096, 4096));
        yield return Case("overlaps an inline extent", "overlaps the previous one", InlineExtent(4097), Extent(4096, 4096));
        yield return Case("inline away from the start", "file offset of an inline extent", InlineExtent(100).With(key => key with { Offset = 4096 }));
        yield return Case("inline of another length", "ram_bytes of an inline extent", InlineExtent(100, ramBytes: 101));
        yield return Case("inline that decodes to too much", "ram_bytes of an inline extent", InlineExtent(100, CompressionType.Zlib, 1 << 20));
        yield return Case("behind another inode", "invalid previous key objectid", AnInode(256), good);
    }

    [TestCaseSource(nameof(BrokenInodes))]
    [TestCaseSource(nameof(BrokenNames))]
    [TestCaseSource(nameof(BrokenExtents))]
    public void A_broken_member_is_refused(object items, string reason) =>
        Refuses(s_builder, s_builder.Leaf((TestItem[])items), reason);

    [Test]
    public void A_sparse_log_tree_passes()
    {
        BlockBuilder builder = new() { Owner = ObjectIds.TreeLog };
        Assert.DoesNotThrow(() => builder.Verify(builder.Leaf(AnInode(256, InodeMode.Directory), Refs("name"))));
    }

    [Test]
    public void Names_whose_hashes_collide_share_an_item()
    {
        (string first, string second) = CollidingNames();
        TestItem one = HashEntry(first);
        TestItem both = one.With([.. one.Data, .. HashEntry(second).Data]);
        Assert.DoesNotThrow(() => s_builder.Verify(s_builder.Leaf(both)));
        Refuses(s_builder, s_builder.Leaf(one.With([.. one.Data, .. HashEntry("other").Data])), "name hash mismatch");
    }

    private static (string First, string Second) CollidingNames()
    {
        Dictionary<uint, string> seen = [];
        Random random = new(1);
        while (true)
        {
            string name = random.NextInt64().ToString("x", System.Globalization.CultureInfo.InvariantCulture);
            uint hash = NameHash.OfName(System.Text.Encoding.UTF8.GetBytes(name));
            if (!seen.TryAdd(hash, name))
                return (seen[hash], name);
        }
    }

    private static TestItem Located(Key location)
    {
        TestItem good = HashEntry("a");
        return good.With([.. Records.Bytes(location), .. good.Data[DiskKey.Size..]]);
    }
}
