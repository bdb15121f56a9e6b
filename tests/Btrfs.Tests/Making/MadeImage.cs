using Btrfs.Ctree;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Tests.Making;

/// <summary>Devices of memory that a file system was made on.</summary>
internal sealed class MadeImage
{
    public const int DefaultMegabytes = 109;

    public MadeImage(MakeOptions options, int devices = 1, int megabytes = DefaultMegabytes)
    {
        Devices = [.. Enumerable.Range(1, devices).Select(i => Blank($"disk{i}", megabytes))];
        Result = new FileSystemMaker(options).Make(Devices);
    }

    public static Uuid Fsid { get; } = Uuid.Parse("01234567-89ab-cdef-0123-456789abcdef");

    public IReadOnlyList<IBlockDevice> Devices { get; }

    public MakeResult Result { get; }

    /// <summary>A device of zeros that takes no memory but for what is written.</summary>
    public static MemoryOverlayDevice Blank(string name, int megabytes = DefaultMegabytes) => new(new ZeroDevice(name, (ulong)megabytes << 20));

    /// <summary>All the bytes of a device, piece by piece.</summary>
    public static IEnumerable<byte[]> BytesOf(IBlockDevice device)
    {
        byte[] piece = new byte[1 << 20];
        for (ulong offset = 0; offset < device.SizeBytes; offset += (ulong)piece.Length)
        {
            device.Read(offset, piece);
            yield return piece;
        }
    }

    public FsInfo Open() => FsInfo.Open(DeviceSet.Open([.. Devices], new DeviceOpenOptions { AllowMissingDevices = false }));

    public FsWriter OpenForWriting(FsOpenOptions? options = null) =>
        FsWriter.Open(DeviceSet.Open([.. Devices], new DeviceOpenOptions { Writable = true }), options);

    /// <summary>All items of all trees, each block through the gate.</summary>
    public static List<(ulong Tree, Key Key)> Walk(FsInfo fs)
    {
        List<(ulong Tree, Key Key)> items = [];
        List<TreeRoot> trees = [fs.ChunkTree, fs.RootTree];
        for (int i = 0; i < trees.Count; i++)
        {
            TreeCursor cursor = fs.OpenCursor(trees[i]);
            for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
            {
                items.Add((trees[i].RootId, cursor.Key));
                if (i == 1 && cursor.Key.Type == ItemType.RootItem)
                    trees.Add(RootRecord.Read(cursor.Key, cursor.Data).Tree);
            }
        }

        return items;
    }
}
