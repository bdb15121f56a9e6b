namespace Btrfs.Stream;

/// <summary>
/// Numbers of the send-stream format (documented with btrfs-progs as "send stream format"). Everything is little-endian and packed:
/// a stream header, then commands, each with a header and a list of attributes.
/// </summary>
public static class StreamFormat
{
    /// <summary>Newest protocol version that this code reads and writes; the oldest is 1.</summary>
    public const int MaxVersion = 3;

    /// <summary>Stream header: 13 bytes of magic (with its NUL), then the version as u32.</summary>
    public const int StreamHeaderBytes = 17;

    /// <summary>Command header: u32 length of the attributes, u16 command number, u32 crc.</summary>
    public const int CommandHeaderBytes = 10;

    /// <summary>Attribute header: u16 type, u16 length. <see cref="AttributeType.Data"/> has no length from version 2 on.</summary>
    public const int AttributeHeaderBytes = 4;

    /// <summary>Size of a uuid attribute.</summary>
    public const int UuidBytes = 16;

    /// <summary>Size of a time attribute: u64 seconds, u32 nanoseconds.</summary>
    public const int TimeBytes = 12;

    /// <summary>A path of a stream, joined to its subvolume, must be shorter than this (the system's PATH_MAX less the final NUL).</summary>
    public const int MaxPathBytes = 4095;

    internal const int CommandLengthOffset = 0;
    internal const int CommandTypeOffset = 4;
    internal const int CommandCrcOffset = 6;

    private const int KernelReserveBytes = 16 * 1024;

    /// <summary>The 13 bytes every stream begins with.</summary>
    public static ReadOnlySpan<byte> Magic => "btrfs-stream\0"u8;

    /// <summary>
    /// The largest command, header included, that the kernel's sender makes: 64 KiB in version 1, later 16 KiB plus one
    /// maximal write of 128 KiB. A reader may not assume the latter.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The version is unknown.</exception>
    public static int MaxSentCommandBytes(int version) => version switch
    {
        1 => 64 * 1024,
        2 or 3 => KernelReserveBytes + (128 * 1024),
        _ => throw new ArgumentOutOfRangeException(nameof(version), version, "stream versions are 1 to 3"),
    };

    /// <summary>The most file data that the kernel's sender puts into one <see cref="CommandType.Write"/>: 48 KiB, from version 2 on 128 KiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The version is unknown.</exception>
    public static int MaxWriteBytes(int version) => MaxSentCommandBytes(version) - KernelReserveBytes;

    /// <summary>Whether data runs to the end of its command instead of having a length field.</summary>
    internal static bool DataIsUnsized(int version) => version >= 2;
}
