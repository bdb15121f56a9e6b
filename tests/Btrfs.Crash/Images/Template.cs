using System.Buffers.Binary;
using System.IO.Compression;

namespace Btrfs.Crash.Images;

/// <summary>A file system that mkfs.btrfs made, for workloads to begin with: its devices, in memory and never changed.</summary>
internal sealed class Template
{
    private Template(string name, IReadOnlyList<PageDevice> devices)
    {
        Name = name;
        Devices = devices;
    }

    public string Name { get; }

    public IReadOnlyList<PageDevice> Devices { get; }

    /// <summary>Whether it has raid5 or raid6.</summary>
    public bool HasParity => Name is "raid5" or "raid6";

    /// <summary>All file systems of the corpus, in the order of their names.</summary>
    public static IReadOnlyList<Template> LoadAll() =>
        [.. Directory.GetFiles(Folder, "*.pages.gz").Order(StringComparer.Ordinal).Select(path => Load(Path.GetFileName(path).Split('.')[0]))];

    public static Template Load(string name)
    {
        using FileStream file = File.OpenRead(Path.Combine(Folder, $"{name}.pages.gz"));
        using GZipStream unpacked = new(file, CompressionMode.Decompress);
        PageDevice[] devices = new PageDevice[ReadNumber(unpacked)];
        for (int i = 0; i < devices.Length; i++)
        {
            ulong size = ReadNumber(unpacked);
            ulong count = ReadNumber(unpacked);
            Dictionary<ulong, byte[]> pages = [];
            for (ulong page = 0; page < count; page++)
            {
                ulong offset = ReadNumber(unpacked);
                byte[] bytes = new byte[PageDevice.PageSize];
                unpacked.ReadExactly(bytes);
                pages.Add(offset, bytes);
            }

            devices[i] = new PageDevice($"{name}.{i + 1}", size, pages);
        }

        return new Template(name, devices);
    }

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Corpora", "crash");

    private static ulong ReadNumber(System.IO.Stream stream)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
