using System.Text;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Stream;

namespace Btrfs.Receive;

/// <summary>
/// Where the paths of a stream lead within one subvolume. A path goes down from the top by names alone: nothing in it leads up, nothing is absolute, and
/// on the way are only directories of this very subvolume, no links and no other subvolumes. So no stream gets out.
/// </summary>
internal sealed class ReceivedPaths(SubvolumeBatch batch, SubvolumeWriter subvolume)
{
    private const int MaxDirectories = 4096;

    // A directory is here only together with all those above it.
    private readonly Dictionary<byte[], ulong> _directories = new(PathComparer.Instance);

    // Streams stay with one inode for several commands.
    private readonly byte[] _last = new byte[StreamFormat.MaxPathBytes];
    private int _lastLength;
    private ulong _lastInode;

    /// <summary>The inode at a path; the empty path is the top.</summary>
    /// <exception cref="FileOperationException">There is none within the subvolume.</exception>
    public ulong Find(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            return ObjectIds.FirstFree;
        if (IsLast(path))
            return _lastInode;

        NamedInode found = Lookup(FindParent(path, out ReadOnlySpan<byte> name), name, path);
        if (found.IsSubvolume)
            throw Refused(FileError.CrossSubvolume, path, "another subvolume");
        Remember(path, found.Inode);
        return found.Inode;
    }

    /// <summary>Whether a path is the one that was last found or made: then nothing needs to be looked up for it.</summary>
    public bool IsLast(ReadOnlySpan<byte> path) => _lastInode != 0 && path.SequenceEqual(_last.AsSpan(0, _lastLength));

    /// <summary>The directory that holds, or will hold, the last name of a path.</summary>
    /// <exception cref="FileOperationException">There is no such directory within the subvolume, or the path is none.</exception>
    public ulong FindParent(ReadOnlySpan<byte> path, out ReadOnlySpan<byte> name)
    {
        if (path.IsEmpty)
            throw Refused(FileError.Invalid, path, "the path is empty");
        if (path.Length > StreamFormat.MaxPathBytes)
            throw Refused(FileError.NameTooLong, path[..FormatLimits.MaxNameLength], $"a path of {path.Length} bytes is too long");
        if (_directories.Count >= MaxDirectories)
        {
            // The last path goes with the directories that it is below of: their renames would no longer be noticed.
            _directories.Clear();
            _lastInode = 0;
        }

        int slash = path.LastIndexOf((byte)'/');
        name = path[(slash + 1)..];
        RequireName(name, path);
        return slash < 0 ? ObjectIds.FirstFree : FindDirectory(path[..slash]);
    }

    /// <summary>An inode was made.</summary>
    public void Made(ReadOnlySpan<byte> path, ulong inode) => Remember(path, inode);

    /// <summary>A name has gone.</summary>
    public void Removed(ReadOnlySpan<byte> path)
    {
        if (path.SequenceEqual(_last.AsSpan(0, _lastLength)))
            _lastInode = 0;
        _directories.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(path);
    }

    /// <summary>A name was replaced by another one, which may have led to something before.</summary>
    public void Renamed(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        ulong inode = IsLast(from) ? _lastInode : 0;
        Dictionary<byte[], ulong>.AlternateLookup<ReadOnlySpan<byte>> directories = _directories.GetAlternateLookup<ReadOnlySpan<byte>>();
        directories.Remove(to);
        if (directories.ContainsKey(from))
        {
            // Whatever is below has other paths now, the last one perhaps, too.
            _directories.Clear();
            _lastInode = 0;
        }

        if (to.SequenceEqual(_last.AsSpan(0, _lastLength)))
            _lastInode = 0;
        if (inode != 0)
            Remember(to, inode);
    }

    private ulong FindDirectory(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            throw Refused(FileError.Invalid, path, "a path must not begin with a slash");
        if (_directories.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(path, out ulong known))
            return known;

        int slash = path.LastIndexOf((byte)'/');
        ReadOnlySpan<byte> name = path[(slash + 1)..];
        RequireName(name, path);
        ulong above = slash < 0 ? ObjectIds.FirstFree : FindDirectory(path[..slash]);
        NamedInode found = Lookup(above, name, path);
        if (!found.IsDirectory)
            throw Refused(found.IsSubvolume ? FileError.CrossSubvolume : FileError.NotDirectory, path, found.IsSubvolume ? "another subvolume" : "not a directory");
        _directories.Add(path.ToArray(), found.Inode);
        return found.Inode;
    }

    private NamedInode Lookup(ulong directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> path) =>
        batch.TryLookup(subvolume, directory, name, out NamedInode found) ? found : throw Refused(FileError.NotFound, path, "no such file or directory");

    private void Remember(ReadOnlySpan<byte> path, ulong inode)
    {
        path.CopyTo(_last);
        _lastLength = path.Length;
        _lastInode = inode;
    }

    private static void RequireName(ReadOnlySpan<byte> name, ReadOnlySpan<byte> path)
    {
        if (name.IsEmpty || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            throw Refused(FileError.Invalid, path, "the path has an empty part, '.' or '..'");
    }

    private static FileOperationException Refused(FileError error, ReadOnlySpan<byte> path, string what) =>
        new(error, $"{what}: '{Encoding.UTF8.GetString(path)}'");
}
