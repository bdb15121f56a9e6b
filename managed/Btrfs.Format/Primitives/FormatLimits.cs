namespace Btrfs.Format;

/// <summary>Sizes and limits that the format fixes, in bytes unless the name says otherwise.</summary>
public static class FormatLimits
{
    public const int SuperblockSize = 4096;
    public const int ChecksumFieldSize = 32;
    public const int MinNodeSize = 4096;
    public const int MaxNodeSize = 65536;
    public const int MaxTreeLevel = 8;
    public const int MaxNameLength = 255;
    public const int LabelSize = 256;
    public const int SystemChunkArraySize = 2048;
    public const int StripeLength = 65536;

    /// <summary>A compressed extent never holds more than this many bytes of file data.</summary>
    public const int MaxCompressedExtent = 128 * 1024;
    public const int BackupRootCount = 4;
    public const ulong MaxExtentSize = 128UL * 1024 * 1024;

    /// <summary>Where a superblock lies on a device: the primary at 64 KiB, mirrors at 64 MiB and 256 GiB.</summary>
    public static ReadOnlySpan<ulong> SuperblockOffsets => [64UL << 10, 64UL << 20, 256UL << 30];
}
