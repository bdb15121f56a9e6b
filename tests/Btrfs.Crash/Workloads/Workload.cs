using System.Text;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Crash.Workloads;

/// <summary>Random changes of a file system under a seed. What can't be done (a name that is there already, a full disk) is a step that does nothing.</summary>
/// <param name="fs">Opened for writing.</param>
/// <param name="random">Chooses.</param>
internal sealed partial class Workload(BtrfsFileSystem fs, Random random)
{
    private const int MaxEntries = 50;
    private readonly List<string> _files = [];
    private readonly List<string> _directories = [];
    private readonly List<string> _subvolumes = [];
    private bool _isListed;
    private int _names;

    /// <summary>Told of each fsync that came back: its path, and what came of it.</summary>
    public Action<string, SyncOutcome> Synced { get; init; } = static (_, _) => { };

    /// <summary>What the last step was, for messages.</summary>
    public string LastStep { get; private set; } = "none";

    /// <summary>How many steps did nothing.</summary>
    public int Refused { get; private set; }

    /// <summary>Takes all space: what is left for data is given out, then files that are stored in the trees until none fits.</summary>
    public void Fill()
    {
        for (ulong length = 64 << 20; length >= (ulong)fs.Info.SectorSize; length /= 2)
        {
            string path = $"filling-{length}";
            fs.CreateFile(path);
            ulong end = 0;
            while (TryAllocate(path, end, length))
                end += length;
        }

        try
        {
            for (int number = 0; ; number++)
            {
                string path = $"small-{number}";
                fs.CreateFile(path);
                fs.WriteFile(path, 0, Bytes(1900));
            }
        }
        catch (NoSpaceException) when (fs.Writer.Failure is null)
        {
            fs.Commit();
        }
    }

    /// <summary>Does one thing.</summary>
    public void Step()
    {
        if (!_isListed)
            List();

        try
        {
            if (random.Next(4) == 0)
                Sync();
            else
                Choose();
        }
        catch (Exception error) when (error is FileOperationException or NoSpaceException or InvalidRequestException && fs.Writer.Failure is null)
        {
            Refused++;
            _isListed = false;
        }
    }

    private bool TryAllocate(string path, ulong offset, ulong length)
    {
        try
        {
            fs.Allocate(path, offset, length, AllocateMode.Preallocate);
            return true;
        }
        catch (NoSpaceException) when (fs.Writer.Failure is null)
        {
            return false;
        }
    }

    private void Choose()
    {
        int choice = random.Next(100);
        switch (choice)
        {
            case < 22:
                CreateFile();
                break;
            case < 32:
                Overwrite();
                break;
            case < 37:
                Truncate();
                break;
            case < 43:
                Allocate();
                break;
            case < 50:
                Clone();
                break;
            case < 58:
                Delete();
                break;
            case < 65:
                CreateOther();
                break;
            case < 72:
                Move();
                break;
            case < 80:
                ChangeXattr();
                break;
            case < 85:
                ChangeAttributes();
                break;
            case < 88:
                Snapshot();
                break;
            case < 90:
                CreateSubvolume();
                break;
            case < 93:
                DeleteSubvolume();
                break;
            case < 95:
                CleanUp();
                break;
            case < 97:
                ChangeWhole();
                break;
            default:
                CreateMany();
                break;
        }
    }

    // Mostly of what was made last; and several times in one transaction, as a log grows.
    private void Sync()
    {
        string path = random.Next(4) == 0 ? Pick(_directories) : random.Next(2) == 0 && _files.Count > 0 ? _files[^1] : Pick(_files);
        Note("fsync", path);
        Synced(path, fs.Fsync(path));
        if (!_files.Contains(path))
            return;
        for (int more = random.Next(4); more > 0; more--)
        {
            fs.WriteFile(path, (ulong)random.Next(60_000), Bytes(random.Next(1, 5000)), Options());
            Synced(path, fs.Fsync(path));
        }
    }

    private void CreateFile()
    {
        string path = NewPath(random.Next(40) == 0 ? 255 : 0);
        Note("create", path);
        fs.CreateFile(path);
        _files.Add(path);
        if (random.Next(8) == 0)
            fs.SetFlags(path, InodeFlags.NoDataCow);
        switch (random.Next(4))
        {
            case 0:
                // Small enough to be stored inline, most times.
                fs.WriteFile(path, 0, Bytes(random.Next(3000)));
                break;
            case 1:
                using (MemoryStream content = new(Bytes(random.Next(random.Next(5) == 0 ? 300_000 : 30_000))))
                    fs.WriteFile(path, content, Options());
                break;
            case 2:
                fs.WriteFile(path, (ulong)random.Next(100_000), Bytes(random.Next(30_000)), Options());
                break;
            default:
                break;
        }
    }

    private void CreateMany()
    {
        // Leaves split, and a later deletion empties them.
        string directory = NewPath();
        Note("create many in", directory);
        fs.CreateDirectory(directory);
        _directories.Add(directory);
        int count = random.Next(5, 40);
        for (int i = 0; i < count; i++)
        {
            string path = $"{directory}/{i}-{new string('n', random.Next(60))}";
            fs.CreateFile(path);
            if (random.Next(3) == 0)
                fs.WriteFile(path, 0, Bytes(random.Next(1500)));
        }

        if (random.Next(3) == 0)
        {
            foreach (DirectoryEntry entry in fs.EnumerateDirectory(directory).ToArray())
                fs.Delete($"{directory}/{entry.Name}");
        }

        _isListed = false;
    }

    private void Overwrite()
    {
        string path = Pick(_files);
        Note("write", path);
        fs.WriteFile(path, (ulong)random.Next(200_000), Bytes(random.Next(50_000)), Options());
    }

    private void Truncate()
    {
        string path = Pick(_files);
        Note("truncate", path);
        fs.SetLength(path, random.Next(3) == 0 ? 0UL : (ulong)random.Next(100_000));
    }

    private void Allocate()
    {
        string path = Pick(_files);
        AllocateMode mode = (AllocateMode)random.Next(5);
        Note($"allocate {mode}", path);
        fs.Allocate(path, (ulong)random.Next(200_000), (ulong)random.Next(1, 150_000), mode);
    }

    private void Clone()
    {
        string source = Pick(_files);
        string target = Pick(_files);
        ulong sector = (ulong)fs.Info.SectorSize;
        ulong size = fs.GetStatus(source).Size;
        Note($"clone {source} to", target);
        if (size < sector)
            return;

        ulong first = (ulong)random.NextInt64((long)(size / sector));
        ulong sectors = 1 + (ulong)random.NextInt64((long)((size / sector) - first));
        if (random.Next(4) == 0)
            fs.DedupeRange(source, first * sector, sectors * sector, target, first * sector);
        else
            fs.CloneRange(source, first * sector, sectors * sector, target, (ulong)random.Next(60) * sector);
    }

    private void Delete()
    {
        if (random.Next(6) == 0)
        {
            string directory = Pick(_directories);
            Note("delete directory", directory);
            foreach (DirectoryEntry entry in fs.EnumerateDirectory(directory).Where(entry => !entry.IsSubvolume && entry.Type != DirEntryType.Directory).ToArray())
                fs.Delete($"{directory}/{entry.Name}");
            fs.DeleteDirectory(directory);
            _isListed = false;
            return;
        }

        string path = Pick(_files);
        Note("delete", path);
        fs.Delete(path);
        _files.Remove(path);
    }

    private void CreateOther()
    {
        string path = NewPath();
        int choice = random.Next(6);
        Note($"create other {choice}", path);
        switch (choice)
        {
            case 0 or 1:
                fs.CreateDirectory(path);
                _directories.Add(path);
                break;
            case 2:
                fs.CreateSymbolicLink(path, Encoding.UTF8.GetBytes($"../{new string('t', random.Next(1, 500))}"));
                break;
            case 3:
                fs.CreateNode(path, new NewInode { Mode = InodeMode.Fifo | 0x1A4 });
                break;
            default:
                fs.CreateLink(Pick(_files), path);
                _files.Add(path);
                break;
        }
    }

    private void Note(string what, string path)
    {
        LastStep = $"{what} '{path}'";
        if (_files.Count + _directories.Count > MaxEntries * 2)
            _isListed = false;
    }
}
