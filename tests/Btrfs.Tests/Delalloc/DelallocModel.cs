using Btrfs.Check;
using Btrfs.Delalloc;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Tests.Changes;

namespace Btrfs.Tests.Delalloc;

/// <summary>Random changes to files through memory, done to a file system and to arrays of bytes; and whether the two agree at every moment.</summary>
internal sealed class DelallocModel : IDisposable
{
    private const int MaxSize = 400_000;
    private static readonly string[] s_compressions = ["zlib", "lzo", "zstd"];

    private readonly string _image;
    private readonly FileRandom _random;
    private readonly DelallocOptions _options;
    private readonly Dictionary<string, byte[]> _files = [];
    private readonly List<string> _live = [];
    private readonly List<string> _snapshots = [];
    private readonly List<(BufferedFileStream Handle, byte[] Content)> _unlinked = [];
    private readonly Trail _log = new();
    private BtrfsFileSystem _fs;
    private int _names;

    public DelallocModel(string image, int seed, DelallocOptions options)
    {
        _image = image;
        _random = new FileRandom(seed);
        _options = options;
        _fs = Open();
        _fs.CreateSubvolume("second");
        foreach (string top in (string[])["", "second/"])
        {
            for (int i = 0; i < 6; i++)
            {
                string directory = $"{top}d{i}";
                _fs.CreateDirectory(directory);
                if (i is >= 1 and <= 3)
                    _fs.SetXattr(directory, "btrfs.compression"u8, System.Text.Encoding.ASCII.GetBytes(s_compressions[i - 1]));
                if (i == 4)
                    _fs.SetFlags(directory, InodeFlags.NoDataCow);
                Create($"{directory}/file");
            }
        }
    }

    /// <summary>What was done last, the oldest first.</summary>
    public string Log => _log.ToString();

    /// <summary>How many writes there was no room for.</summary>
    public int Refused { get; private set; }

    public void Step()
    {
        try
        {
            Do(_random.Next(100));
        }
        catch (Exception error) when (error is not (NoSpaceException or InvalidOperationException))
        {
            throw new InvalidOperationException($"{error}\n{Log}", error);
        }
    }

    /// <summary>Closes and opens again, reads every file and snapshot, and checks all.</summary>
    public void Verify()
    {
        Reopen();
        foreach (string path in _files.Keys)
            VerifyFile(path);

        // Opened for writing, its chunks in memory may be ahead of the commit.
        _fs.Dispose();
        _fs = BtrfsFileSystem.Open([_image]);
        CheckReport report = new FileSystemChecker(_fs.Info, new CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
        if (!report.IsClean)
            throw new InvalidOperationException($"{string.Join('\n', report.Findings)}\n{Log}");
    }

    public void Dispose() => _fs.Dispose();

    private void Do(int number)
    {
        switch (number)
        {
            case < 40:
                Write();
                break;
            case < 48:
                Truncate();
                break;
            case < 56:
                Allocate();
                break;
            case < 64:
                Clone();
                break;
            case < 76:
                VerifyRange(Pick());
                break;
            case < 79:
                Flush();
                break;
            case < 83:
                string synced = Pick();
                _log.Note($"fsync {synced}");
                _fs.Fsync(synced);
                break;
            case < 86:
                _log.Note("commit");
                _fs.Commit();
                break;
            case < 88:
                _log.Note("internal commit");
                _fs.Writer.Commit();
                break;
            case < 91:
                Snapshot();
                break;
            case < 93:
                DeleteSnapshot();
                break;
            case < 95:
                Unlink();
                break;
            case < 97:
                UseUnlinked();
                break;
            case < 98:
                Replace();
                break;
            default:
                Reopen();
                VerifyFile(Pick());
                break;
        }
    }

    private void Create(string path)
    {
        _fs.CreateFile(path);
        _files[path] = [];
        _live.Add(path);
    }

    private void Write()
    {
        string path = Pick();
        int offset = _random.Offset();
        byte[] data = _random.Bytes();
        _log.Note($"write {path} {offset}+{data.Length}");
        try
        {
            _fs.WriteFile(path, (ulong)offset, data);
        }
        catch (NoSpaceException)
        {
            // What fitted counts.
            Refused++;
            int size = (int)_fs.GetStatus(path).Size;
            byte[] now = new byte[size];
            _fs.ReadFile(path, 0, now);
            byte[] before = _files[path];
            for (int i = 0; i < size; i++)
            {
                byte old = i < before.Length ? before[i] : (byte)0;
                byte asked = i >= offset && i < offset + data.Length ? data[i - offset] : old;
                if (now[i] != old && now[i] != asked)
                    throw new InvalidOperationException($"{path} has at {i} neither what was there nor what was written\n{Log}");
            }

            _files[path] = now;
            return;
        }

        byte[] content = Grown(path, offset + data.Length);
        data.CopyTo(content, offset);
    }

    private void Truncate()
    {
        string path = Pick();
        int size = _random.Size(MaxSize);
        _log.Note($"truncate {path} {size}");
        if (!Try(() => _fs.SetLength(path, (ulong)size)))
            return;
        byte[] content = _files[path];
        Array.Resize(ref content, size);
        _files[path] = content;
    }

    private void Allocate()
    {
        string path = Pick();
        AllocateMode mode = (AllocateMode)_random.Next(5);
        int offset = _random.Offset();
        int length = _random.Next(1, 60_000);
        _log.Note($"{mode} {path} {offset}+{length}");
        if (Refused > 0 || !Try(() => _fs.Allocate(path, (ulong)offset, (ulong)length, mode)))
            return;
        bool grows = mode is AllocateMode.Preallocate or AllocateMode.ZeroRange;
        byte[] content = Grown(path, grows ? offset + length : 0);
        if (mode is not (AllocateMode.Preallocate or AllocateMode.PreallocateKeepSize) && offset < content.Length)
            content.AsSpan(offset, Math.Min(length, content.Length - offset)).Clear();
    }

    private void Clone()
    {
        string from = Pick();
        string to = Pick();
        byte[] source = _files[from];
        if (from.Contains("d4", StringComparison.Ordinal) != to.Contains("d4", StringComparison.Ordinal) || source.Length == 0 || from == to || Refused > 0)
            return;

        int offset = _random.Next(source.Length) / 4096 * 4096;
        int target = _random.Offset() / 4096 * 4096;
        bool toEnd = target + source.Length - offset >= _files[to].Length && _random.Next(2) == 0;
        int length = toEnd ? source.Length - offset : _random.Next(source.Length - offset + 1) / 4096 * 4096;
        if (length == 0)
            return;
        _log.Note($"clone {from} {offset}+{length} to {to} {target}");
        _fs.CloneRange(from, (ulong)offset, (ulong)length, to, (ulong)target);
        byte[] content = Grown(to, target + length);
        source.AsSpan(offset, length).CopyTo(content.AsSpan(target));
        if (_fs.DedupeRange(from, (ulong)offset, (ulong)length, to, (ulong)target) is null)
            throw new InvalidOperationException($"what was cloned differs\n{Log}");
    }

    private void Flush()
    {
        _log.Note("flush");
        switch (_random.Next(3))
        {
            case 0:
                _fs.Delalloc.FlushAll();
                if (_fs.Delalloc.HasDelalloc(ObjectIds.FsTree) || _fs.Delalloc.DirtyBytes > 0)
                    throw new InvalidOperationException($"something is dirty after a flush\n{Log}");
                break;
            case 1:
                _fs.Delalloc.FlushRoot(ObjectIds.FsTree);
                break;
            default:
                FileStatus status = _fs.GetStatus(Pick());
                _fs.Delalloc.FlushInode(status.SubvolumeId, status.Inode);
                break;
        }
    }

    private void Snapshot()
    {
        string source = _random.Next(2) == 0 ? "" : "second";
        string name = $"snapshot{_names++}";
        _log.Note($"snapshot {source} {name}");
        if (!Try(() => _fs.CreateSnapshot(source, name, isReadOnly: _random.Next(2) == 0)))
            return;
        foreach ((string path, byte[] content) in _files.ToArray())
        {
            if (path.StartsWith("second/", StringComparison.Ordinal) == (source.Length > 0) && !path.StartsWith("snapshot", StringComparison.Ordinal))
                _files[$"{name}/{path[(source.Length > 0 ? "second/".Length : 0)..]}"] = (byte[])content.Clone();
        }

        _snapshots.Add(name);
    }

    private void DeleteSnapshot()
    {
        if (_snapshots.Count == 0)
            return;
        int index = _random.Next(_snapshots.Count);
        string name = _snapshots[index];
        _snapshots.RemoveAt(index);
        _log.Note($"delete {name}");
        _fs.DeleteSubvolume(name);
        foreach (string path in _files.Keys.Where(path => path.StartsWith(name + "/", StringComparison.Ordinal)).ToArray())
            _files.Remove(path);
        if (_random.Next(2) == 0)
            _fs.CleanUp();
    }

    // Deleted while dirty, and while open now and then.
    private void Unlink()
    {
        string path = Pick();
        bool isOpen = _random.Next(2) == 0;
        _log.Note($"unlink {path} {(isOpen ? "while open" : "")}");
        if (isOpen)
            _unlinked.Add((_fs.OpenFile(path, FileAccess.ReadWrite), _files[path]));
        _fs.Delete(path);
        _live.Remove(path);
        Create(path);
    }

    private void UseUnlinked()
    {
        if (_unlinked.Count == 0)
            return;
        (BufferedFileStream handle, byte[] content) = _unlinked[^1];
        _log.Note("read, write and close what was deleted");
        byte[] have = new byte[content.Length];
        handle.Position = 0;
        handle.ReadExactly(have);
        if (handle.Length != content.Length || !have.AsSpan().SequenceEqual(content))
            throw new InvalidOperationException($"a deleted file has changed\n{Log}");
        handle.Position = 5000;
        if (Refused == 0)
            handle.Write("written after its deletion"u8);
        handle.Dispose();
        _unlinked.RemoveAt(_unlinked.Count - 1);
    }

    private void Replace()
    {
        string path = Pick();
        string fresh = path + ".new";
        _log.Note($"replace {path}");
        byte[] data = _random.Bytes(_random.Next(1, 20_000));
        if (!Try(() => _fs.CreateFile(fresh)))
            return;
        if (!Try(() => _fs.WriteFile(fresh, 0, data)))
            data = [];
        if (data.Length > 0 || Refused == 0)
        {
            _fs.Move(fresh, path);
            _files[path] = data;
            return;
        }

        _fs.Delete(fresh);
    }

    private void Reopen()
    {
        _log.Note("reopen");
        foreach ((BufferedFileStream handle, _) in _unlinked)
            handle.Dispose();
        _unlinked.Clear();
        _fs.Dispose();
        _fs = Open();
    }

    private BtrfsFileSystem Open() => BtrfsFileSystem.Open([_image], new BtrfsOpenOptions { Writable = true, Delalloc = _options });

    private void VerifyRange(string path)
    {
        byte[] content = _files[path];
        int from = _random.Next(content.Length + 1);
        byte[] have = new byte[_random.Next(100_000)];
        int read = _fs.ReadFile(path, (ulong)from, have);
        int expected = Math.Min(have.Length, content.Length - from);
        int same = have.AsSpan(0, read).CommonPrefixLength(content.AsSpan(from, expected));
        if (read != expected || same != read)
            throw new InvalidOperationException($"{path} {from}: {read} bytes, expect {expected}; differ at {from + same}\n{Log}");
    }

    private void VerifyFile(string path)
    {
        byte[] content = _files[path];
        using System.IO.Stream stream = _fs.OpenFile(path);
        byte[] have = new byte[stream.Length];
        stream.ReadExactly(have);
        int same = have.AsSpan().CommonPrefixLength(content);
        if (have.Length != content.Length || same != have.Length)
            throw new InvalidOperationException($"{path}: {have.Length} bytes, expect {content.Length}; differ at {same}\n{Log}");
    }

    private bool Try(Action what)
    {
        try
        {
            what();
            return true;
        }
        catch (NoSpaceException)
        {
            Refused++;
            return false;
        }
    }

    private string Pick() => _live[_random.Next(_live.Count)];

    private byte[] Grown(string path, int size)
    {
        byte[] content = _files[path];
        if (content.Length < size)
            Array.Resize(ref content, size);
        return _files[path] = content;
    }
}
