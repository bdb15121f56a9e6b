
namespace Btrfs.Format;

/// <summary>
/// The gate for tree blocks: what passes can be read by views and records without further checks of bounds. It judges a block
/// alone; that the block is the one that its parent meant (address, generation, level, first key, checksum) is the reader's part.
/// It refuses no block that a kernel writes: each rule here is one that the kernel, btrfs check or the VFS keeps to.
/// </summary>
public static class BlockCheck
{
    /// <summary>Checks a leaf or a node, whichever the header's level says, in full.</summary>
    /// <param name="block">As many bytes as a node has.</param>
    /// <param name="context">The file system that the block belongs to.</param>
    /// <exception cref="CorruptMetadataException">A member contradicts the format.</exception>
    public static void Verify(ReadOnlySpan<byte> block, in BlockContext context)
    {
        Invariant.That(block.Length == context.NodeSize);
        ref readonly BlockHeader header = ref Overlay.At<BlockHeader>(block);
        BlockSite site = new(header.Owner, new LogicalAddress(header.Bytenr), -1);
        if (header.Level >= FormatLimits.MaxTreeLevel)
            throw site.Corrupt($"invalid level, have {header.Level} expect at most {FormatLimits.MaxTreeLevel - 1}");

        int capacity = context.LeafDataSize / (header.Level == 0 ? ItemHeader.Size : KeyPointer.Size);
        if (header.ItemCount > (uint)capacity)
            throw site.Corrupt($"invalid item count, have {header.ItemCount} expect at most {capacity}");

        if (header.Level > 0)
            VerifyNode(block, site, in context);
        else if (header.ItemCount == 0)
            VerifyEmptyLeaf(in header, site);
        else
            VerifyLeaf(block, in context);
    }

    private static void VerifyNode(ReadOnlySpan<byte> block, BlockSite site, in BlockContext context)
    {
        NodeView node = new(block);
        if (node.Count == 0)
            throw site.Corrupt("invalid pointer count, have 0 expect at least 1");

        Key previous = default;
        for (int slot = 0; slot < node.Count; slot++)
        {
            ref readonly KeyPointer pointer = ref node.Pointer(slot);
            Key key = pointer.Key;
            if (slot > 0 && key <= previous)
                throw (site with { Slot = slot }).Corrupt($"bad key order, previous {previous} current {key}");
            if (pointer.Bytenr == 0)
                throw (site with { Slot = slot }).Corrupt("invalid null node pointer");
            if (!context.IsSectorAligned(pointer.Bytenr))
                throw (site with { Slot = slot }).Corrupt($"unaligned pointer, have {pointer.Bytenr} expect a multiple of {context.SectorSize}");

            previous = key;
        }
    }

    private static void VerifyEmptyLeaf(in BlockHeader header, BlockSite site)
    {
        // A relocation tree's block names the tree that it copies, whose own root can't be empty, while the copy's can.
        if ((header.Flags & BlockHeader.FlagReloc) != 0)
            return;

        switch (header.Owner.Value)
        {
            case 0:
                throw site.Corrupt("invalid owner, root 0 is not defined");
            case ObjectIds.RootTree:
            case ObjectIds.ExtentTree:
            case ObjectIds.ChunkTree:
            case ObjectIds.DevTree:
            case ObjectIds.FsTree:
            case ObjectIds.DataRelocTree:
                throw site.Corrupt($"invalid empty leaf, root {header.Owner} must never be empty");
        }
    }

    private static void VerifyLeaf(ReadOnlySpan<byte> block, in BlockContext context)
    {
        LeafCursor item = new(block, in context);
        while (item.MoveNext())
            VerifyItem(in item);
    }

    /// <summary>Types that are not listed have no members that anything here relies on.</summary>
    private static void VerifyItem(in LeafCursor item)
    {
        switch (item.Key.Type)
        {
            case ItemType.InodeItem:
                InodeCheck.VerifyInode(in item);
                break;
            case ItemType.InodeRef:
                NameCheck.VerifyInodeRefs(in item);
                break;
            case ItemType.InodeExtref:
                NameCheck.VerifyInodeExtrefs(in item);
                break;
            case ItemType.DirItem:
            case ItemType.DirIndex:
            case ItemType.XattrItem:
                DirItemCheck.Verify(in item);
                break;
            case ItemType.RootRef:
            case ItemType.RootBackref:
                NameCheck.VerifyRootRef(in item);
                break;
            case ItemType.ExtentData:
                FileExtentCheck.Verify(in item);
                break;
            case ItemType.ExtentCsum:
                ChecksumItemCheck.Verify(in item);
                break;
            case ItemType.RootItem:
                RootItemCheck.Verify(in item);
                break;
            case ItemType.ExtentItem:
            case ItemType.MetadataItem:
                ExtentCheck.Verify(in item);
                break;
            case ItemType.TreeBlockRef:
            case ItemType.SharedBlockRef:
            case ItemType.SharedDataRef:
                ExtentCheck.VerifyKeyedRef(in item);
                break;
            case ItemType.ExtentDataRef:
                ExtentCheck.VerifyKeyedDataRefs(in item);
                break;
            case ItemType.BlockGroupItem:
                SpaceCheck.VerifyBlockGroup(in item);
                break;
            case ItemType.FreeSpaceInfo:
                item.RequireSize(FreeSpaceInfo.Size);
                break;
            case ItemType.FreeSpaceExtent:
                SpaceCheck.VerifyFreeSpaceExtent(in item);
                break;
            case ItemType.FreeSpaceBitmap:
                SpaceCheck.VerifyFreeSpaceBitmap(in item);
                break;
            case ItemType.DevItem:
                SpaceCheck.VerifyDevice(in item);
                break;
            case ItemType.DevExtent:
                SpaceCheck.VerifyDevExtent(in item);
                break;
            case ItemType.ChunkItem:
                ChunkCheck.Verify(item.Key, item.Data, in item.Context, item.Site);
                break;
            case ItemType.VerityDescItem:
                InodeCheck.VerifyVerityDescriptor(in item);
                break;
            case ItemType.QgroupStatus:
                QuotaCheck.VerifyStatus(in item);
                break;
            case ItemType.QgroupInfo:
                item.RequireSize(QgroupInfoItem.Size);
                break;
            case ItemType.QgroupLimit:
                item.RequireSize(QgroupLimitItem.Size);
                break;
            case ItemType.UuidKeySubvol:
            case ItemType.UuidKeyReceivedSubvol:
                RootItemCheck.VerifyUuidEntry(in item);
                break;
        }
    }
}
