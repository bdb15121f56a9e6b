using System.Security.Cryptography;
using System.Text;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Crash.Models;

/// <summary>What a file system holds at one time: every path with what is behind it, and every subvolume.</summary>
internal sealed class FileSystemModel
{
    private readonly SortedDictionary<string, FileEntry> _entries = new(StringComparer.Ordinal);
    private readonly List<string> _subvolumes = [];

    /// <summary>By path, the top being "".</summary>
    public IReadOnlyDictionary<string, FileEntry> Entries => _entries;

    /// <summary>Reads all that there is: the state so far, where the file system is being changed.</summary>
    public static FileSystemModel Read(BtrfsFileSystem fs)
    {
        FileSystemModel model = new();
        foreach (SubvolumeInfo subvolume in fs.EnumerateSubvolumes())
        {
            RootItem item = subvolume.Root.Item;
            if (!subvolume.Root.IsDead)
                model._subvolumes.Add($"{subvolume.Id} {item.Uuid} {item.ParentUuid} {item.ReceivedUuid} {item.Flags} in {subvolume.ParentId}:{subvolume.Directory} as {Encoding.UTF8.GetString(subvolume.Name)}");
        }

        model._subvolumes.Add($"default {fs.DefaultSubvolumeId}, label {Encoding.UTF8.GetString(fs.Info.Superblock.Label)}");
        model.Add(fs, "");
        return model;
    }

    /// <summary>The first thing that the other has differently; null if nothing.</summary>
    public string? FindDifference(FileSystemModel actual)
    {
        if (!_subvolumes.SequenceEqual(actual._subvolumes))
            return $"subvolumes are {string.Join("; ", actual._subvolumes.Except(_subvolumes))} instead of {string.Join("; ", _subvolumes.Except(actual._subvolumes))}";
        return FindDifference(actual._entries);
    }

    /// <summary>The same for what another reader has found.</summary>
    public string? FindDifference(IReadOnlyDictionary<string, FileEntry> actual)
    {
        foreach ((string path, FileEntry entry) in _entries)
        {
            if (!actual.TryGetValue(path, out FileEntry? other))
                return $"'{path}' is missing";
            if (!entry.IsAlso(other))
                return $"'{path}' is {other} instead of {entry}";
        }

        return actual.Keys.FirstOrDefault(path => !_entries.ContainsKey(path)) is { } extra ? $"'{extra}' is there and should not" : null;
    }

    private void Add(BtrfsFileSystem fs, string path)
    {
        FileStatus status = fs.GetStatus(path);

        // What stands for a missing subvolume has no inode: the kernel makes one up anew each time.
        if (status.Inode == ObjectIds.EmptySubvolDir)
            return;

        string content = "";
        if (status.IsRegular && status.Flags.HasFlag(InodeFlags.NoDataCow))
        {
            content = FileEntry.InPlace;
        }
        else if (status.IsRegular)
        {
            using System.IO.Stream stream = fs.OpenFile(path);
            content = Convert.ToHexString(SHA256.HashData(stream));
        }
        else if (status.IsSymbolicLink)
        {
            Location at = new PathLookup(fs.IsWritable ? fs.Writer.Running : fs.Info).Find(path);
            content = Encoding.UTF8.GetString(at.Subvolume.ReadLink(at.Inode));
        }

        string xattrs = FileEntry.Describe(fs.EnumerateXattrs(path).Select(xattr => (xattr.Name.ToArray(), xattr.Value.ToArray())));
        _entries.Add(path, new FileEntry(
            status.Inode, status.Mode, status.LinkCount, status.Uid, status.Gid, status.Size, Time(status.MTime), Time(status.CTime), xattrs, content));
        if (!status.IsDirectory)
            return;

        foreach (DirectoryEntry entry in fs.EnumerateDirectory(path))
            Add(fs, path.Length == 0 ? entry.Name : $"{path}/{entry.Name}");
    }

    private static Int128 Time(DiskTime time) => FileEntry.Nanoseconds(time.Seconds, time.Nanoseconds);
}
