using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>The part of a compressed extent from elsewhere that a file is to show. The extent itself, as it is to lie on the disk, goes beside it.</summary>
public readonly record struct EncodedExtent
{
    /// <summary>Where the part begins in the file.</summary>
    public required ulong FileOffset { get; init; }

    /// <summary>Bytes of the part.</summary>
    public required ulong FileBytes { get; init; }

    /// <summary>Bytes that the whole extent has once it is decoded, at most <see cref="FormatLimits.MaxCompressedExtent"/>.</summary>
    public required ulong RamBytes { get; init; }

    /// <summary>Where in the decoded extent the part begins; with <see cref="FileBytes"/> it ends within.</summary>
    public required ulong Offset { get; init; }

    /// <summary>Not <see cref="CompressionType.None"/>.</summary>
    public required CompressionType Compression { get; init; }

    /// <summary>Where the part ends in the file.</summary>
    public ulong FileEnd => FileOffset + FileBytes;

    /// <summary>Whether it can be stored as it is: what it shows is whole sectors, but for the end of the file, and it is smaller than what it decodes to.</summary>
    /// <param name="dataBytes">Of the extent.</param>
    /// <param name="fileSize">Of the file.</param>
    /// <param name="sectorSize">Of the file system, in bytes.</param>
    internal bool IsStorable(int dataBytes, ulong fileSize, int sectorSize)
    {
        bool isAligned = IsAligned(FileOffset) && IsAligned(Offset) && (IsAligned(FileEnd) || FileEnd >= fileSize);
        return isAligned && (ulong)dataBytes < RamBytes && AlignUp((ulong)dataBytes) <= FormatLimits.MaxCompressedExtent
            && AlignUp(RamBytes) <= FormatLimits.MaxCompressedExtent;

        bool IsAligned(ulong value) => value % (ulong)sectorSize == 0;

        ulong AlignUp(ulong value) => (value + (ulong)sectorSize - 1) / (ulong)sectorSize * (ulong)sectorSize;
    }
}
