using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Prints a superblock as it lies on a device, sound or not: nothing in it is relied on.</summary>
internal sealed class SuperblockPrinter(DumpOutput output, Action<string> report)
{
    private const int MagicBytes = 8;

    private static readonly (ulong, string)[] s_flags =
    [
        ((ulong)SuperblockFlags.Written, "WRITTEN"),
        ((ulong)SuperblockFlags.Reloc, "RELOC"),
        ((ulong)SuperblockFlags.ChangingFsid, "CHANGING_FSID"),
        ((ulong)SuperblockFlags.Seeding, "SEEDING"),
        ((ulong)SuperblockFlags.MetaDump, "METADUMP"),
        ((ulong)SuperblockFlags.MetaDumpV2, "METADUMP_V2"),
    ];

    // Verity is known to btrfs-progs 6.2, but not by name.
    private static readonly (ulong, string)[] s_compatRo =
    [
        ((ulong)CompatRoFlags.FreeSpaceTree, "FREE_SPACE_TREE"),
        ((ulong)CompatRoFlags.FreeSpaceTreeValid, "FREE_SPACE_TREE_VALID"),
        ((ulong)CompatRoFlags.Verity, ""),
        ((ulong)CompatRoFlags.BlockGroupTree, "BLOCK_GROUP_TREE"),
    ];

    private static readonly (ulong, string)[] s_incompat =
    [
        ((ulong)IncompatFlags.MixedBackref, "MIXED_BACKREF"),
        ((ulong)IncompatFlags.DefaultSubvol, "DEFAULT_SUBVOL"),
        ((ulong)IncompatFlags.MixedGroups, "MIXED_GROUPS"),
        ((ulong)IncompatFlags.CompressLzo, "COMPRESS_LZO"),
        ((ulong)IncompatFlags.CompressZstd, "COMPRESS_ZSTD"),
        ((ulong)IncompatFlags.BigMetadata, "BIG_METADATA"),
        ((ulong)IncompatFlags.ExtendedIref, "EXTENDED_IREF"),
        ((ulong)IncompatFlags.Raid56, "RAID56"),
        ((ulong)IncompatFlags.SkinnyMetadata, "SKINNY_METADATA"),
        ((ulong)IncompatFlags.NoHoles, "NO_HOLES"),
        ((ulong)IncompatFlags.MetadataUuid, "METADATA_UUID"),
        ((ulong)IncompatFlags.Raid1C34, "RAID1C34"),
        ((ulong)IncompatFlags.Zoned, "ZONED"),
        ((ulong)IncompatFlags.ExtentTreeV2, "EXTENT_TREE_V2"),
    ];

    private readonly ChunkPrinter _chunks = new(output);

    /// <param name="bytes">The superblock's 4096 bytes.</param>
    /// <param name="full">Also the system chunks and the backup roots.</param>
    public void Print(ReadOnlySpan<byte> bytes, bool full)
    {
        ref readonly Superblock super = ref MemoryMarshal.AsRef<Superblock>(bytes);
        PrintIdentity(in super, bytes);
        PrintTrees(in super);
        PrintFeatures(in super);
        PrintDevice(in super);
        if (!full)
            return;

        PrintSystemChunks(in super);
        PrintBackupRoots(in super);
    }

    private void PrintIdentity(in Superblock super, ReadOnlySpan<byte> bytes)
    {
        bool isKnown = super.CsumType <= ChecksumType.Blake2b256;
        int checksumSize = ChecksumTypes.Size(super.CsumType);
        output.Line($"csum_type\t\t{(ulong)super.CsumType} ({NameOf(super.CsumType)})");
        output.Line($"csum_size\t\t{checksumSize}");
        output.Write($"csum\t\t\t0x");
        output.AppendHex(super.StoredChecksum[..checksumSize]);
        if (isKnown)
            output.Line($" {Match(Checksums.VerifyBlock(Checksums.For(super.CsumType), bytes, out _))}");
        else
            output.Line($" [UNKNOWN CSUM TYPE OR SIZE]");

        output.Line($"bytenr\t\t\t{super.Bytenr}");
        output.Line($"flags\t\t\t0x{(ulong)super.Flags:x}");
        PrintFlags((ulong)super.Flags, s_flags);

        Span<byte> magic = stackalloc byte[MagicBytes];
        MemoryMarshal.Write(magic, super.Magic);
        output.Write($"magic\t\t\t");
        AppendPrintable(magic);
        output.Line($" {Match(super.Magic == Superblock.ExpectedMagic)}");
        output.Line($"fsid\t\t\t{super.Fsid}");
        output.Line($"metadata_uuid\t\t{super.MetadataUuid}");
        output.Write($"label\t\t\t");
        AppendPrintable(super.Label);
        output.Line();
    }

    private void PrintTrees(in Superblock super)
    {
        output.Line($"generation\t\t{super.Generation}");
        output.Line($"root\t\t\t{super.Root}");
        output.Line($"sys_array_size\t\t{super.SystemChunkArrayLength}");
        output.Line($"chunk_root_generation\t{super.ChunkRootGeneration}");
        output.Line($"root_level\t\t{super.RootLevel}");
        output.Line($"chunk_root\t\t{super.ChunkRoot}");
        output.Line($"chunk_root_level\t{super.ChunkRootLevel}");
        output.Line($"log_root\t\t{super.LogRoot}");
        output.Line($"log_root_transid (deprecated)\t{super.LogRootTransId}");
        output.Line($"log_root_level\t\t{super.LogRootLevel}");
        output.Line($"total_bytes\t\t{super.TotalBytes}");
        output.Line($"bytes_used\t\t{super.BytesUsed}");
        output.Line($"sectorsize\t\t{super.SectorSize}");
        output.Line($"nodesize\t\t{super.NodeSize}");
        output.Line($"leafsize (deprecated)\t{super.LeafSize}");
        output.Line($"stripesize\t\t{super.StripeSize}");
        output.Line($"root_dir\t\t{super.RootDirObjectId}");
        output.Line($"num_devices\t\t{super.DeviceCount}");
    }

    private void PrintFeatures(in Superblock super)
    {
        output.Line($"compat_flags\t\t0x{super.CompatFlags.Value:x}");
        output.Line($"compat_ro_flags\t\t0x{(ulong)super.CompatRo:x}");
        PrintFlags((ulong)super.CompatRo, s_compatRo);
        output.Line($"incompat_flags\t\t0x{(ulong)super.Incompat:x}");
        PrintFlags((ulong)super.Incompat, s_incompat);
        output.Line($"cache_generation\t{super.CacheGeneration}");
        output.Line($"uuid_tree_generation\t{super.UuidTreeGeneration}");
    }

    private void PrintDevice(in Superblock super)
    {
        DevItem device = super.DevItem;
        output.Line($"dev_item.uuid\t\t{device.Uuid}");
        output.Line($"dev_item.fsid\t\t{device.Fsid} {Match(device.Fsid == super.MetadataUuid)}");
        output.Line($"dev_item.type\t\t{device.Type}");
        output.Line($"dev_item.total_bytes\t{device.TotalBytes}");
        output.Line($"dev_item.bytes_used\t{device.BytesUsed}");
        output.Line($"dev_item.io_align\t{device.IoAlign}");
        output.Line($"dev_item.io_width\t{device.IoWidth}");
        output.Line($"dev_item.sector_size\t{device.SectorSize}");
        output.Line($"dev_item.devid\t\t{device.DeviceId}");
        output.Line($"dev_item.dev_group\t{device.DevGroup}");
        output.Line($"dev_item.seek_speed\t{device.SeekSpeed}");
        output.Line($"dev_item.bandwidth\t{device.Bandwidth}");
        output.Line($"dev_item.generation\t{device.Generation}");
    }

    private void PrintSystemChunks(in Superblock super)
    {
        output.Line($"sys_chunk_array[{FormatLimits.SystemChunkArraySize}]:");
        uint length = super.SystemChunkArrayLength;
        if (length > FormatLimits.SystemChunkArraySize)
        {
            report($"sys_chunk_array is too long, have {length} expect at most {FormatLimits.SystemChunkArraySize}");
            return;
        }

        ReadOnlySpan<byte> array = super.SystemChunkArray[..(int)length];
        int offset = 0;
        for (int index = 0; offset < array.Length; index++)
        {
            if (array.Length - offset < DiskKey.Size)
            {
                report($"sys_chunk_array is cut off, no room for a key at offset {offset}");
                return;
            }

            DiskKey key = ItemRecord.Read<DiskKey>(array[offset..]);
            offset += DiskKey.Size;
            output.Line($"\titem {index} key {key}");
            ChunkItem chunk = ItemRecord.Read<ChunkItem>(array[offset..]);
            int size = ChunkCheck.SizeOf(in chunk);
            if (FaultOf(key, chunk, size, array.Length - offset) is { } fault)
            {
                report($"{fault} in sys_chunk_array at offset {offset}");
                return;
            }

            _chunks.PrintChunk(array.Slice(offset, size));
            offset += size;
        }
    }

    private static string? FaultOf(Key key, in ChunkItem chunk, int size, int room)
    {
        if (key.Type != ItemType.ChunkItem)
            return $"unexpected item type {(byte)key.Type}";
        if (room < size)
            return $"no room for a chunk of {size} bytes";

        return chunk.StripeCount == 0 ? "invalid number of stripes 0" : null;
    }

    private void PrintBackupRoots(in Superblock super)
    {
        output.Line($"backup_roots[{FormatLimits.BackupRootCount}]:");
        for (int slot = 0; slot < FormatLimits.BackupRootCount; slot++)
        {
            ref readonly RootBackup backup = ref super.RootBackups[slot];
            output.Line($"\tbackup {slot}:");
            output.Line($"\t\tbackup_tree_root:\t{backup.TreeRoot}\tgen: {backup.TreeRootGeneration}\tlevel: {backup.TreeRootLevel}");
            output.Line($"\t\tbackup_chunk_root:\t{backup.ChunkRoot}\tgen: {backup.ChunkRootGeneration}\tlevel: {backup.ChunkRootLevel}");
            output.Line($"\t\tbackup_extent_root:\t{backup.ExtentRoot}\tgen: {backup.ExtentRootGeneration}\tlevel: {backup.ExtentRootLevel}");
            output.Line($"\t\tbackup_fs_root:\t\t{backup.FsRoot}\tgen: {backup.FsRootGeneration}\tlevel: {backup.FsRootLevel}");
            output.Line($"\t\tbackup_dev_root:\t{backup.DevRoot}\tgen: {backup.DevRootGeneration}\tlevel: {backup.DevRootLevel}");
            output.Line($"\t\tcsum_root:\t{backup.CsumRoot}\tgen: {backup.CsumRootGeneration}\tlevel: {backup.CsumRootLevel}");
            output.Line($"\t\tbackup_total_bytes:\t{backup.TotalBytes}");
            output.Line($"\t\tbackup_bytes_used:\t{backup.BytesUsed}");
            output.Line($"\t\tbackup_num_devices:\t{backup.DeviceCount}");
            output.Line();
        }
    }

    /// <summary>One flag a line, in parentheses; nothing at all where no bit is set.</summary>
    private void PrintFlags(ulong flags, (ulong Mask, string Name)[] table)
    {
        const string Between = " |\n\t\t\t  ";
        if (flags == 0)
            return;

        string separator = "";
        output.Write($"\t\t\t( ");
        foreach ((ulong mask, string name) in table)
        {
            if ((flags & mask) != 0 && name.Length > 0)
            {
                output.Write($"{separator}{name}");
                separator = Between;
            }

            flags &= ~mask;
        }

        if (flags != 0)
            output.Write($"{separator}unknown flag: 0x{flags:x}");
        output.Line($" )");
    }

    private void AppendPrintable(ReadOnlySpan<byte> text)
    {
        foreach (byte value in text)
            output.Append(value is >= 0x20 and < 0x7f ? [value] : "."u8);
    }

    private static string Match(bool isEqual) => isEqual ? "[match]" : "[DON'T MATCH]";

    private static string NameOf(ChecksumType type) => type switch
    {
        ChecksumType.Crc32C => "crc32c",
        ChecksumType.XxHash64 => "xxhash64",
        ChecksumType.Sha256 => "sha256",
        ChecksumType.Blake2b256 => "blake2",
        _ => "INVALID",
    };
}
