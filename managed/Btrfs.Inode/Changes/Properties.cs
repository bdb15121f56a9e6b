using System.Globalization;
using System.Text;
using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>Properties: xattrs that the file system itself obeys. There is one, compression; its value also shows in the inode's flags.</summary>
internal static class Properties
{
    public static ReadOnlySpan<byte> CompressionName => "btrfs.compression"u8;

    public static ReadOnlySpan<byte> Prefix => "btrfs."u8;

    /// <summary>Whether a value is one that the kernel takes: an algorithm with or without a level, or "no" or "none".</summary>
    public static bool IsValid(ReadOnlySpan<byte> value) => IsNone(value) || TypeOf(value) != CompressionType.None;

    /// <summary>Sets the flags that go with a value; an empty one takes the property away.</summary>
    public static void Apply(ReadOnlySpan<byte> value, ref InodeItem item)
    {
        InodeFlags flags = (InodeFlags)item.Flags.Value & ~(InodeFlags.Compress | InodeFlags.NoCompress);
        if (!value.IsEmpty)
            flags |= IsNone(value) ? InodeFlags.NoCompress : InodeFlags.Compress;
        item.Flags = (ulong)flags;
    }

    /// <summary>What a new inode gets from its directory: the bare name of the algorithm. Only files and directories have properties.</summary>
    public static byte[]? InheritedBy(Change change, ulong directory, uint mode)
    {
        if (!InodeMode.IsRegular(mode) && !InodeMode.IsDirectory(mode))
            return null;
        return Inheritable(XattrItems.TryGet(change, directory, CompressionName));
    }

    /// <summary>What is handed on of a value: the bare name of the algorithm.</summary>
    public static byte[]? Inheritable(byte[]? value)
    {
        (CompressionType type, _) = Parse(value);
        return type == CompressionType.None ? null : Encoding.ASCII.GetBytes(NameOf(type));
    }

    /// <summary>The algorithm and level (0 for none given) that an inode's property asks for.</summary>
    public static (CompressionType Type, int Level) Parse(byte[]? value)
    {
        if (value is null)
            return default;

        CompressionType type = TypeOf(value);
        int colon = value.AsSpan().IndexOf((byte)':');
        int level = 0;
        if (colon >= 0)
            _ = int.TryParse(value.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out level);
        return (type, level);
    }

    public static IncompatFlags FeatureOf(CompressionType type) => type switch
    {
        CompressionType.Lzo => IncompatFlags.CompressLzo,
        CompressionType.Zstd => IncompatFlags.CompressZstd,
        _ => IncompatFlags.None,
    };

    public static CompressionType TypeOf(ReadOnlySpan<byte> value)
    {
        int colon = value.IndexOf((byte)':');
        ReadOnlySpan<byte> name = colon < 0 ? value : value[..colon];
        if (name.SequenceEqual("zlib"u8))
            return CompressionType.Zlib;
        if (name.SequenceEqual("lzo"u8))
            return CompressionType.Lzo;
        return name.SequenceEqual("zstd"u8) ? CompressionType.Zstd : CompressionType.None;
    }

    public static string NameOf(CompressionType type) => type.ToString().ToLowerInvariant();

    private static bool IsNone(ReadOnlySpan<byte> value) => value.SequenceEqual("no"u8) || value.SequenceEqual("none"u8);
}
