using System.IO.Compression;

namespace Btrfs.Tests.Stream;

/// <summary>The committed streams of the kernel and the dumps of btrfs-progs; see Golden/README.md.</summary>
internal static class GoldenStreams
{
    public static readonly string[] Kernel =
    [
        "full-v1", "full-v2", "full-v2-compressed", "incremental-v1", "incremental-v2-compressed", "no-data-v1", "two-streams-v2",
        "two-subvolumes-in-one-v2",
    ];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Stream", "Golden");

    public static byte[] Read(string name)
    {
        using GZipStream packed = new(File.OpenRead(Path.Combine(Folder, name + ".stream.gz")), CompressionMode.Decompress);
        MemoryStream stream = new();
        packed.CopyTo(stream);
        return stream.ToArray();
    }

    public static byte[] ReadDump(string name) => File.ReadAllBytes(Path.Combine(Folder, name + ".dump"));

    /// <summary>Stores a dump in the sources, when BTRFS_UPDATE_GOLDEN asks for it.</summary>
    public static void UpdateDump(string name, byte[] dump, [System.Runtime.CompilerServices.CallerFilePath] string sourceFile = "")
    {
        File.WriteAllBytes(Path.Combine(Path.GetDirectoryName(sourceFile)!, "Golden", name + ".dump"), dump);
        File.WriteAllBytes(Path.Combine(Folder, name + ".dump"), dump);
    }
}
