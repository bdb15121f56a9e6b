using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Backrefs;

/// <summary>Reads an extent's references, inline and keyed, out of the extent tree.</summary>
internal sealed class ReferenceReader
{
    private readonly TreeCursor _extents;
    private readonly ItemType _lastItemType;
    private readonly ulong _maxReferences;

    public ReferenceReader(FsInfo fs, ulong maxReferences)
    {
        _maxReferences = maxReferences;
        _extents = fs.OpenCursor(fs.GetRoot(ObjectIds.ExtentTree).Tree);
        bool skinny = (fs.Superblock.Incompat & IncompatFlags.SkinnyMetadata) != 0;
        _lastItemType = skinny ? ItemType.MetadataItem : ItemType.ExtentItem;
    }

    /// <summary>Appends the references of the extent at <paramref name="bytenr"/> that are still to be resolved or followed; false when it has too many, or none to follow.</summary>
    /// <param name="bytenr">Logical address of the data extent or tree block.</param>
    /// <param name="onlyIfShared">An extent with a single reference has none to follow.</param>
    /// <param name="into">Appended to, in the order of the items.</param>
    public bool Read(ulong bytenr, bool onlyIfShared, List<Reference> into)
    {
        if (!_extents.SeekFloor(new Key(bytenr, _lastItemType, ulong.MaxValue)))
            return false;

        Key key = _extents.Key;
        if (key.ObjectId != bytenr || key.Type is not (ItemType.ExtentItem or ItemType.MetadataItem))
            return false;

        ReadOnlySpan<byte> data = _extents.Data;
        ref readonly ExtentItem item = ref Overlay.At<ExtentItem>(data);
        if (onlyIfShared && item.Refs.Value == 1)
            return false;
        if (item.Refs.Value > _maxReferences)
            return false;

        int level = -1;
        data = data[ExtentItem.Size..];
        if (key.Type == ItemType.MetadataItem)
        {
            level = (int)key.Offset;
        }
        else if ((item.Flags & ExtentFlags.TreeBlock) != 0)
        {
            level = Overlay.At<TreeBlockInfo>(data).Level;
            data = data[TreeBlockInfo.Size..];
        }

        ReadInline(data, level, into);
        while (_extents.MoveNext() && _extents.Key.ObjectId == bytenr && _extents.Key.Type <= ItemType.SharedDataRef)
            ReadKeyed(level, into);
        return true;
    }

    private static void ReadInline(ReadOnlySpan<byte> data, int level, List<Reference> into)
    {
        while (data.Length > 0)
        {
            ref readonly ExtentInlineRef inline = ref Overlay.At<ExtentInlineRef>(data);
            int size = ExtentInlineRef.Size;
            switch (inline.Type)
            {
                case ItemType.ExtentDataRef:
                    AddData(Overlay.At<ExtentDataRef>(data[1..]), into);
                    size = 1 + ExtentDataRef.Size;
                    break;
                case ItemType.SharedDataRef:
                    into.Add(Shared(0, inline.Offset, Overlay.At<SharedDataRef>(data[ExtentInlineRef.Size..]).Count));
                    size += SharedDataRef.Size;
                    break;
                default:
                    AddBlock(inline.Type, inline.Offset, level, into);
                    break;
            }

            data = data[size..];
        }
    }

    private void ReadKeyed(int level, List<Reference> into)
    {
        Key key = _extents.Key;
        switch (key.Type)
        {
            case ItemType.ExtentDataRef:
                AddData(_extents.Record<ExtentDataRef>(), into);
                break;
            case ItemType.SharedDataRef:
                into.Add(Shared(0, key.Offset, _extents.Record<SharedDataRef>().Count));
                break;
            default:
                AddBlock(key.Type, key.Offset, level, into);
                break;
        }
    }

    private static void AddBlock(ItemType type, ulong offset, int level, List<Reference> into)
    {
        if (type == ItemType.SharedBlockRef)
            into.Add(Shared(level + 1, offset, 1));
        else if (type == ItemType.TreeBlockRef && offset != ObjectIds.DataRelocTree)
            into.Add(new Reference { Level = level + 1, Root = offset, Count = 1 });
    }

    private static void AddData(in ExtentDataRef data, List<Reference> into)
    {
        if (data.Root.Value == ObjectIds.DataRelocTree)
            return;

        into.Add(new Reference
        {
            Level = 0,
            Root = data.Root,
            SearchKey = new Key(data.ObjectId, ItemType.ExtentData, data.Offset),
            Count = data.Count,
        });
    }

    private static Reference Shared(int level, ulong parent, uint count) => new() { Level = level, Root = 0, Parent = parent, Count = count };
}
