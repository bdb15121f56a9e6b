using System.Runtime.InteropServices;
using System.Text;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Storage;

/// <summary>A file system opened through Btrfs.Storage alone: trees are walked whole, and files read extent by extent.</summary>
internal sealed class OpenedImages : IDisposable
{
    private const int SectorSize = 4096;
    private readonly Dictionary<ulong, BlockPointer> _roots = [];

    public OpenedImages(IReadOnlyList<string> images, DeviceOpenOptions? options = null)
    {
        Set = DeviceSet.Open(images, options ?? DeviceOpenOptions.Default);
        Reader = new ExtentBufferReader(Set.Volume, Set.Superblock, 8 << 20, Set.SeedFsids);
        Data = new DataReader(Set.Volume, Set.Superblock);
        Set.LoadChunkTree(Reader);
        ref readonly Superblock super = ref Set.Superblock;
        _roots[ObjectIds.RootTree] = new BlockPointer(new LogicalAddress(super.Root), super.Generation, super.RootLevel, null);
        foreach ((Key key, byte[] item) in Walk(ObjectIds.RootTree))
        {
            if (key.Type != ItemType.RootItem)
                continue;

            ref readonly RootItem root = ref MemoryMarshal.AsRef<RootItem>(item);
            _roots[key.ObjectId] = new BlockPointer(new LogicalAddress(root.Bytenr), root.Generation, root.Level, null);
        }
    }

    public DeviceSet Set { get; }

    public ExtentBufferReader Reader { get; }

    public DataReader Data { get; }

    public IEnumerable<ulong> Trees => _roots.Keys;

    /// <summary>All items of a tree, in order.</summary>
    public IEnumerable<(Key Key, byte[] Item)> Walk(ulong tree) => Walk(_roots[tree], tree);

    /// <summary>The begin of a file that has an extent there, as each mirror has it, not verified.</summary>
    public IEnumerable<byte[]> RawMirrors(string name, int length)
    {
        LogicalAddress address = new(ExtentsOf(InodeOf(name)).First().Item.DiskBytenr);
        for (int mirror = 1; mirror <= Set.Volume.MirrorCount(address); mirror++)
        {
            byte[] bytes = new byte[length];
            Set.Volume.Read(address, bytes, mirror);
            yield return bytes;
        }
    }

    /// <summary>A file's bytes, by the items of the trees and with the checksums of the checksum tree.</summary>
    public byte[] ReadFile(string name)
    {
        SortedDictionary<ulong, byte[]> sums = ReadChecksums();
        (ulong inode, byte[] content) = Prepare(name);
        bool verifies = name != "nocow";
        foreach (Extent extent in ExtentsOf(inode))
        {
            byte[] decoded = extent.Item.Type == FileExtentType.Inline ? extent.Inline : ReadExtent(extent, verifies ? sums : null);
            int offset = extent.Item.Type == FileExtentType.Inline ? 0 : (int)extent.Item.Offset.Value;
            int wanted = Math.Min(decoded.Length - offset, content.Length - (int)extent.FileOffset);
            decoded.AsSpan(offset, wanted).CopyTo(content.AsSpan((int)extent.FileOffset));
        }

        return content;
    }

    /// <summary>Every file that <see cref="KernelImages.Make"/> wrote is what the kernel read of it.</summary>
    public void AssertFiles(KernelImages images, string? except = null)
    {
        foreach (string file in KernelImages.Files.Where(file => file != except))
            Assert.That(ReadFile(file).AsSpan().SequenceEqual(images.KernelFile(file)), file);
    }

    public void Dispose() => Set.Dispose();

    private byte[] ReadExtent(Extent extent, SortedDictionary<ulong, byte[]>? sums)
    {
        FileExtentItem item = extent.Item;
        if (item.DiskBytenr == 0 || item.Type == FileExtentType.Prealloc)
            return new byte[item.Offset + item.NumBytes];

        byte[] disk = new byte[item.DiskNumBytes];
        List<byte> wanted = [];
        for (ulong sector = item.DiskBytenr; sums is not null && sector < item.DiskBytenr + item.DiskNumBytes; sector += SectorSize)
            wanted.AddRange(sums[sector]);
        Data.Read(new LogicalAddress(item.DiskBytenr), disk, wanted.ToArray());

        byte[] decoded = new byte[Math.Max(item.RamBytes, item.Offset + item.NumBytes)];
        ExtentCodec.Decompress(item.Compression, disk, decoded, SectorSize);
        return decoded;
    }

    private (ulong Inode, byte[] Content) Prepare(string name)
    {
        ulong inode = InodeOf(name);
        (_, byte[] item) = Walk(ObjectIds.FsTree).First(entry => entry.Key.ObjectId == inode && entry.Key.Type == ItemType.InodeItem);
        return (inode, new byte[MemoryMarshal.AsRef<InodeItem>(item).FileSize]);
    }

    private ulong InodeOf(string name)
    {
        foreach ((Key key, byte[] item) in Walk(ObjectIds.FsTree))
        {
            if (key is not { ObjectId: ObjectIds.FirstFree, Type: ItemType.DirIndex })
                continue;

            ref readonly DirItem entry = ref MemoryMarshal.AsRef<DirItem>(item);
            if (Encoding.UTF8.GetString(item.AsSpan(DirItem.Size, entry.NameLength)) == name)
                return entry.Location.ObjectId;
        }

        throw new AssertionException($"no file {name}");
    }

    private IEnumerable<Extent> ExtentsOf(ulong inode) => Walk(ObjectIds.FsTree)
        .Where(entry => entry.Key.ObjectId == inode && entry.Key.Type == ItemType.ExtentData)
        .Select(entry => new Extent(entry.Key.Offset, entry.Item));

    private SortedDictionary<ulong, byte[]> ReadChecksums()
    {
        SortedDictionary<ulong, byte[]> sums = [];
        int size = Data.ChecksumSize;
        foreach ((Key key, byte[] item) in Walk(ObjectIds.CsumTree))
        {
            for (int i = 0; i < item.Length / size; i++)
                sums[key.Offset + (ulong)(i * SectorSize)] = item.AsSpan(i * size, size).ToArray();
        }

        return sums;
    }

    private IEnumerable<(Key Key, byte[] Item)> Walk(BlockPointer pointer, ulong tree)
    {
        ExtentBuffer buffer = Reader.Read(pointer, tree);
        for (int slot = 0; slot < buffer.Count; slot++)
        {
            if (buffer.Level == 0)
            {
                yield return (buffer.Leaf.Key(slot), buffer.Leaf.Data(slot).ToArray());
                continue;
            }

            KeyPointer child = buffer.Node.Pointer(slot);
            foreach ((Key, byte[]) item in Walk(new BlockPointer(new LogicalAddress(child.Bytenr), child.Generation, buffer.Level - 1, child.Key), tree))
                yield return item;
        }
    }

    private readonly struct Extent
    {
        public Extent(ulong fileOffset, byte[] item)
        {
            FileOffset = fileOffset;
            byte[] padded = new byte[Math.Max(item.Length, FileExtentItem.Size)];
            item.CopyTo(padded, 0);
            Item = MemoryMarshal.AsRef<FileExtentItem>(padded);
            Inline = [];
            if (Item.Type != FileExtentType.Inline)
                return;

            Inline = new byte[Item.RamBytes];
            ExtentCodec.Decompress(Item.Compression, item.AsSpan(FileExtentItem.InlineHeaderSize), Inline, SectorSize);
        }

        public ulong FileOffset { get; }

        public FileExtentItem Item { get; }

        public byte[] Inline { get; }
    }
}
