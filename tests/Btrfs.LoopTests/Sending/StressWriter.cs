using Btrfs.Engine;

namespace Btrfs.LoopTests.Sending;

/// <summary>Changes one subvolume, step by step, as a random source says.</summary>
internal sealed class StressWriter(BtrfsFileSystem fs, string top, Random random)
{
    private const int MaxFiles = 120;
    private const int MaxBytes = 300_000;

    private readonly List<string> _files = [];
    private readonly List<string> _directories = [top];
    private int _made;

    public void Step()
    {
        if (_files.Count == 0)
        {
            Create();
            return;
        }

        string file = _files[random.Next(_files.Count)];
        switch (random.Next(12))
        {
            case 0 or 1 when _files.Count < MaxFiles:
                Create();
                break;
            case 2 when _directories.Count < 20:
                _directories.Add(NewName());
                fs.CreateDirectory(_directories[^1]);
                break;
            case 3:
                string name = NewName();
                fs.Move(file, name);
                _files[_files.IndexOf(file)] = name;
                break;
            case 4:
                fs.Delete(file);
                _files.Remove(file);
                break;
            case 5:
                fs.SetLength(file, (ulong)random.Next(MaxBytes));
                break;
            case 6 when _files.Count < MaxFiles:
                string clone = NewName();
                fs.CreateFile(clone);
                fs.CloneRange(file, 0, 0, clone, 0);
                _files.Add(clone);
                break;
            case 7 when _files.Count < MaxFiles:
                string link = NewName();
                fs.CreateLink(file, link);
                _files.Add(link);
                break;
            case 8:
                fs.SetXattr(file, "user.stress"u8, Bytes(random.Next(1, 200)));
                break;
            default:
                fs.WriteFile(file, (ulong)random.Next(MaxBytes), Bytes(random.Next(1, MaxBytes)));
                break;
        }
    }

    private void Create()
    {
        string name = NewName();
        fs.CreateFile(name);
        fs.WriteFile(name, 0, Bytes(random.Next(1, MaxBytes)));
        _files.Add(name);
    }

    private string NewName() => $"{_directories[random.Next(_directories.Count)]}/{_made++}";

    private byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
