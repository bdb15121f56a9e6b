using System.Globalization;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Cli.Text;

/// <summary>How file data is to be compressed, as mkfs.btrfs and mount take it: <c>no|zlib|lzo|zstd[:LEVEL]</c>.</summary>
internal static class CompressionText
{
    private const int MaxZlibLevel = 9;
    private const int MinZstdLevel = -15;
    private const int MaxZstdLevel = 15;

    /// <exception cref="UsageException">It is something else.</exception>
    public static WriteOptions Parse(string? text)
    {
        if (text is null or "no" or "none")
            return WriteOptions.Default;

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? text : text[..colon];
        int level = 0;
        bool isNumber = colon < 0 || int.TryParse(text.AsSpan(colon + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out level);
        (CompressionType Type, int Least, int Most)? known = name switch
        {
            "zlib" => (CompressionType.Zlib, 0, MaxZlibLevel),
            "lzo" => (CompressionType.Lzo, 0, 0),
            "zstd" => (CompressionType.Zstd, MinZstdLevel, MaxZstdLevel),
            _ => null,
        };
        return isNumber && known is { } algorithm && level >= algorithm.Least && level <= algorithm.Most
            ? new WriteOptions { Compression = algorithm.Type, Level = level }
            : throw new UsageException($"'{text}' is not a compression, only no, zlib[:1-9], lzo and zstd[:-15-15] are");
    }
}
