using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>A file extent item, copied out of the tree, since any change moves what lies there.</summary>
internal readonly record struct ExtentRun(Key Key, FileExtentItem Item)
{
    public static ExtentRun Of(in FileExtent extent) => new(
        extent.Key,
        new FileExtentItem
        {
            Generation = extent.Generation,
            RamBytes = extent.RamBytes,
            Compression = extent.Compression,
            Type = extent.Type,
            DiskBytenr = extent.DiskBytenr,
            DiskNumBytes = extent.DiskNumBytes,
            Offset = extent.ExtentOffset,
            NumBytes = extent.NumBytes,
        });

    public ulong FileOffset => Key.Offset;

    public bool IsInline => Item.Type == FileExtentType.Inline;

    /// <summary>Whether it has space on the disk, and so a reference to it.</summary>
    public bool IsOnDisk => !IsInline && Item.DiskBytenr.Value != 0;

    public LogicalAddress Start => new(Item.DiskBytenr);

    public ulong End(Change change) => IsInline ? change.AlignUp(FileOffset + Item.RamBytes) : FileOffset + Item.NumBytes;

    public DataReference Use(Change change) => new(change.RootId, Key.ObjectId, unchecked(FileOffset - Item.Offset));
}
