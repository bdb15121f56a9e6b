using System.Globalization;
using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>What trees are called on the command line and above their dump.</summary>
internal static class TreeName
{
    private const string Suffix = "_TREE";

    private static readonly (string Name, ulong Id)[] s_names =
    [
        ("ROOT", ObjectIds.RootTree),
        ("EXTENT", ObjectIds.ExtentTree),
        ("CHUNK", ObjectIds.ChunkTree),
        ("DEVICE", ObjectIds.DevTree),
        ("DEV", ObjectIds.DevTree),
        ("FS", ObjectIds.FsTree),
        ("CSUM", ObjectIds.CsumTree),
        ("CHECKSUM", ObjectIds.CsumTree),
        ("QUOTA", ObjectIds.QuotaTree),
        ("UUID", ObjectIds.UuidTree),
        ("FREE_SPACE", ObjectIds.FreeSpaceTree),
        ("BLOCK_GROUP", ObjectIds.BlockGroupTree),
        ("TREE_LOG_FIXUP", ObjectIds.TreeLogFixup),
        ("TREE_LOG", ObjectIds.TreeLog),
        ("TREE_RELOC", ObjectIds.TreeReloc),
        ("DATA_RELOC", ObjectIds.DataRelocTree),
    ];

    /// <summary>The id of a tree given as a number or by name, in any case, with or without "_TREE" behind it; null for anything else.</summary>
    public static ulong? Parse(string text)
    {
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id))
            return id is 0 or ulong.MaxValue ? null : id;

        foreach ((string name, ulong named) in s_names)
        {
            if (text.Equals(name, StringComparison.OrdinalIgnoreCase) || text.Equals(name + Suffix, StringComparison.OrdinalIgnoreCase))
                return named;
        }

        return null;
    }

    /// <summary>The head of the line above a tree: "extent" of "extent tree key ...".</summary>
    public static string HeadingOf(ulong id) => id switch
    {
        ObjectIds.RootTree => "root",
        ObjectIds.ExtentTree => "extent",
        ObjectIds.ChunkTree => "chunk",
        ObjectIds.DevTree => "device",
        ObjectIds.FsTree => "fs",
        ObjectIds.RootTreeDir => "directory",
        ObjectIds.CsumTree => "checksum",
        ObjectIds.QuotaTree => "quota",
        ObjectIds.UuidTree => "uuid",
        ObjectIds.FreeSpaceTree => "free space",
        ObjectIds.BlockGroupTree => "block group",
        ObjectIds.Multiple => "multiple",
        ObjectIds.Orphan => "orphan",
        ObjectIds.TreeLog => "log",
        ObjectIds.TreeLogFixup => "log fixup",
        ObjectIds.TreeReloc => "reloc",
        ObjectIds.DataRelocTree => "data reloc",
        ObjectIds.ExtentCsum => "extent checksum",
        _ => "file",
    };
}
