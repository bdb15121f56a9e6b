using Btrfs.Crash.Models;
using Btrfs.Engine;
using Btrfs.Inode.Changes;

namespace Btrfs.Crash.Running;

/// <summary>What an fsync, and those before it since the last commit, have promised that a power cut leaves.</summary>
/// <param name="Time">When the fsync came back.</param>
/// <param name="Entries">By path.</param>
internal sealed record Promise(int Time, IReadOnlyDictionary<string, FileEntry> Entries)
{
    /// <summary>The first thing that a state has not; null if nothing.</summary>
    public string? FindBroken(FileSystemModel model)
    {
        foreach ((string path, FileEntry entry) in Entries)
        {
            if (!model.Entries.TryGetValue(path, out FileEntry? held))
                return $"'{path}' was synced and is missing";
            if (Promises.Lasting(held) != entry)
                return $"'{path}' was synced as {entry} and is {held}";
        }

        return null;
    }
}

/// <summary>The fsyncs of one workload.</summary>
internal sealed class Promises
{
    private readonly List<Promise> _made = [];
    private Dictionary<string, FileEntry> _standing = [];
    private ulong _generation;

    public IReadOnlyList<Promise> Made => _made;

    public int Logged { get; private set; }

    /// <summary>A path was synced.</summary>
    /// <param name="fs">Right after that.</param>
    /// <param name="path">Without a leading slash.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="time">Of the recorder, now.</param>
    public void Add(BtrfsFileSystem fs, string path, SyncOutcome outcome, int time)
    {
        ulong generation = fs.Writer.Committed.Superblock.Generation;
        if (generation != _generation)
            _standing.Clear();
        _generation = generation;
        if (outcome == SyncOutcome.Nothing)
            return;

        // What has changed again since it was synced may come back either way: of a directory its times tell, where one name came and one went.
        FileSystemModel now = FileSystemModel.Read(fs);
        _standing[path] = now.Entries[path];
        _standing = _standing.Where(synced => now.Entries.TryGetValue(synced.Key, out FileEntry? entry) && entry == synced.Value).ToDictionary();
        _made.Add(new Promise(time, _standing.ToDictionary(synced => synced.Key, synced => Lasting(synced.Value))));
        if (outcome == SyncOutcome.Logged)
            Logged++;
    }

    /// <summary>An entry without the times of a directory, which are those of changes that a replay makes anew.</summary>
    public static FileEntry Lasting(FileEntry entry) => entry.IsDirectory ? entry with { MTime = 0, CTime = 0 } : entry;
}
