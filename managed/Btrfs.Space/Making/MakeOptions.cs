using Btrfs.Format;
using Btrfs.Space.Groups;

namespace Btrfs.Space.Making;

/// <summary>What a new file system shall be. The defaults are those of mkfs.btrfs 6.2.</summary>
public sealed record MakeOptions
{
    /// <summary>At most 255 bytes, commonly UTF-8, without a zero byte or a line break.</summary>
    public ReadOnlyMemory<byte> Label { get; init; }

    /// <summary>
    /// The file system's UUID. Where it is given the UUIDs of the chunk tree, the devices and the top-level subvolume follow from it, so that the same
    /// options and the same <see cref="Time"/> make the same bytes. Otherwise all are random.
    /// </summary>
    public Uuid? Fsid { get; init; }

    /// <summary>When the file system is made; whole seconds count.</summary>
    public DateTimeOffset Time { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>Bytes: a power of two from 4096 to 65536.</summary>
    public int SectorSize { get; init; } = FormatLimits.MinNodeSize;

    /// <summary>Bytes. By default 16 KiB, or a sector if that is more, or if groups are mixed.</summary>
    public int? NodeSize { get; init; }

    /// <summary>How much of each device to use, in bytes; all of it by default.</summary>
    public ulong? DeviceBytes { get; init; }

    public ChecksumType Checksum { get; init; } = ChecksumType.Crc32C;

    /// <summary>A profile bit, or none for single, which is the default.</summary>
    public BlockGroupFlags? DataProfile { get; init; }

    /// <summary>As <see cref="DataProfile"/>. By default dup on one device and raid1 on several, and single where groups are mixed.</summary>
    public BlockGroupFlags? MetadataProfile { get; init; }

    public MakeFeatures Features { get; init; } = MakeFeatures.Default;

    /// <summary>Tell the devices that what they held is wanted no more: a file becomes sparse, a flash device may forget.</summary>
    public bool Discard { get; init; } = true;

    /// <summary>A profile by the name that options have for it.</summary>
    /// <exception cref="InvalidRequestException">There is none of that name.</exception>
    public static BlockGroupFlags ParseProfile(string name) =>
        ProfileRule.Find(name)?.Profile ?? throw new InvalidRequestException($"unknown profile '{name}'");

    /// <summary>A checksum algorithm by the name that options have for it.</summary>
    /// <exception cref="InvalidRequestException">There is none of that name.</exception>
    public static ChecksumType ParseChecksum(string name) => name.ToLowerInvariant() switch
    {
        "crc32c" => ChecksumType.Crc32C,
        "xxhash" or "xxhash64" => ChecksumType.XxHash64,
        "sha256" => ChecksumType.Sha256,
        "blake2" or "blake2b" => ChecksumType.Blake2b256,
        _ => throw new InvalidRequestException($"unknown checksum type '{name}'"),
    };
}
