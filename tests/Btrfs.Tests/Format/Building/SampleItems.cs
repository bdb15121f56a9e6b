using System.Text;
using Btrfs.Format;
using static Btrfs.Tests.Format.Building.Records;

namespace Btrfs.Tests.Format.Building;

/// <summary>One good item of each kind, small and plain, for tests to break.</summary>
internal static class SampleItems
{
    public const ulong FileNumber = 257;
    public const ulong Megabyte = 1 << 20;

    public static TestItem AnInode(ulong inode = FileNumber, uint mode = InodeMode.Regular | 0x1A4) =>
        new TestItem(new Key(inode, ItemType.InodeItem, 0), new byte[InodeItem.Size])
            .Set<InodeItem>(nameof(InodeItem.Generation), 10)
            .Set<InodeItem>(nameof(InodeItem.TransId), 10)
            .Set<InodeItem>(nameof(InodeItem.NLink), 1)
            .Set<InodeItem>(nameof(InodeItem.Mode), mode);

    public static TestItem Refs(params string[] names) => new(
        new Key(FileNumber, ItemType.InodeRef, 256),
        [.. names.SelectMany(name => Bytes(2UL, (ushort)Encoding.UTF8.GetByteCount(name), name))]);

    public static TestItem Extrefs(params string[] names) => new(
        new Key(FileNumber, ItemType.InodeExtref, NameHash.OfExtref(256, Encoding.UTF8.GetBytes(names[0]))),
        [.. names.SelectMany(name => Bytes(256UL, 2UL, (ushort)Encoding.UTF8.GetByteCount(name), name))]);

    public static TestItem HashEntry(string name) =>
        Entry(new Key(256, ItemType.DirItem, NameHash.OfName(Encoding.UTF8.GetBytes(name))), name);

    public static TestItem IndexEntry(string name) => Entry(new Key(256, ItemType.DirIndex, 2), name);

    public static TestItem Xattr(string name, string value) => new(
        new Key(FileNumber, ItemType.XattrItem, NameHash.OfName(Encoding.UTF8.GetBytes(name))),
        Bytes(default(Key), 10UL, (ushort)value.Length, (ushort)name.Length, (byte)DirEntryType.Xattr, name, value));

    public static TestItem InlineExtent(int length, CompressionType compression = CompressionType.None, ulong? ramBytes = null) => new(
        new Key(FileNumber, ItemType.ExtentData, 0),
        Bytes(10UL, ramBytes ?? (ulong)length, (byte)compression, (byte)0, (ushort)0, (byte)FileExtentType.Inline, new byte[length]));

    public static TestItem Extent(ulong fileOffset, ulong numBytes, CompressionType compression = CompressionType.None) => new(
        new Key(FileNumber, ItemType.ExtentData, fileOffset),
        Bytes(10UL, numBytes, (byte)compression, (byte)0, (ushort)0, (byte)FileExtentType.Regular, Megabyte, numBytes, 0UL, numBytes));

    public static TestItem Checksums(ulong logical, int count, ChecksumType type = ChecksumType.Crc32C) => new(
        new Key(ObjectIds.ExtentCsum, ItemType.ExtentCsum, logical), new byte[count * ChecksumTypes.Size(type)]);

    public static TestItem ARoot(ulong root = 256, int size = RootItem.Size) =>
        new TestItem(new Key(root, ItemType.RootItem, 0), new byte[size])
            .Set<RootItem>(nameof(RootItem.Generation), 10)
            .Set<RootItem>(nameof(RootItem.Bytenr), Megabyte)
            .Set<RootItem>(nameof(RootItem.Refs), 1);

    public static TestItem ARootRef(string name) => new(
        new Key(5, ItemType.RootRef, 256), Bytes(256UL, 2UL, (ushort)Encoding.UTF8.GetByteCount(name), name));

    public static TestItem DataExtent(ulong refs, params byte[][] inlineRefs) => new(
        new Key(Megabyte, ItemType.ExtentItem, 8192), Bytes(refs, 10UL, (ulong)ExtentFlags.Data, inlineRefs.SelectMany(bytes => bytes).ToArray()));

    public static TestItem TreeBlock(ulong refs, params byte[][] inlineRefs) => new(
        new Key(Megabyte, ItemType.MetadataItem, 0), Bytes(refs, 10UL, (ulong)ExtentFlags.TreeBlock, inlineRefs.SelectMany(bytes => bytes).ToArray()));

    public static TestItem FatTreeBlock(byte level, ulong refs, params byte[][] inlineRefs) => new(
        new Key(Megabyte, ItemType.ExtentItem, 16384),
        Bytes(refs, 10UL, (ulong)ExtentFlags.TreeBlock, default(Key), level, inlineRefs.SelectMany(bytes => bytes).ToArray()));

    public static byte[] InlineRef(ItemType type, ulong offset) => Bytes(type, offset);

    public static byte[] InlineSharedData(ulong parent, uint count) => Bytes(ItemType.SharedDataRef, parent, count);

    public static byte[] DataRef(ulong root = 5, ulong inode = FileNumber, ulong offset = 0, uint count = 1) => Bytes(root, inode, offset, count);

    public static byte[] InlineDataRef(ulong root = 5, ulong inode = FileNumber, ulong offset = 0, uint count = 1) =>
        Bytes(ItemType.ExtentDataRef, DataRef(root, inode, offset, count));

    public static TestItem BlockGroup(BlockGroupFlags flags = BlockGroupFlags.Data) => new(
        new Key(Megabyte, ItemType.BlockGroupItem, 8 * Megabyte), Bytes(4096UL, ObjectIds.FirstChunkTree, (ulong)flags));

    public static TestItem Device() =>
        new TestItem(new Key(ObjectIds.DevItems, ItemType.DevItem, 1), new byte[DevItem.Size])
            .Set<DevItem>(nameof(DevItem.DeviceId), 1)
            .Set<DevItem>(nameof(DevItem.TotalBytes), 100 * Megabyte)
            .Set<DevItem>(nameof(DevItem.BytesUsed), 10 * Megabyte);

    public static TestItem DeviceExtent(ulong start = Megabyte) => new(
        new Key(1, ItemType.DevExtent, start),
        Bytes(ObjectIds.ChunkTree, ObjectIds.FirstChunkTree, 16 * Megabyte, 8 * Megabyte, new byte[Uuid.Size]));

    public static TestItem Chunk(BlockGroupFlags type = BlockGroupFlags.Data, int stripes = 1, ushort subStripes = 1) => new(
        new Key(ObjectIds.FirstChunkTree, ItemType.ChunkItem, 16 * Megabyte),
        Bytes(
            8 * Megabyte, 2UL, (ulong)FormatLimits.StripeLength, (ulong)type, 65536U, 65536U, 4096U, (ushort)stripes, subStripes,
            Enumerable.Range(1, stripes).SelectMany(device => Bytes((ulong)device, Megabyte, new byte[Uuid.Size])).ToArray()));

    private static TestItem Entry(Key key, string name) => new(
        key,
        Bytes(new Key(FileNumber, ItemType.InodeItem, 0), 10UL, (ushort)0, (ushort)Encoding.UTF8.GetByteCount(name), (byte)DirEntryType.RegularFile, name));
}
