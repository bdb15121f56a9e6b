namespace Btrfs.Format;

/// <summary>Features that a reader must know to read at all.</summary>
[Flags]
public enum IncompatFlags : ulong
{
    None = 0,
    MixedBackref = 1UL << 0,
    DefaultSubvol = 1UL << 1,
    MixedGroups = 1UL << 2,
    CompressLzo = 1UL << 3,
    CompressZstd = 1UL << 4,
    BigMetadata = 1UL << 5,
    ExtendedIref = 1UL << 6,
    Raid56 = 1UL << 7,
    SkinnyMetadata = 1UL << 8,
    NoHoles = 1UL << 9,
    MetadataUuid = 1UL << 10,
    Raid1C34 = 1UL << 11,
    Zoned = 1UL << 12,
    ExtentTreeV2 = 1UL << 13,
    RaidStripeTree = 1UL << 14,
    SimpleQuota = 1UL << 16,
    RemapTree = 1UL << 17,

    /// <summary>What this engine reads. Anything else is refused by name.</summary>
    Supported = MixedBackref | DefaultSubvol | MixedGroups | CompressLzo | CompressZstd | BigMetadata | ExtendedIref
        | Raid56 | SkinnyMetadata | NoHoles | MetadataUuid | Raid1C34 | SimpleQuota,
}

/// <summary>Features that a reader may ignore, and a writer must know.</summary>
[Flags]
public enum CompatRoFlags : ulong
{
    None = 0,
    FreeSpaceTree = 1UL << 0,
    FreeSpaceTreeValid = 1UL << 1,
    Verity = 1UL << 2,
    BlockGroupTree = 1UL << 3,
}

/// <summary>Flags of the superblock itself.</summary>
[Flags]
public enum SuperblockFlags : ulong
{
    None = 0,
    Written = 1UL << 0,
    Reloc = 1UL << 1,
    Error = 1UL << 2,
    Seeding = 1UL << 32,
    MetaDump = 1UL << 33,
    MetaDumpV2 = 1UL << 34,
    ChangingFsid = 1UL << 35,
    ChangingFsidV2 = 1UL << 36,
    ChangingBlockGroupTree = 1UL << 38,
    ChangingDataCsum = 1UL << 39,
    ChangingMetaCsum = 1UL << 40,
}

public enum ChecksumType : ushort
{
    Crc32C = 0,
    XxHash64 = 1,
    Sha256 = 2,
    Blake2b256 = 3,
}

public static class ChecksumTypes
{
    /// <summary>Bytes of one checksum on the disk.</summary>
    public static int Size(ChecksumType type) => type switch
    {
        ChecksumType.Crc32C => 4,
        ChecksumType.XxHash64 => 8,
        _ => 32,
    };
}
