using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Making;
using Btrfs.Storage;
using Btrfs.Tests.Storage;

namespace Btrfs.Tests.Making;

/// <summary>Devices of memory that a file system was made on.</summary>
internal sealed class MadeImage
{
    public const int DefaultMegabytes = 109;

    public MadeImage(MakeOptions options, int devices = 1, int megabytes = DefaultMegabytes)
    {
        Devices = [.. Enumerable.Range(1, devices).Select(i => new MemoryDevice($"disk{i}", new byte[megabytes << 20]))];

        // They are empty, and to discard them would touch all their memory.
        Result = new FileSystemMaker(options with { Discard = false }).Make(Devices);
    }

    public static Uuid Fsid { get; } = Uuid.Parse("01234567-89ab-cdef-0123-456789abcdef");

    public IReadOnlyList<MemoryDevice> Devices { get; }

    public MakeResult Result { get; }

    public FsInfo Open() => FsInfo.Open(DeviceSet.Open([.. Devices], new DeviceOpenOptions { AllowMissingDevices = false }));

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
