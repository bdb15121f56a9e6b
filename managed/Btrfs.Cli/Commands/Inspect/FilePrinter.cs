using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Where a file's bytes are, and their checksums.</summary>
/// <param name="output">Where the text goes.</param>
/// <param name="sectorSize">Bytes that one checksum covers.</param>
/// <param name="checksumSize">Bytes of one checksum.</param>
/// <param name="showChecksums">Whether each checksum is printed, not only the range that an item covers.</param>
internal sealed class FilePrinter(DumpOutput output, int sectorSize, int checksumSize, bool showChecksums)
{
    // Checksums of 8 bytes still fit two in a line of about a hundred columns, longer ones stand alone.
    private readonly int _checksumsInLine = Math.Max(1, 16 / checksumSize);

    public void PrintFileExtent(ReadOnlySpan<byte> data)
    {
        FileExtentItem extent = ItemRecord.Read<FileExtentItem>(data);
        output.Line($"\t\tgeneration {extent.Generation} type {(ulong)extent.Type} ({NameOf(extent.Type)})");
        switch (extent.Type)
        {
            case FileExtentType.Inline:
                int size = Math.Max(0, data.Length - FileExtentItem.InlineHeaderSize);
                output.Line($"\t\tinline extent data size {size} ram_bytes {extent.RamBytes} compression {(ulong)extent.Compression} ({NameOf(extent.Compression)})");
                break;
            case FileExtentType.Prealloc:
                output.Line($"\t\tprealloc data disk byte {extent.DiskBytenr} nr {extent.DiskNumBytes}");
                output.Line($"\t\tprealloc data offset {extent.Offset} nr {extent.NumBytes}");
                break;
            default:
                output.Line($"\t\textent data disk byte {extent.DiskBytenr} nr {extent.DiskNumBytes}");
                output.Line($"\t\textent data offset {extent.Offset} nr {extent.NumBytes} ram {extent.RamBytes}");
                output.Line($"\t\textent compression {(ulong)extent.Compression} ({NameOf(extent.Compression)})");
                break;
        }
    }

    public void PrintChecksums(ulong start, ReadOnlySpan<byte> data)
    {
        ulong length = (ulong)(data.Length / checksumSize) * (ulong)sectorSize;
        output.Line($"\t\trange start {start} end {start + length} length {length}");
        if (showChecksums)
            PrintEach(start, data);
    }

    public void PrintLegacyChecksums() => output.Line($"\t\tcsum item");

    private void PrintEach(ulong start, ReadOnlySpan<byte> data)
    {
        int column = 0;
        for (; data.Length >= checksumSize; data = data[checksumSize..], start += (ulong)sectorSize)
        {
            output.Write($"{(column == 0 ? "\t\t" : " ")}[{start}] 0x");
            output.AppendHex(data[..checksumSize]);
            if (++column == _checksumsInLine)
            {
                output.Line();
                column = 0;
            }
        }

        if (column != 0)
            output.Line();
    }

    private static string NameOf(FileExtentType type) => type switch
    {
        FileExtentType.Inline => "inline",
        FileExtentType.Regular => "regular",
        FileExtentType.Prealloc => "prealloc",
        _ => "unknown",
    };

    private static string NameOf(CompressionType type) => type switch
    {
        CompressionType.None => "none",
        CompressionType.Zlib => "zlib",
        CompressionType.Lzo => "lzo",
        CompressionType.Zstd => "zstd",
        _ => $"UNKNOWN.{(byte)type}",
    };
}
