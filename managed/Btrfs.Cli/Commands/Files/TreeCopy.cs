using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Ctree;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Inode.Names;

namespace Btrfs.Cli.Commands.Files;

/// <summary>
/// Copies an inode, or a directory and all below, to the host. Of the tree it remembers the way up, and the inodes with several names
/// until the last of them is made.
/// </summary>
internal sealed class TreeCopy(FsInfo fs, bool isQuiet, CancellationToken stopped) : IDisposable
{
    private readonly FileReader _reader = new(fs);
    private readonly Dictionary<(ulong Subvolume, ulong Inode), LinkedFile> _linked = [];
    private readonly CopyReport _report = new(isQuiet);
    private HostDirectory? _top;
    private CopiedAttributes? _attributes;
    private SparseCopy? _files;

    /// <param name="path">What to copy.</param>
    /// <param name="destination">Its name, or a directory that gets the copy under its own name. The top of the file system has no name: what is in it is copied.</param>
    public void Run(FsPath path, string destination)
    {
        Location source = new PathLookup(fs).Find(path, out Location above);
        FileStatus status = source.GetStatus(above.Inode);
        (_top, byte[] name) = CopyDestination.Open(destination, LastPart(path));
        _attributes = new CopiedAttributes(_report);
        _files = new SparseCopy(_report, stopped);
        PathText at = new("");
        if (name.Length == 0)
        {
            Children(source, _top, at);
        }
        else if (status.IsDirectory)
        {
            at.Down(name);
            using (HostDirectory made = _top.MakeDirectory(name))
                Children(source, made, at);
            SetAttributes(_top, name, source, status);
        }
        else
        {
            Leaf(_top, name, source, status, at);
        }

        _report.Finish();
    }

    public void Dispose() => _top?.Dispose();

    // The directory that the caller opened stays his; each one below is closed when the walk leaves it or goes on down.
    private void Children(Location source, HostDirectory top, PathText at)
    {
        DirectoryWalk walk = new(fs, source);
        HostDirectory current = top;
        try
        {
            while (true)
            {
                stopped.ThrowIfCancellationRequested();
                if (walk.TryRead(out DirEntry entry))
                {
                    FileStatus status = walk.TargetStatus;
                    if (!status.IsDirectory)
                    {
                        Leaf(current, entry.Name, walk.Target, status, at);
                        continue;
                    }

                    HostDirectory made = current.MakeDirectory(entry.Name);
                    Close(current);
                    current = made;
                    at.Down(entry.Name);
                    walk.Enter();
                    continue;
                }

                Location left = walk.Directory;
                if (!walk.TryLeave())
                    return;
                HostDirectory above = current.OpenAbove();
                Close(current);
                current = above;
                SetAttributes(current, at.LastPart, left, left.GetStatus(walk.Directory.Inode));
                at.Up();
            }
        }
        finally
        {
            Close(current);
        }

        void Close(HostDirectory directory)
        {
            if (directory != top)
                directory.Dispose();
        }
    }

    private void Leaf(HostDirectory directory, ReadOnlySpan<byte> name, Location source, FileStatus status, PathText at)
    {
        bool isLinked = status.LinkCount > 1;
        if (isLinked && _linked.TryGetValue((status.SubvolumeId, status.Inode), out LinkedFile? first))
        {
            directory.MakeLink(name, _top!, first.Path);
            if (--first.NamesLeft == 0)
                _linked.Remove((status.SubvolumeId, status.Inode));
            return;
        }

        if (_attributes!.Refuses(status.Mode))
            return;

        at.Down(name);
        Make(directory, name, source, status, at);
        SetAttributes(directory, name, source, status);
        if (isLinked)
            _linked.Add((status.SubvolumeId, status.Inode), new LinkedFile(at.Bytes[1..].ToArray(), status.LinkCount - 1));
        at.Up();
    }

    private void Make(HostDirectory directory, ReadOnlySpan<byte> name, Location source, FileStatus status, PathText at)
    {
        if (status.IsRegular)
            CopyFile(directory, name, source, at);
        else if (status.IsSymbolicLink)
            directory.MakeSymbolicLink(name, source.Subvolume.ReadLink(source.Inode));
        else
            directory.MakeNode(name, status.Mode, DeviceNumber(status.DeviceMajor, status.DeviceMinor));
    }

    private void CopyFile(HostDirectory directory, ReadOnlySpan<byte> name, Location source, PathText at)
    {
        using InodeStream content = new(source.Subvolume, source.Inode, _reader);
        _files!.Copy(directory, name, content, content.TryFindData, at);
    }

    private void SetAttributes(HostDirectory directory, ReadOnlySpan<byte> name, Location source, FileStatus status)
    {
        _attributes!.SetOwner(directory, name, status.Uid, status.Gid);
        if (!source.IsEmptySubvolumeDirectory)
        {
            foreach (Xattr xattr in source.Subvolume.EnumerateXattrs(source.Inode))
                _attributes.SetXattr(directory, name, xattr.Name, xattr.Value);
        }

        CopiedAttributes.SetModeAndTimes(directory, name, status.Mode, status.ATime, status.MTime);
    }

    private static byte[] LastPart(FsPath path)
    {
        ReadOnlySpan<byte> trimmed = path.Bytes.TrimEnd((byte)'/');
        ReadOnlySpan<byte> last = trimmed[(trimmed.LastIndexOf((byte)'/') + 1)..];
        return last.SequenceEqual("."u8) ? [] : last.ToArray();
    }

    // As the C library's makedev: twelve bits of the major above the minor's low byte, the rest of both above.
    private static ulong DeviceNumber(uint major, uint minor) =>
        (minor & 0xFF) | ((major & 0xFFFUL) << 8) | ((minor & ~0xFFUL) << 12) | ((major & ~0xFFFUL) << 32);

    /// <summary>A file with more names than were made yet, and where its first is.</summary>
    private sealed class LinkedFile(byte[] path, uint namesLeft)
    {
        public byte[] Path { get; } = path;

        public uint NamesLeft { get; set; } = namesLeft;
    }
}
