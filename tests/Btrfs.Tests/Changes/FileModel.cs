using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Data;
using Btrfs.Inode.Subvolumes;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Tests.Changes;

/// <summary>Random changes to the content of files, done to a file system and to arrays of bytes; and whether the two agree.</summary>
internal sealed class FileModel : IDisposable
{
    private const int MaxSize = 400_000;
    private const uint RegularMode = InodeMode.Regular | 0x1A4;
    private const uint DirectoryMode = InodeMode.Directory | 0x1ED;
    private static readonly string[] s_compressions = ["zlib", "lzo", "zstd"];

    private readonly string _image;
    private readonly FileRandom _random;
    private readonly Dictionary<(ulong Root, ulong Inode), byte[]> _files = [];
    private readonly List<(ulong Root, string Name)> _snapshots = [];
    private readonly List<(ulong Root, ulong Inode, bool HasSums)> _live = [];
    private readonly Trail _log = new();
    private FsWriter _writer;
    private SubvolumeWriters _subvolumes;

    public FileModel(string image, int seed)
    {
        _image = image;
        _random = new FileRandom(seed);
        (_writer, _subvolumes) = Open();
        ulong second = new SubvolumeOperations(_subvolumes).Create(ObjectIds.FsTree, ObjectIds.FirstFree, "second"u8);
        foreach (ulong root in (ulong[])[ObjectIds.FsTree, second])
            CreateFiles(_subvolumes.Get(root));
    }

    /// <summary>What was done last, the oldest first.</summary>
    public string Log => _log.ToString();

    public void Step()
    {
        switch (_random.Next(100))
        {
            case < 35:
                Write();
                break;
            case < 45:
                Truncate();
                break;
            case < 65:
                Allocate();
                break;
            case < 80:
                Clone();
                break;
            case < 90:
                _log.Note("commit");
                _writer.Commit();
                break;
            case < 94:
                Snapshot();
                break;
            case < 97:
                DeleteSnapshot();
                break;
            default:
                Reopen();
                break;
        }
    }

    /// <summary>Reads every file and snapshot as it was committed.</summary>
    public void Verify()
    {
        Reopen();
        foreach (((ulong root, ulong inode), byte[] expected) in _files)
        {
            Subvolume subvolume = new(_writer.Committed, _writer.Committed.GetRoot(root));
            using InodeStream content = new(subvolume, inode);
            byte[] have = new byte[content.Length];
            content.ReadExactly(have);
            int differ = have.AsSpan().CommonPrefixLength(expected);
            if (differ < have.Length || have.Length != expected.Length)
                throw new InvalidOperationException($"root {root} inode {inode}: {have.Length} bytes, expect {expected.Length}; differ at {differ}\n{Log}");
        }
    }

    public void Dispose() => _writer.Dispose();

    private void CreateFiles(SubvolumeWriter subvolume)
    {
        for (int i = 0; i < 6; i++)
        {
            ulong directory = subvolume.Create(ObjectIds.FirstFree, Name($"d{i}"), new NewInode { Mode = DirectoryMode });
            if (i is >= 1 and <= 3)
                subvolume.SetXattr(directory, "btrfs.compression"u8, Name(s_compressions[i - 1]));
            if (i == 4)
                subvolume.SetFlags(directory, InodeFlags.NoDataCow);
            ulong inode = subvolume.Create(directory, "file"u8, new NewInode { Mode = RegularMode });
            _files[(subvolume.RootId, inode)] = [];
            _live.Add((subvolume.RootId, inode, i != 4));
        }
    }

    private void Write()
    {
        (ulong root, ulong inode, _) = Pick();
        int offset = _random.Offset();
        byte[] data = _random.Bytes();
        _log.Note($"write {root}/{inode} {offset}+{data.Length}");
        _subvolumes.Get(root).Write(inode, (ulong)offset, data);
        byte[] content = Grown(root, inode, offset + data.Length);
        data.CopyTo(content, offset);
    }

    private void Truncate()
    {
        (ulong root, ulong inode, _) = Pick();
        int size = _random.Size(MaxSize);
        _log.Note($"truncate {root}/{inode} {size}");
        _subvolumes.Get(root).Truncate(inode, (ulong)size);
        byte[] content = _files[(root, inode)];
        Array.Resize(ref content, size);
        _files[(root, inode)] = content;
    }

    private void Allocate()
    {
        (ulong root, ulong inode, _) = Pick();
        AllocateMode mode = (AllocateMode)_random.Next(5);
        int offset = _random.Offset();
        int length = _random.Next(1, 60_000);
        _log.Note($"{mode} {root}/{inode} {offset}+{length}");
        _subvolumes.Get(root).Allocate(inode, (ulong)offset, (ulong)length, mode);
        bool grows = mode is AllocateMode.Preallocate or AllocateMode.ZeroRange;
        byte[] content = Grown(root, inode, grows ? offset + length : 0);
        if (mode is not (AllocateMode.Preallocate or AllocateMode.PreallocateKeepSize) && offset < content.Length)
            content.AsSpan(offset, Math.Min(length, content.Length - offset)).Clear();
    }

    private void Clone()
    {
        (ulong root, ulong inode, bool hasSums) = Pick();
        (ulong toRoot, ulong toInode, bool toHasSums) = Pick();
        byte[] source = _files[(root, inode)];
        if (hasSums != toHasSums || source.Length == 0 || (root, inode) == (toRoot, toInode))
            return;

        int from = _random.Next(source.Length) / 4096 * 4096;
        int to = _random.Offset() / 4096 * 4096;
        bool toEnd = to + source.Length - from >= _files[(toRoot, toInode)].Length && _random.Next(2) == 0;
        int length = toEnd ? source.Length - from : _random.Next(source.Length - from + 1) / 4096 * 4096;
        if (length == 0)
            return;
        _log.Note($"clone {root}/{inode} {from}+{length} to {toRoot}/{toInode} {to}");
        _subvolumes.Get(root).Clone(inode, (ulong)from, (ulong)length, _subvolumes.Get(toRoot), toInode, (ulong)to);
        byte[] content = Grown(toRoot, toInode, to + length);
        source.AsSpan(from, length).CopyTo(content.AsSpan(to));
        ulong? shared = _subvolumes.Get(root).Dedupe(inode, (ulong)from, (ulong)length, _subvolumes.Get(toRoot), toInode, (ulong)to);
        if (shared is null)
            throw new InvalidOperationException($"what was cloned differs\n{Log}");
    }

    private void Snapshot()
    {
        ulong source = Pick().Root;
        string name = $"snapshot{_files.Count}-{_log.Count}-{_random.Next()}";
        _log.Note($"snapshot {source}");
        ulong id = new SubvolumeOperations(_subvolumes).Snapshot(source, ObjectIds.FsTree, ObjectIds.FirstFree, Name(name), _random.Next(2) == 0);
        foreach (((ulong root, ulong inode), byte[] content) in _files.ToArray())
        {
            if (root == source)
                _files[(id, inode)] = (byte[])content.Clone();
        }

        _snapshots.Add((id, name));
    }

    private void DeleteSnapshot()
    {
        if (_snapshots.Count == 0)
            return;
        int index = _random.Next(_snapshots.Count);
        (ulong id, string name) = _snapshots[index];
        _snapshots.RemoveAt(index);
        _log.Note($"delete {id}");
        new SubvolumeOperations(_subvolumes).Delete(ObjectIds.FsTree, ObjectIds.FirstFree, Name(name));
        foreach ((ulong Root, ulong Inode) key in _files.Keys.Where(key => key.Root == id).ToArray())
            _files.Remove(key);
        if (_random.Next(2) == 0)
            new SubvolumeCleaner(_subvolumes).Run();
    }

    private void Reopen()
    {
        _log.Note("reopen");
        _writer.Commit();
        _writer.Dispose();
        (_writer, _subvolumes) = Open();
        OrphanCleaner.Run(_subvolumes);
    }

    private (FsWriter Writer, SubvolumeWriters Subvolumes) Open()
    {
        FsWriter writer = FsWriter.Open(DeviceSet.Open([_image], new DeviceOpenOptions { Writable = true }), new FsOpenOptions());
        return (writer, new SubvolumeWriters(writer));
    }

    private (ulong Root, ulong Inode, bool HasSums) Pick() => _live[_random.Next(_live.Count)];

    private byte[] Grown(ulong root, ulong inode, int size)
    {
        byte[] content = _files[(root, inode)];
        if (content.Length < size)
            Array.Resize(ref content, size);
        return _files[(root, inode)] = content;
    }

    private static byte[] Name(string name) => System.Text.Encoding.UTF8.GetBytes(name);
}
