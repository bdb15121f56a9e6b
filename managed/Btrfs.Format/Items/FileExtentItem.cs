using System.Runtime.InteropServices;

namespace Btrfs.Format;

public enum FileExtentType : byte
{
    Inline = 0,
    Regular = 1,
    Prealloc = 2,
}

public enum CompressionType : byte
{
    None = 0,
    Zlib = 1,
    Lzo = 2,
    Zstd = 3,
}

/// <summary>
/// A run of a file's bytes. Key: (inode, ExtentData, file offset). 53 bytes, of which an inline extent has only the first
/// <see cref="InlineHeaderSize"/>, with its data behind them: never read the later members of one.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct FileExtentItem
{
    public readonly Le64 Generation;

    /// <summary>Bytes of the whole extent once decoded; an upper limit.</summary>
    public readonly Le64 RamBytes;
    public readonly CompressionType Compression;
    public readonly byte Encryption;
    public readonly Le16 OtherEncoding;
    public readonly FileExtentType Type;

    /// <summary>Logical address of the extent; 0 is a hole.</summary>
    public readonly Le64 DiskBytenr;
    public readonly Le64 DiskNumBytes;

    /// <summary>Where in the decoded extent this run begins.</summary>
    public readonly Le64 Offset;

    /// <summary>Bytes of the file that this run covers.</summary>
    public readonly Le64 NumBytes;

    public const int Size = 53;
    public const int InlineHeaderSize = 21;
}
