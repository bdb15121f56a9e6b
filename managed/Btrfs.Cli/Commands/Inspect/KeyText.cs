using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>An object id that is printed by its name where it has one. The names depend on the type of the key that it stands in.</summary>
internal readonly record struct ObjectName(ulong Id, ItemType Type = 0);

/// <summary>Keys as btrfs-progs spells them: each field by name where it has one.</summary>
internal static class KeyText
{
    private const int QgroupLevelShift = 48;
    private const ulong QgroupIdMask = (1UL << QgroupLevelShift) - 1;

    // Of formats that were given up before the first release.
    public const ItemType LegacyCsumItem = (ItemType)120;
    public const ItemType LegacyExtentRef = (ItemType)180;

    public static void Append(DumpOutput output, Key key)
    {
        output.Write($"({new ObjectName(key.ObjectId, key.Type)} ");
        AppendType(output, key);
        output.Append(" "u8);
        AppendOffset(output, key);
        output.Append(")"u8);
    }

    public static void Append(DumpOutput output, ObjectName name)
    {
        ulong id = name.Id;
        switch (name.Type)
        {
            case ItemType.QgroupRelation:
                AppendQgroup(output, id);
                return;
            case ItemType.UuidKeySubvol or ItemType.UuidKeyReceivedSubvol:
                output.Write($"0x{id:x16}");
                return;
            case ItemType.PersistentItem when id == ObjectIds.DevStats:
                output.Append("DEV_STATS"u8);
                return;
            case ItemType.DevExtent or ItemType.PersistentItem:
                output.Write($"{id}");
                return;
            case ItemType.DevItem when id == ObjectIds.DevItems:
                output.Append("DEV_ITEMS"u8);
                return;
            case ItemType.ChunkItem when id == ObjectIds.FirstChunkTree:
                output.Append("FIRST_CHUNK_TREE"u8);
                return;
        }

        if (NameOf(id) is { } text)
            output.Write($"{text}");
        else
            output.Write($"{id}");
    }

    private static void AppendType(DumpOutput output, Key key)
    {
        if (key.Type == 0 && key.ObjectId == ObjectIds.FreeSpace)
            output.Append("UNTYPED"u8);
        else if (NameOf(key.Type) is { } name)
            output.Write($"{name}");
        else
            output.Write($"UNKNOWN.{(ulong)key.Type}");
    }

    private static void AppendOffset(DumpOutput output, Key key)
    {
        switch (key.Type)
        {
            case ItemType.QgroupInfo or ItemType.QgroupLimit or ItemType.QgroupRelation:
                AppendQgroup(output, key.Offset);
                break;
            case ItemType.UuidKeySubvol or ItemType.UuidKeyReceivedSubvol:
                output.Write($"0x{key.Offset:x16}");
                break;
            // A relocation tree stands under the id of the tree that it copies.
            case ItemType.RootItem when key.ObjectId == ObjectIds.TreeReloc:
                Append(output, new ObjectName(key.Offset, key.Type));
                break;
            case not ItemType.RootItem when key.Offset == ulong.MaxValue:
                output.Append("-1"u8);
                break;
            default:
                output.Write($"{key.Offset}");
                break;
        }
    }

    private static void AppendQgroup(DumpOutput output, ulong id) => output.Write($"{id >> QgroupLevelShift}/{id & QgroupIdMask}");

    private static string? NameOf(ulong id) => id switch
    {
        ObjectIds.RootTree => "ROOT_TREE",
        ObjectIds.ExtentTree => "EXTENT_TREE",
        ObjectIds.ChunkTree => "CHUNK_TREE",
        ObjectIds.DevTree => "DEV_TREE",
        ObjectIds.FsTree => "FS_TREE",
        ObjectIds.RootTreeDir => "ROOT_TREE_DIR",
        ObjectIds.CsumTree => "CSUM_TREE",
        ObjectIds.QuotaTree => "QUOTA_TREE",
        ObjectIds.UuidTree => "UUID_TREE",
        ObjectIds.FreeSpaceTree => "FREE_SPACE_TREE",
        ObjectIds.BlockGroupTree => "BLOCK_GROUP_TREE",
        ObjectIds.Balance => "BALANCE",
        ObjectIds.Orphan => "ORPHAN",
        ObjectIds.TreeLog => "TREE_LOG",
        ObjectIds.TreeLogFixup => "LOG_FIXUP",
        ObjectIds.TreeReloc => "TREE_RELOC",
        ObjectIds.DataRelocTree => "DATA_RELOC_TREE",
        ObjectIds.ExtentCsum => "EXTENT_CSUM",
        ObjectIds.FreeSpace => "FREE_SPACE",
        ObjectIds.FreeIno => "FREE_INO",
        ObjectIds.Multiple => "MULTIPLE",
        ulong.MaxValue => "-1",
        _ => null,
    };

    private static string? NameOf(ItemType type) => type switch
    {
        ItemType.InodeItem => "INODE_ITEM",
        ItemType.InodeRef => "INODE_REF",
        ItemType.InodeExtref => "INODE_EXTREF",
        ItemType.XattrItem => "XATTR_ITEM",
        ItemType.VerityDescItem => "VERITY_DESC_ITEM",
        ItemType.VerityMerkleItem => "VERITY_MERKLE_ITEM",
        ItemType.OrphanItem => "ORPHAN_ITEM",
        ItemType.DirLogItem => "DIR_LOG_ITEM",
        ItemType.DirLogIndex => "DIR_LOG_INDEX",
        ItemType.DirItem => "DIR_ITEM",
        ItemType.DirIndex => "DIR_INDEX",
        ItemType.ExtentData => "EXTENT_DATA",
        LegacyCsumItem => "CSUM_ITEM",
        ItemType.ExtentCsum => "EXTENT_CSUM",
        ItemType.RootItem => "ROOT_ITEM",
        ItemType.RootBackref => "ROOT_BACKREF",
        ItemType.RootRef => "ROOT_REF",
        ItemType.ExtentItem => "EXTENT_ITEM",
        ItemType.MetadataItem => "METADATA_ITEM",
        ItemType.TreeBlockRef => "TREE_BLOCK_REF",
        ItemType.ExtentDataRef => "EXTENT_DATA_REF",
        LegacyExtentRef => "EXTENT_REF_V0",
        ItemType.SharedBlockRef => "SHARED_BLOCK_REF",
        ItemType.SharedDataRef => "SHARED_DATA_REF",
        ItemType.BlockGroupItem => "BLOCK_GROUP_ITEM",
        ItemType.FreeSpaceInfo => "FREE_SPACE_INFO",
        ItemType.FreeSpaceExtent => "FREE_SPACE_EXTENT",
        ItemType.FreeSpaceBitmap => "FREE_SPACE_BITMAP",
        ItemType.DevExtent => "DEV_EXTENT",
        ItemType.DevItem => "DEV_ITEM",
        ItemType.ChunkItem => "CHUNK_ITEM",
        ItemType.QgroupStatus => "QGROUP_STATUS",
        ItemType.QgroupInfo => "QGROUP_INFO",
        ItemType.QgroupLimit => "QGROUP_LIMIT",
        ItemType.QgroupRelation => "QGROUP_RELATION",
        ItemType.TemporaryItem => "TEMPORARY_ITEM",
        ItemType.PersistentItem => "PERSISTENT_ITEM",
        ItemType.DevReplace => "DEV_REPLACE",
        ItemType.UuidKeySubvol => "UUID_KEY_SUBVOL",
        ItemType.UuidKeyReceivedSubvol => "UUID_KEY_RECEIVED_SUBVOL",
        ItemType.StringItem => "STRING_ITEM",
        _ => null,
    };
}
