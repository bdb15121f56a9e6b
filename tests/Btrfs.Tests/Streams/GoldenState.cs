using Btrfs.Ctree;
using Btrfs.Fidelity;
using Btrfs.Inode;
using Btrfs.Send;
using Btrfs.Storage;

namespace Btrfs.Tests.Streams;

/// <summary>A committed random state of the kernel's, with its streams, opened for the tests of one fixture.</summary>
internal sealed class GoldenState : IDisposable
{
    private static readonly string s_golden = Path.Combine(AppContext.BaseDirectory, "golden");

    private readonly PathLookup _paths;

    public GoldenState(string name)
    {
        Work = Directory.CreateTempSubdirectory("btrfs-streams-").FullName;
        (List<string> images, List<Recording> recordings) = Golden.Open(Path.Combine(s_golden, name), Work);
        Images = images;
        Recordings = recordings;
        Fs = FsInfo.Open(DeviceSet.Open(images, DeviceOpenOptions.Default));
        _paths = new PathLookup(Fs);
        Snapshots = new SubvolumeTable(Fs).Enumerate()
            .Select(subvolume => subvolume.Root)
            .Where(root => root is { IsReadOnly: true, IsDead: false } && !root.Item.ParentUuid.IsZero)
            .GroupBy(root => root.Item.ParentUuid)
            .MaxBy(family => family.Count())!
            .ToList();
    }

    public static IEnumerable<string> Names => Directory.EnumerateDirectories(s_golden).Select(state => Path.GetFileName(state)).Order();

    public string Work { get; }

    public IReadOnlyList<string> Images { get; }

    public IReadOnlyList<Recording> Recordings { get; }

    public FsInfo Fs { get; }

    /// <summary>
    /// The snapshots of one subvolume in the order in which they were made. Between those of several, streams of the kernel's (and so ours) can leave something behind at the receiver.
    /// </summary>
    public IReadOnlyList<RootRecord> Snapshots { get; }

    public RootRecord Root(string path) => _paths.FindSubvolume(path).Root;

    public byte[] Send(RootRecord root, RootRecord? parent, IReadOnlyCollection<RootRecord> cloneSources, SendOptions options)
    {
        using MemoryStream output = new();
        new Sender(Fs).Send(root, parent, cloneSources, options, output);
        return output.ToArray();
    }

    public string Save(string name, byte[] stream)
    {
        string path = Path.Combine(Work, name);
        File.WriteAllBytes(path, stream);
        return path;
    }

    public void Dispose()
    {
        Fs.Dispose();
        Directory.Delete(Work, recursive: true);
    }
}
