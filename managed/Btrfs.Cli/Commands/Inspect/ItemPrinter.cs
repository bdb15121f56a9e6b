using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Prints what an item says by its type. Types whose content nobody explains, or that have none, print nothing.</summary>
internal sealed class ItemPrinter(DumpOutput output, in Superblock superblock, TreePrintOptions options)
{
    private readonly InodePrinter _inodes = new(output, options.HideNames);
    private readonly FilePrinter _files = new(
        output, (int)superblock.SectorSize.Value, ChecksumTypes.Size(superblock.CsumType), options.ShowItemChecksums);
    private readonly RootPrinter _roots = new(output);
    private readonly ExtentPrinter _extents = new(output);
    private readonly ChunkPrinter _chunks = new(output);
    private readonly QuotaPrinter _quotas = new(output);
    private readonly StatePrinter _states = new(output);

    public void Print(Key key, ReadOnlySpan<byte> data)
    {
        switch (key.Type)
        {
            case ItemType.InodeItem:
                _inodes.PrintInode(data);
                break;
            case ItemType.InodeRef:
                _inodes.PrintInodeRefs(data);
                break;
            case ItemType.InodeExtref:
                _inodes.PrintInodeExtrefs(data);
                break;
            case ItemType.DirItem:
            case ItemType.DirIndex:
            case ItemType.XattrItem:
                _inodes.PrintDirItems(data);
                break;
            case ItemType.OrphanItem:
                _inodes.PrintOrphan();
                break;
            case ItemType.DirLogItem:
            case ItemType.DirLogIndex:
                _inodes.PrintDirLog(data);
                break;
            case ItemType.ExtentData:
                _files.PrintFileExtent(data);
                break;
            case ItemType.ExtentCsum:
                _files.PrintChecksums(key.Offset, data);
                break;
            case KeyText.LegacyCsumItem:
                _files.PrintLegacyChecksums();
                break;
            case ItemType.RootItem:
                _roots.PrintRoot(data);
                break;
            case ItemType.RootRef:
                _roots.PrintRootRef("ref", data);
                break;
            case ItemType.RootBackref:
                _roots.PrintRootRef("backref", data);
                break;
            case ItemType.UuidKeySubvol:
            case ItemType.UuidKeyReceivedSubvol:
                _roots.PrintUuidEntry(data);
                break;
            default:
                PrintOfVolume(key, data);
                break;
        }
    }

    /// <summary>What is not in trees of files, nor names trees.</summary>
    private void PrintOfVolume(Key key, ReadOnlySpan<byte> data)
    {
        switch (key.Type)
        {
            case ItemType.ExtentItem:
            case ItemType.MetadataItem:
                _extents.PrintExtent(key, data);
                break;
            case ItemType.TreeBlockRef:
                _extents.PrintTreeBlockRef();
                break;
            case ItemType.SharedBlockRef:
                _extents.PrintSharedBlockRef();
                break;
            case ItemType.ExtentDataRef:
                _extents.PrintDataRef(data);
                break;
            case ItemType.SharedDataRef:
                _extents.PrintSharedDataRef(data);
                break;
            case KeyText.LegacyExtentRef:
                _extents.PrintLegacyRef();
                break;
            case ItemType.BlockGroupItem:
                _extents.PrintBlockGroup(data);
                break;
            case ItemType.FreeSpaceInfo:
                _extents.PrintFreeSpaceInfo(data);
                break;
            case ItemType.FreeSpaceExtent:
                _extents.PrintFreeSpaceExtent();
                break;
            case ItemType.FreeSpaceBitmap:
                _extents.PrintFreeSpaceBitmap();
                break;
            case ItemType.ChunkItem:
                _chunks.PrintChunk(data);
                break;
            case ItemType.DevItem:
                _chunks.PrintDevice(data);
                break;
            case ItemType.DevExtent:
                _chunks.PrintDevExtent(data);
                break;
            case ItemType.QgroupStatus:
                _quotas.PrintStatus(data);
                break;
            case ItemType.QgroupInfo:
                _quotas.PrintInfo(data);
                break;
            case ItemType.QgroupLimit:
                _quotas.PrintLimit(data);
                break;
            case ItemType.TemporaryItem:
                _states.PrintTemporary(key, data);
                break;
            case ItemType.PersistentItem:
                _states.PrintPersistent(key, data);
                break;
            case 0 when key.ObjectId == ObjectIds.FreeSpace:
                _states.PrintFreeSpaceCache(data);
                break;
            case ItemType.StringItem:
                _states.PrintString(data);
                break;
        }
    }
}
