using BenchmarkDotNet.Attributes;
using Btrfs.Ctree;
using Btrfs.Fidelity;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Storage;

namespace Btrfs.Benchmarks.Micro;

/// <summary>Searches in a snapshot of a golden state: by a cursor that is somewhere else, and by one that is near.</summary>
[MemoryDiagnoser]
public class SearchBenchmarks
{
    private readonly string _work = Directory.CreateTempSubdirectory("btrfs-bench-").FullName;
    private FsInfo? _fs;
    private TreeCursor? _cursor;
    private Key[] _keys = [];
    private int _next;

    [GlobalSetup]
    public void Setup()
    {
        string golden = Path.Combine(AppContext.BaseDirectory, "golden", "seed-10");
        (List<string> images, List<Recording> recordings) = Golden.Open(golden, _work);
        _fs = FsInfo.Open(DeviceSet.Open(images, DeviceOpenOptions.Default));
        _cursor = new PathLookup(_fs).FindSubvolume(recordings[0].Request.Subvolume).OpenCursor();
        List<Key> keys = [];
        for (_cursor.Seek(Key.Min); _cursor.IsValid; _cursor.MoveNext())
            keys.Add(_cursor.Key);
        _keys = [.. keys];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _fs?.Dispose();
        Directory.Delete(_work, recursive: true);
    }

    [Benchmark]
    public bool SeekFar()
    {
        _next = (_next + 7919) % _keys.Length;
        return _cursor!.Seek(_keys[_next]);
    }

    [Benchmark]
    public bool SeekNear()
    {
        _next = (_next + 1) % _keys.Length;
        return _cursor!.Seek(_keys[_next]);
    }
}
