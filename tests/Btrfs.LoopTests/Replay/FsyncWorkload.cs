using System.Text;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.LoopTests.Replay;

/// <summary>
/// Random changes of a mounted file system, with fsyncs of random files and directories between them. Names are few, so they collide, come back and change
/// places; what the kernel refuses is left at that. The same seed makes the same changes.
/// </summary>
internal sealed class FsyncWorkload
{
    private const int Names = 14;
    private const int MaxBytes = 150_000;

    /// <summary>Of the range that is left to experiments: nobody has a driver for it.</summary>
    private const ulong NoDevice = 0xF005;

    private readonly SeededRandom _random;
    private readonly int _root;
    private readonly List<string> _directories = [];
    private readonly List<string> _files = [];
    private readonly (int Weight, Action Run)[] _operations;
    private readonly int _weights;

    public FsyncWorkload(SeededRandom random, int root, int subvolumes)
    {
        _random = random;
        _root = root;
        for (int i = 0; i < subvolumes; i++)
        {
            string name = $"sub{i}";
            KernelException.Check(BtrfsIoctl.CreateSubvolume(root, Bytes(name)), "create a subvolume");
            _directories.Add(name);
        }

        _directories.Add(".");
        _operations =
        [
            (14, Create), (14, Write), (6, Append), (6, Truncate), (5, Allocate), (6, Clone), (10, Rename), (3, RenameOver), (3, Exchange), (8, Link), (9, Unlink),
            (6, MakeDirectory), (3, RemoveDirectory), (3, Symlink), (2, MakeNode), (6, SetXattr), (3, RemoveXattr), (3, ChangeAttributes), (3, LinkTemporary),
            (2, UnlinkOpen), (1, LinkMany), (1, UnlinkMany), (1, Whiteout), (2, WriteBack), (1, CreateMany),
        ];
        _weights = _operations.Sum(operation => operation.Weight);
    }

    /// <summary>Makes so many changes.</summary>
    public void Change(int count)
    {
        for (int i = 0; i < count; i++)
        {
            int at = _random.Below(_weights);
            int chosen = 0;
            while (at >= _operations[chosen].Weight)
                at -= _operations[chosen++].Weight;
            _operations[chosen].Run();
        }
    }

    /// <summary>Commits, as sync does.</summary>
    public void Commit() => KernelException.Check(Syscall.SyncFileSystem(_root), "sync");

    /// <summary>Makes one file or directory durable.</summary>
    public void Fsync()
    {
        bool isFile = _files.Count > 0 && _random.Percent(60);
        int descriptor = Syscall.Open(
            _root, Bytes(isFile ? AnyFile() : AnyDirectory()), Syscall.OpenReadOnly | Syscall.OpenNonBlocking | Syscall.OpenNoFollow);
        if (descriptor < 0)
            return;
        using Descriptor file = new(descriptor);

        // Device nodes refuse it.
        _ = _random.Percent(25) ? Syscall.Fdatasync(descriptor) : Syscall.Fsync(descriptor);
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private string AnyDirectory() => _random.Pick(_directories);

    private string AnyFile() => _random.Pick(_files);

    private string AnyPath() => $"{AnyDirectory()}/n{_random.Below(Names)}";

    private void Create() => Open(AnyPath(), Syscall.OpenCreate | Syscall.OpenReadWrite, file => Fill(file, 0, _random.Percent(50) ? 1800 : MaxBytes));

    private void CreateMany()
    {
        string directory = AnyDirectory();
        int count = _random.Between(20, 120);
        for (int i = 0; i < count; i++)
            Open($"{directory}/many{i}", Syscall.OpenCreate | Syscall.OpenReadWrite, file => Fill(file, 0, 300));
    }

    private void Write() => OpenAny(file => Fill(file, _random.Between(0L, MaxBytes), _random.Percent(40) ? 3000 : MaxBytes));

    private void Append() => OpenAny(file => Fill(file, Syscall.Seek(file, 0, 2), 20_000));

    private void Truncate() => OpenAny(file => Syscall.Truncate(file, _random.Percent(20) ? 0 : _random.Between(0L, 2 * MaxBytes)));

    private void WriteBack() => OpenAny(file => Syscall.WriteBack(file));

    private void Allocate()
    {
        int mode = _random.Pick(
            [0, Syscall.FallocateKeepSize, Syscall.FallocateKeepSize | Syscall.FallocatePunchHole, Syscall.FallocateZeroRange,
                Syscall.FallocateZeroRange | Syscall.FallocateKeepSize]);
        OpenAny(file => Syscall.Allocate(file, mode, _random.Between(0L, MaxBytes), _random.Between(1L, MaxBytes)));
    }

    private void Clone()
    {
        const long Sector = 4096;
        OpenAny(source => OpenAny(target => FileIoctl.CloneRange(
            target, _random.Between(0L, 30) * Sector, source, _random.Between(0L, 20) * Sector, _random.Percent(30) ? 0 : _random.Between(1L, 16) * Sector)));
    }

    private void Rename() => Move(AnySource(), AnyPath(), 0);

    private void RenameOver()
    {
        if (_files.Count > 1)
            Move(AnyFile(), AnyFile(), 0);
    }

    private void Whiteout()
    {
        if (_files.Count > 0)
            Syscall.Rename(_root, Bytes(AnyFile()), _root, Bytes(AnyPath()), Syscall.RenameWhiteout);
    }

    private void Exchange()
    {
        string one = AnySource();
        string other = AnySource();
        if (Syscall.Rename(_root, Bytes(one), _root, Bytes(other), Syscall.RenameExchange) >= 0 && one != other)
            ExchangePaths(one, other);
    }

    private void Link()
    {
        string path = AnyPath();
        if (_files.Count > 0 && Syscall.Link(_root, Bytes(AnyFile()), _root, Bytes(path)) >= 0)
            NoteFile(path);
    }

    // Enough names of one length to fill the item that leads back to them, so that some go to extended ones.
    private void LinkMany()
    {
        if (_files.Count == 0)
            return;
        string file = AnyFile();
        string directory = AnyDirectory();
        int count = _random.Between(10, 90);
        for (int i = 0; i < count; i++)
            Syscall.Link(_root, Bytes(file), _root, Bytes(ManyPath(directory, i)));
    }

    private void UnlinkMany()
    {
        string directory = AnyDirectory();
        for (int i = _random.Below(40); i < 90; i += _random.Between(1, 3))
            Syscall.Unlink(_root, Bytes(ManyPath(directory, i)));
    }

    private static string ManyPath(string directory, int number) => $"{directory}/{number}{new string('l', 190)}";

    private void Unlink()
    {
        string path = _files.Count > 0 ? AnyFile() : AnyPath();
        if (Syscall.Unlink(_root, Bytes(path)) >= 0)
            _files.Remove(path);
    }

    private void UnlinkOpen()
    {
        if (_files.Count == 0)
            return;
        string path = AnyFile();
        Open(path, Syscall.OpenReadWrite | Syscall.OpenNonBlocking, file =>
        {
            if (Syscall.Unlink(_root, Bytes(path)) >= 0)
                _files.Remove(path);
            Fill(file, 0, 10_000);
            Syscall.Fsync(file);
        });
    }

    private void MakeDirectory()
    {
        string path = AnyPath();
        if (Syscall.Mkdir(_root, Bytes(path), 0x1ED) >= 0)
            _directories.Add(path);
    }

    private void RemoveDirectory()
    {
        string path = AnyDirectory();
        if (Syscall.Rmdir(_root, Bytes(path)) >= 0)
            _directories.Remove(path);
    }

    private void Symlink()
    {
        string path = AnyPath();
        if (Syscall.Symlink(Bytes($"target{_random.Below(1000)}"), _root, Bytes(path)) >= 0)
            NoteFile(path);
    }

    private void MakeNode()
    {
        string path = AnyPath();
        (uint mode, ulong device) = _random.Pick(
            [(Syscall.ModeFifo, 0ul), (Syscall.ModeSocket, 0ul), (Syscall.ModeCharacter, NoDevice), (Syscall.ModeBlock, NoDevice)]);
        if (Syscall.Mknod(_root, Bytes(path), mode | 0x1A4, device) >= 0)
            NoteFile(path);
    }

    private void SetXattr() => OpenPath(AnySource(), file => Syscall.SetXattr(file, Bytes($"user.x{_random.Below(6)}"), _random.Bytes(_random.Below(300))));

    private void RemoveXattr() => OpenPath(AnySource(), file => Syscall.RemoveXattr(file, Bytes($"user.x{_random.Below(6)}")));

    private void ChangeAttributes()
    {
        byte[] path = Bytes(AnySource());
        switch (_random.Below(3))
        {
            case 0:
                Syscall.Chmod(_root, path, (uint)_random.Below(0x200) | 0x180);
                break;
            case 1:
                Syscall.Chown(_root, path, (uint)_random.Below(2000), (uint)_random.Below(2000));
                break;
            default:
                Syscall.SetTimes(_root, path, _random.Between(0L, 1_000_000_000), 1, _random.Between(0L, 1_000_000_000), _random.Below(1_000_000_000));
                break;
        }
    }

    private void LinkTemporary()
    {
        string path = AnyPath();
        Open(AnyDirectory(), Syscall.OpenTemporary | Syscall.OpenReadWrite, file =>
        {
            Fill(file, 0, 20_000);
            if (_random.Percent(30))
                Syscall.Fsync(file);
            if (_random.Percent(20))
                Commit();
            if (Syscall.LinkDescriptor(file, _root, Bytes(path)) >= 0)
                NoteFile(path);
        });
    }

    private string AnySource() => _files.Count > 0 && _random.Percent(75) ? AnyFile() : AnyDirectory();

    private void Fill(int file, long offset, int maxBytes)
    {
        byte[] data = _random.Bytes(_random.Between(1, maxBytes));
        if (_random.Percent(40))
            Array.Fill(data, (byte)_random.Below(256), 0, data.Length * 3 / 4);
        Syscall.Write(file, data, offset);
    }

    private void OpenAny(Action<int> use)
    {
        if (_files.Count > 0)
            Open(AnyFile(), Syscall.OpenReadWrite | Syscall.OpenNonBlocking | Syscall.OpenNoFollow, use);
    }

    private void OpenPath(string path, Action<int> use) => Open(path, Syscall.OpenPath | Syscall.OpenNoFollow, use);

    private void Open(string path, int flags, Action<int> use)
    {
        int descriptor = Syscall.Open(_root, Bytes(path), flags, 0x1A4);
        if (descriptor < 0)
            return;
        using Descriptor file = new(descriptor);
        if ((flags & Syscall.OpenCreate) != 0)
            NoteFile(path);
        use(descriptor);
    }

    private void NoteFile(string path)
    {
        if (!_files.Contains(path))
            _files.Add(path);
    }

    private void Move(string from, string to, uint flags)
    {
        if (from == to || Syscall.Rename(_root, Bytes(from), _root, Bytes(to), flags) < 0)
            return;

        // A rename of one name over another of the same inode does nothing and succeeds.
        if (Syscall.InodeNumber(_root, Bytes(from)) != 0)
            return;
        bool isDirectory = _directories.Contains(from);
        _files.Remove(to);
        _directories.Remove(to);
        if (isDirectory)
            Replace(path => Below(path, from, to));
        else if (_files.Remove(from))
            NoteFile(to);
    }

    private void ExchangePaths(string one, string other)
    {
        bool isFile = _files.Contains(one);
        bool isOtherFile = _files.Contains(other);
        Replace(path => Below(path, one, other) is { } moved && moved != path ? moved : Below(path, other, one));
        if (isFile == isOtherFile)
            return;

        // Below a file there is nothing, so only the two themselves are now in the wrong list; they have changed places by name already.
        _files.RemoveAll(_directories.Contains);
    }

    private void Replace(Func<string, string> rename)
    {
        for (int i = 0; i < _directories.Count; i++)
            _directories[i] = rename(_directories[i]);
        for (int i = 0; i < _files.Count; i++)
            _files[i] = rename(_files[i]);
    }

    private static string Below(string path, string from, string to) =>
        path == from ? to : path.StartsWith(from + "/", StringComparison.Ordinal) ? to + path[from.Length..] : path;
}
