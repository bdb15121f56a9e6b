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
public struct FileExtentItem
{
    public Le64 Generation;

    /// <summary>Bytes of the whole extent once decoded; an upper limit.</summary>
    public Le64 RamBytes;
    public CompressionType Compression;
    public byte Encryption;
    public Le16 OtherEncoding;
    public FileExtentType Type;

    /// <summary>Logical address of the extent; 0 is a hole.</summary>
    public Le64 DiskBytenr;
    public Le64 DiskNumBytes;

    /// <summary>Where in the decoded extent this run begins.</summary>
    public Le64 Offset;

    /// <summary>Bytes of the file that this run covers.</summary>
    public Le64 NumBytes;

    public const int Size = 53;
    public const int InlineHeaderSize = 21;
}
