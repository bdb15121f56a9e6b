using System.Numerics;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>The extent tree: allocations with their references, inline in the item or in items of their own.</summary>
internal static class ExtentCheck
{
    public static void Verify(in LeafCursor item)
    {
        VerifyHead(in item);
        ref readonly ExtentItem extent = ref Overlay.At<ExtentItem>(item.Data);
        bool isTreeBlock = (extent.Flags & ExtentFlags.TreeBlock) != 0;
        ReadOnlySpan<byte> rest = item.Data[ExtentItem.Size..];
        if (isTreeBlock && item.Key.Type == ItemType.ExtentItem)
        {
            NameCheck.RequireRoom(in item, rest, TreeBlockInfo.Size);
            byte level = Overlay.At<TreeBlockInfo>(rest).Level;
            if (level >= FormatLimits.MaxTreeLevel)
                throw item.Corrupt($"invalid tree block level, have {level} expect at most {FormatLimits.MaxTreeLevel - 1}");
            rest = rest[TreeBlockInfo.Size..];
        }

        ulong found = CountInlineRefs(in item, rest, isTreeBlock);
        if (found > extent.Refs)
            throw item.Corrupt($"invalid extent refs, have {extent.Refs} expect at least {found} for the inline ones");
        VerifyOrder(in item);
    }

    /// <summary>A reference that is its key, and for SharedDataRef a count.</summary>
    public static void VerifyKeyedRef(in LeafCursor item)
    {
        item.RequireSize(item.Key.Type == ItemType.SharedDataRef ? SharedDataRef.Size : 0);
        item.RequireAligned(item.Key.ObjectId, "extent bytenr");
        if (item.Key.Type != ItemType.TreeBlockRef)
            item.RequireAligned(item.Key.Offset, "parent bytenr");
    }

    /// <summary>References whose hashes collide share an item.</summary>
    public static void VerifyKeyedDataRefs(in LeafCursor item)
    {
        item.RequireAligned(item.Key.ObjectId, "extent bytenr");
        if (item.Data.IsEmpty || item.Data.Length % ExtentDataRef.Size != 0)
            throw item.Corrupt($"invalid extent data ref size, have {item.Data.Length} expect a multiple of {ExtentDataRef.Size}");

        foreach (ref readonly ExtentDataRef reference in MemoryMarshal.Cast<byte, ExtentDataRef>(item.Data))
            VerifyDataRef(in item, in reference);
    }

    private static void VerifyHead(in LeafCursor item)
    {
        bool isSkinny = item.Key.Type == ItemType.MetadataItem;
        if (isSkinny && !item.Context.Has(IncompatFlags.SkinnyMetadata))
            throw item.Corrupt("invalid metadata item, the skinny-metadata feature is off");
        item.RequireAligned(item.Key.ObjectId, "extent bytenr");
        if (isSkinny && item.Key.Offset >= FormatLimits.MaxTreeLevel)
            throw item.Corrupt($"invalid tree level, have {item.Key.Offset} expect at most {FormatLimits.MaxTreeLevel - 1}");
        if (item.Data.Length < ExtentItem.Size)
            throw item.Corrupt($"invalid extent item size, have {item.Data.Length} expect at least {ExtentItem.Size}");

        ref readonly ExtentItem extent = ref Overlay.At<ExtentItem>(item.Data);
        item.RequireGeneration(extent.Generation, "extent generation");
        ExtentFlags kind = extent.Flags & (ExtentFlags.Data | ExtentFlags.TreeBlock);
        if (BitOperations.PopCount((ulong)kind) != 1)
            throw item.Corrupt($"invalid extent flags, have 0x{(ulong)extent.Flags:x} expect either data or tree block");

        if (kind == ExtentFlags.TreeBlock)
        {
            if (!isSkinny && item.Key.Offset != (ulong)item.Context.NodeSize)
                throw item.Corrupt($"invalid extent length of a tree block, have {item.Key.Offset} expect {item.Context.NodeSize}");
            return;
        }

        if (isSkinny)
            throw item.Corrupt("invalid key type of a data extent, have 169 expect 168");
        item.RequireAligned(item.Key.Offset, "extent length");
        if (item.Key.Offset == 0 || item.Key.ObjectId + item.Key.Offset < item.Key.ObjectId)
            throw item.Corrupt($"invalid extent length, have {item.Key.Offset} at {item.Key.ObjectId}");
        if ((extent.Flags & ExtentFlags.FullBackref) != 0)
            throw item.Corrupt("invalid extent flags, a data extent has full back references");
    }

    /// <summary>References stand by type upward, and within a type by their offset or hash downward: searches rely on that.</summary>
    private static ulong CountInlineRefs(in LeafCursor item, ReadOnlySpan<byte> rest, bool isTreeBlock)
    {
        ulong found = 0;
        ItemType previousType = 0;
        ulong previousSequence = 0;
        while (!rest.IsEmpty)
        {
            NameCheck.RequireRoom(in item, rest, ExtentInlineRef.Size);
            ItemType type = Overlay.At<ExtentInlineRef>(rest).Type;
            int size = InlineRefSize(in item, type, isTreeBlock);
            NameCheck.RequireRoom(in item, rest, size);
            (ulong count, ulong sequence) = VerifyInlineRef(in item, rest, type);
            if (type < previousType)
                throw item.Corrupt($"inline ref out of order, have type {(byte)type} expect at least {(byte)previousType}");
            if (type == previousType && sequence > previousSequence)
                throw item.Corrupt($"inline ref out of order, have {sequence} expect at most {previousSequence} in type {(byte)type}");

            found += count;
            previousType = type;
            previousSequence = sequence;
            rest = rest[size..];
        }

        return found;
    }

    private static int InlineRefSize(in LeafCursor item, ItemType type, bool isTreeBlock) => (type, isTreeBlock) switch
    {
        (ItemType.TreeBlockRef or ItemType.SharedBlockRef, true) => ExtentInlineRef.Size,
        (ItemType.ExtentDataRef, false) => sizeof(ItemType) + ExtentDataRef.Size,
        (ItemType.SharedDataRef, false) => ExtentInlineRef.Size + SharedDataRef.Size,
        (ItemType.ExtentOwnerRef, _) when item.Context.Has(IncompatFlags.SimpleQuota) => ExtentInlineRef.Size,
        _ => throw item.Corrupt($"invalid inline ref type {(byte)type} for a {(isTreeBlock ? "tree block" : "data extent")}"),
    };

    /// <summary>How many of the extent's references this one stands for, and its place in the order.</summary>
    private static (ulong Count, ulong Sequence) VerifyInlineRef(in LeafCursor item, ReadOnlySpan<byte> bytes, ItemType type)
    {
        if (type == ItemType.ExtentDataRef)
        {
            ref readonly ExtentDataRef reference = ref Overlay.At<ExtentDataRef>(bytes[sizeof(ItemType)..]);
            VerifyDataRef(in item, in reference);
            return (reference.Count, NameHash.OfExtentDataRef(reference.Root, reference.ObjectId, reference.Offset));
        }

        ulong offset = Overlay.At<ExtentInlineRef>(bytes).Offset;
        switch (type)
        {
            case ItemType.SharedBlockRef:
                item.RequireAligned(offset, "parent bytenr");
                return (1, offset);
            case ItemType.SharedDataRef:
                item.RequireAligned(offset, "parent bytenr");
                uint count = Overlay.At<SharedDataRef>(bytes[ExtentInlineRef.Size..]).Count;
                if (count == 0)
                    throw item.Corrupt("invalid shared data ref count, have 0 expect at least 1");
                return (count, offset);
            case ItemType.ExtentOwnerRef:
                return (0, offset);
            default:
                return (1, offset);
        }
    }

    private static void VerifyDataRef(in LeafCursor item, in ExtentDataRef reference)
    {
        // The root tree refers to data where free space is cached in files (space cache v1).
        ulong root = reference.Root;
        if (!ObjectIds.IsFileTree(root) && root is not (ObjectIds.RootTree or ObjectIds.DataRelocTree))
            throw item.Corrupt($"invalid data ref root {root}");

        ulong inode = reference.ObjectId;
        if (inode is not (>= ObjectIds.FirstFree and <= ObjectIds.LastFree or ObjectIds.FreeIno))
            throw item.Corrupt($"invalid data ref objectid {inode}");

        item.RequireAligned(reference.Offset, "data ref offset");
        if (reference.Count == 0)
            throw item.Corrupt("invalid data ref count, have 0 expect at least 1");
    }

    private static void VerifyOrder(in LeafCursor item)
    {
        if (!item.HasPrevious || item.PreviousKey.Type is not (ItemType.ExtentItem or ItemType.MetadataItem))
            return;

        ulong length = item.PreviousKey.Type == ItemType.MetadataItem ? (ulong)item.Context.NodeSize : item.PreviousKey.Offset;
        ulong end = item.PreviousKey.ObjectId + length;
        if (end > item.Key.ObjectId)
            throw item.Corrupt($"extent overlaps the previous one, have {item.Key.ObjectId} expect at least {end}");
    }
}
