using System.Text;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Crash.Workloads;

internal sealed partial class Workload
{
    private const int MaxSubvolumes = 4;

    private void Move()
    {
        string from = random.Next(4) == 0 ? Pick(_directories) : Pick(_files);
        RenameFlags flags = (RenameFlags)random.Next(3);
        string to = flags == RenameFlags.NoReplace || random.Next(2) == 0 && flags == RenameFlags.None ? NewPath() : Pick(_files);
        Note($"move {flags} '{from}' to", to);
        fs.Move(from, to, flags);
        _isListed = false;
    }

    private void ChangeXattr()
    {
        string path = random.Next(4) == 0 ? Pick(_directories) : Pick(_files);
        byte[] name = Encoding.UTF8.GetBytes($"user.{(char)('a' + random.Next(6))}");
        Note("xattr", path);
        if (random.Next(4) == 0)
            fs.RemoveXattr(path, name);
        else
            fs.SetXattr(path, name, Bytes(random.Next(random.Next(4) == 0 ? 2500 : 100)));
    }

    private void ChangeAttributes()
    {
        string path = random.Next(4) == 0 ? Pick(_directories) : Pick(_files);
        Note("attributes", path);
        fs.SetAttributes(path, new AttributeChange
        {
            Permissions = (uint)random.Next(512),
            Uid = random.Next(2) == 0 ? (uint)random.Next(5000) : null,
            MTime = new DiskTime(random.Next(), (uint)random.Next(1_000_000_000)),
        });
    }

    private void Snapshot()
    {
        if (_subvolumes.Count >= MaxSubvolumes)
            return;

        string source = random.Next(3) == 0 || _subvolumes.Count == 0 ? "" : Pick(_subvolumes);
        string path = NewPath();
        Note($"snapshot '{source}' at", path);
        fs.CreateSnapshot(source, path, random.Next(3) == 0);
        _isListed = false;
    }

    private void CreateSubvolume()
    {
        if (_subvolumes.Count >= MaxSubvolumes)
            return;

        string path = NewPath();
        Note("create subvolume", path);
        fs.CreateSubvolume(path);
        _subvolumes.Add(path);
        _directories.Add(path);
    }

    private void DeleteSubvolume()
    {
        string path = Pick(_subvolumes);
        Note("delete subvolume", path);
        fs.DeleteSubvolume(path);
        _isListed = false;
    }

    private void CleanUp()
    {
        Note("clean up", "");
        fs.CleanUp();
    }

    private void ChangeWhole()
    {
        Note("change the whole", "");
        switch (random.Next(3))
        {
            case 0:
                fs.SetLabel(Encoding.UTF8.GetBytes($"label {random.Next(100)}"));
                break;
            case 1:
                fs.SetReadOnly(Pick(_subvolumes), random.Next(2) == 0);
                break;
            default:
                fs.SetDefaultSubvolume(random.Next(2) == 0 ? "" : Pick(_subvolumes));
                break;
        }
    }

    private WriteOptions Options() => new()
    {
        Compression = random.Next(5) switch
        {
            0 => CompressionType.Zlib,
            1 => CompressionType.Lzo,
            2 => CompressionType.Zstd,
            _ => null,
        },
    };

    private byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        if (random.Next(2) == 0)
        {
            random.NextBytes(bytes);
            return bytes;
        }

        // Words that compress, and differ from one file to the next.
        int word = random.Next();
        for (int i = 0; i < length; i++)
            bytes[i] = (byte)('a' + (((i / 7) + word) % 17));
        return bytes;
    }

    private string NewPath(int length = 0)
    {
        string name = $"{_names++}-{random.Next(1000)}";
        return Join(Pick(_directories), name.PadRight(length, 'x'));
    }

    // What is picked where there is nothing leads nowhere.
    private string Pick(List<string> paths) => paths.Count == 0 ? "nothing" : paths[random.Next(paths.Count)];

    private void List()
    {
        _files.Clear();
        _directories.Clear();
        _subvolumes.Clear();
        _directories.Add("");
        List("");
        _isListed = true;

        // A tree that grows without end is slow to read in each of thousands of states.
        for (int excess = _files.Count - MaxEntries; excess > 0; excess--)
        {
            string path = Pick(_files);
            try
            {
                fs.Delete(path);
            }
            catch (FileOperationException error) when (error.Error is FileError.ReadOnlySubvolume)
            {
                // Of such files there may be hundreds.
                return;
            }

            _files.Remove(path);
        }
    }

    private void List(string directory)
    {
        foreach (DirectoryEntry entry in fs.EnumerateDirectory(directory))
        {
            string path = Join(directory, entry.Name);
            if (entry.Type == DirEntryType.Directory)
            {
                if (fs.GetStatus(path).Inode == ObjectIds.EmptySubvolDir)
                    continue;

                _directories.Add(path);
                if (entry.IsSubvolume)
                    _subvolumes.Add(path);
                List(path);
            }
            else if (entry.Type == DirEntryType.RegularFile)
            {
                _files.Add(path);
            }
        }
    }

    private static string Join(string directory, string name) => directory.Length == 0 ? name : $"{directory}/{name}";
}
