using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Tests.Format;

/// <summary>Every on-disk record on one screen: its size here, its declared size, and the offsets that readers lean on.</summary>
public sealed class LayoutTests
{
    private static readonly (string Name, int Actual, int Declared)[] s_sizes =
    [
        (nameof(Le16), Unsafe.SizeOf<Le16>(), 2),
        (nameof(Le32), Unsafe.SizeOf<Le32>(), 4),
        (nameof(Le64), Unsafe.SizeOf<Le64>(), 8),
        (nameof(Uuid), Unsafe.SizeOf<Uuid>(), Uuid.Size),
        (nameof(DiskKey), Unsafe.SizeOf<DiskKey>(), DiskKey.Size),
        (nameof(DiskTime), Unsafe.SizeOf<DiskTime>(), 12),
        (nameof(BlockHeader), Unsafe.SizeOf<BlockHeader>(), BlockHeader.Size),
        (nameof(KeyPointer), Unsafe.SizeOf<KeyPointer>(), KeyPointer.Size),
        (nameof(ItemHeader), Unsafe.SizeOf<ItemHeader>(), ItemHeader.Size),
        (nameof(Superblock), Unsafe.SizeOf<Superblock>(), Superblock.Size),
        (nameof(RootBackup), Unsafe.SizeOf<RootBackup>(), RootBackup.Size),
        (nameof(InodeItem), Unsafe.SizeOf<InodeItem>(), InodeItem.Size),
        (nameof(InodeRef), Unsafe.SizeOf<InodeRef>(), InodeRef.Size),
        (nameof(InodeExtref), Unsafe.SizeOf<InodeExtref>(), InodeExtref.Size),
        (nameof(DirItem), Unsafe.SizeOf<DirItem>(), DirItem.Size),
        (nameof(RootRef), Unsafe.SizeOf<RootRef>(), RootRef.Size),
        (nameof(FileExtentItem), Unsafe.SizeOf<FileExtentItem>(), FileExtentItem.Size),
        (nameof(RootItem), Unsafe.SizeOf<RootItem>(), RootItem.Size),
        (nameof(ExtentItem), Unsafe.SizeOf<ExtentItem>(), ExtentItem.Size),
        (nameof(TreeBlockInfo), Unsafe.SizeOf<TreeBlockInfo>(), TreeBlockInfo.Size),
        (nameof(ExtentInlineRef), Unsafe.SizeOf<ExtentInlineRef>(), ExtentInlineRef.Size),
        (nameof(ExtentDataRef), Unsafe.SizeOf<ExtentDataRef>(), ExtentDataRef.Size),
        (nameof(SharedDataRef), Unsafe.SizeOf<SharedDataRef>(), SharedDataRef.Size),
        (nameof(BlockGroupItem), Unsafe.SizeOf<BlockGroupItem>(), BlockGroupItem.Size),
        (nameof(FreeSpaceInfo), Unsafe.SizeOf<FreeSpaceInfo>(), FreeSpaceInfo.Size),
        (nameof(ChunkItem), Unsafe.SizeOf<ChunkItem>(), ChunkItem.Size),
        (nameof(StripeItem), Unsafe.SizeOf<StripeItem>(), StripeItem.Size),
        (nameof(DevItem), Unsafe.SizeOf<DevItem>(), DevItem.Size),
        (nameof(DevExtent), Unsafe.SizeOf<DevExtent>(), DevExtent.Size),
        (nameof(QgroupStatusItem), Unsafe.SizeOf<QgroupStatusItem>(), QgroupStatusItem.Size),
        (nameof(QgroupInfoItem), Unsafe.SizeOf<QgroupInfoItem>(), QgroupInfoItem.Size),
        (nameof(QgroupLimitItem), Unsafe.SizeOf<QgroupLimitItem>(), QgroupLimitItem.Size),
        (nameof(BalanceItem), Unsafe.SizeOf<BalanceItem>(), BalanceItem.Size),
        (nameof(BalanceArgs), Unsafe.SizeOf<BalanceArgs>(), BalanceArgs.Size),
        (nameof(FreeSpaceHeader), Unsafe.SizeOf<FreeSpaceHeader>(), FreeSpaceHeader.Size),
    ];

    [Test]
    public void Every_record_has_its_size_on_the_disk()
    {
        foreach ((string name, int actual, int declared) in s_sizes)
            Assert.That(actual, Is.EqualTo(declared), name);
    }

    [TestCase(typeof(Superblock), nameof(Superblock.Bytenr), 0x30)]
    [TestCase(typeof(Superblock), nameof(Superblock.Magic), 0x40)]
    [TestCase(typeof(Superblock), nameof(Superblock.LogRoot), 0x60)]
    [TestCase(typeof(Superblock), nameof(Superblock.NodeSize), 0x94)]
    [TestCase(typeof(Superblock), nameof(Superblock.RootLevel), 0xC6)]
    [TestCase(typeof(Superblock), nameof(Superblock.DevItem), 0xC9)]
    [TestCase(typeof(Superblock), nameof(Superblock.CacheGeneration), 0x22B)]
    [TestCase(typeof(Superblock), nameof(Superblock.MetadataUuidField), 0x23B)]
    [TestCase(typeof(Superblock), "_systemChunkArray", 0x32B)]
    [TestCase(typeof(Superblock), "_rootBackups", 0xB2B)]
    [TestCase(typeof(BlockHeader), nameof(BlockHeader.Fsid), 0x20)]
    [TestCase(typeof(BlockHeader), nameof(BlockHeader.Bytenr), 0x30)]
    [TestCase(typeof(BlockHeader), nameof(BlockHeader.Generation), 0x50)]
    [TestCase(typeof(BlockHeader), nameof(BlockHeader.Level), 0x64)]
    [TestCase(typeof(InodeItem), nameof(InodeItem.ATime), 112)]
    [TestCase(typeof(RootItem), nameof(RootItem.Generation), 160)]
    [TestCase(typeof(RootItem), nameof(RootItem.Bytenr), 176)]
    [TestCase(typeof(RootItem), nameof(RootItem.Level), 238)]
    [TestCase(typeof(RootItem), nameof(RootItem.Uuid), 247)]
    [TestCase(typeof(FileExtentItem), nameof(FileExtentItem.Type), 20)]
    [TestCase(typeof(FileExtentItem), nameof(FileExtentItem.DiskBytenr), FileExtentItem.InlineHeaderSize)]
    public void A_member_lies_where_the_format_puts_it(Type record, string member, int offset) =>
        Assert.That((int)Marshal.OffsetOf(record, member), Is.EqualTo(offset));

    [Test]
    public void The_superblock_magic_reads_as_its_letters() =>
        Assert.That(BitConverter.GetBytes(Superblock.ExpectedMagic), Is.EqualTo("_BHRfS_M"u8.ToArray()));
}
