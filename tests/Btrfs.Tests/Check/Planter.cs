using System.Runtime.InteropServices;
using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Storage;
using Btrfs.Tests.Inode;

namespace Btrfs.Tests.Check;

/// <summary>Changes a record in place.</summary>
internal delegate void RecordEdit<T>(ref T record)
    where T : unmanaged;

/// <summary>Plants damage in a committed image: an item changed, lost or added, every checksum made right again, and the result checked.</summary>
internal sealed class Planter(string image)
{
    private readonly ImageEdit _edit = new(SampleImage.Base(image), new Random(0));

    public BaseImage Image => _edit.Image;

    public ImageEdit Edit => _edit;

    /// <summary>The item with the lowest key that fits, in the trees that fit.</summary>
    public ItemPlace Find(ItemType type, Func<ItemPlace, bool>? fits = null) =>
        Image.ItemsByType[type].Where(item => fits is null || fits(item)).OrderBy(item => item.Key).First();

    public ItemPlace Find(Key key, ulong root) => Image.Items.Single(item => item.Key == key && item.Block.Root == root);

    /// <summary>The bytes of an item as they are by now, to be changed.</summary>
    public Span<byte> Data(ItemPlace item)
    {
        byte[] block = _edit.Block(item.Block);
        LeafItems leaf = LeafItems.TryRead(block, Image.Context.NodeSize);
        (int start, int length) = leaf.DataRange(leaf.Items.FindIndex(other => other.Key == item.Key));
        return block.AsSpan(start, length);
    }

    public T Read<T>(ItemPlace item)
        where T : unmanaged => MemoryMarshal.AsRef<T>(Data(item));

    public void Change<T>(ItemPlace item, RecordEdit<T> change)
        where T : unmanaged => change(ref MemoryMarshal.AsRef<T>(Data(item)));

    public void Remove(ItemPlace item) => Rework(item.Block, items => items.RemoveAll(other => other.Key == item.Key));

    public void Replace(ItemPlace item, Func<byte[], byte[]> change) => Rework(item.Block, items =>
    {
        int index = items.FindIndex(other => other.Key == item.Key);
        items[index] = (item.Key, change(items[index].Data));
    });

    public void Rekey(ItemPlace item, Key key) => Rework(item.Block, items =>
    {
        int index = items.FindIndex(other => other.Key == item.Key);
        items[index] = (key, items[index].Data);
    });

    /// <summary>Adds an item to the leaf where it belongs.</summary>
    public void Add(ulong root, Key key, byte[] data)
    {
        ItemPlace before = Image.Items.Where(item => item.Block.Root == root && item.Key < key).MaxBy(item => item.Key);
        Rework(before.Block, items => items.Add((key, data)));
    }

    public void ChangeSuper(RecordEdit<Superblock> change) => change(ref MemoryMarshal.AsRef<Superblock>(_edit.Super.AsSpan()));

    public CheckReport Check(bool withData = false)
    {
        using FsInfo fs = FsInfo.Open(DeviceSet.Open([ImageDevice.Damaged(Image.Bytes, _edit.Finish())], DeviceOpenOptions.Default));
        return new FileSystemChecker(fs, new CheckOptions { CheckDataChecksums = withData }).Run(null, CancellationToken.None);
    }

    private void Rework(BlockPlace place, Action<List<(Key Key, byte[] Data)>> change)
    {
        byte[] block = _edit.Block(place);
        LeafItems leaf = LeafItems.TryRead(block, Image.Context.NodeSize);
        change(leaf.Items);
        leaf.Items.Sort((left, right) => left.Key.CompareTo(right.Key));
        Assert.That(leaf.TryWrite(block), "the leaf is full");
        _edit.FixParents(place);
    }
}
