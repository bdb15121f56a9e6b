using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Inode;

/// <summary>
/// A file extent item with its key, over the bytes of its leaf. Members that an inline item does not have read as a hole would: the
/// item ends before them, and what lies there is data.
/// </summary>
public readonly ref struct FileExtent
{
    private readonly ReadOnlySpan<byte> _data;

    public FileExtent(Key key, ReadOnlySpan<byte> data)
    {
        Key = key;
        _data = data;
        Type = (FileExtentType)data[FileExtentItem.InlineHeaderSize - 1];
    }

    public static FileExtent At(TreeCursor cursor) => new(cursor.Key, cursor.Data);

    public static FileExtent At(ExtentBuffer leaf, int slot) => new(leaf.Leaf.Key(slot), leaf.Leaf.Data(slot));

    public Key Key { get; }

    public ulong Inode => Key.ObjectId;

    /// <summary>Where in the file the run begins, in bytes.</summary>
    public ulong FileOffset => Key.Offset;

    public FileExtentType Type { get; }

    public bool IsInline => Type == FileExtentType.Inline;

    /// <summary>Whether the run's bytes lie on the disk as they are.</summary>
    public bool IsPlain => Type == FileExtentType.Regular && Compression == CompressionType.None && Item.DiskBytenr.Value != 0;

    /// <summary>No extent behind it: the run reads as zeros.</summary>
    public bool IsHole => !IsInline && Item.DiskBytenr.Value == 0;

    public ulong Generation => Overlay.At<Le64>(_data);

    public ulong RamBytes => Overlay.At<Le64>(_data[8..]);

    public CompressionType Compression => (CompressionType)_data[16];

    public ulong DiskBytenr => IsInline ? 0 : Item.DiskBytenr;

    public ulong DiskNumBytes => IsInline ? 0 : Item.DiskNumBytes;

    /// <summary>Where in the decoded extent the run begins, in bytes.</summary>
    public ulong ExtentOffset => IsInline ? 0 : Item.Offset;

    /// <summary>Bytes of the run; for an inline extent its payload once decoded.</summary>
    public ulong NumBytes => IsInline ? RamBytes : Item.NumBytes;

    /// <summary>The bytes that lie in the item itself, as stored.</summary>
    public ReadOnlySpan<byte> InlinePayload => _data[FileExtentItem.InlineHeaderSize..];

    /// <summary>Where the run ends in the file: an inline one fills its sector.</summary>
    public ulong End(int sectorSize) =>
        IsInline ? AlignUp(FileOffset + RamBytes, (ulong)sectorSize) : FileOffset + Item.NumBytes;

    private ref readonly FileExtentItem Item => ref Overlay.At<FileExtentItem>(_data);

    private static ulong AlignUp(ulong value, ulong alignment) => (value + alignment - 1) & ~(alignment - 1);
}
