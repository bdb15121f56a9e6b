using System.Text;
using Btrfs.Ctree;
using Btrfs.Delalloc;
using Btrfs.Engine.Diagnostics;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Replay;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Engine;

/// <summary>The members that change files. Each is atomic for readers of commits, and durable after the next <see cref="Commit"/>.</summary>
public sealed partial class BtrfsFileSystem
{
    private readonly FsWriter? _writer;
    private readonly SubvolumeWriters? _subvolumes;
    private readonly DelallocFs? _delalloc;

    // A path is followed and then acted on: nobody may change it between the two.
    private readonly Lock _changes = new();

    private BtrfsFileSystem(FsWriter writer, SubvolumeWriters subvolumes, DelallocOptions options)
    {
        _writer = writer;
        _subvolumes = subvolumes;
        _delalloc = new DelallocFs(subvolumes, options);
    }

    /// <summary>Whether it was opened for writing.</summary>
    public bool IsWritable => _writer is not null;

    /// <summary>The transactions below, for tools and tests that look under files.</summary>
    /// <exception cref="ReadOnlyFileSystemException">It was opened for reading.</exception>
    public FsWriter Writer => _writer ?? throw new ReadOnlyFileSystemException("the file system was opened for reading only");

    /// <summary>The writers of the single subvolumes, which go by inode numbers: for tools that change many files.</summary>
    /// <exception cref="ReadOnlyFileSystemException">It was opened for reading.</exception>
    public SubvolumeWriters Subvolumes => _subvolumes ?? throw new ReadOnlyFileSystemException("the file system was opened for reading only");

    /// <summary>What was written to files and is not in the trees yet: for tools and tests that watch it.</summary>
    /// <exception cref="ReadOnlyFileSystemException">It was opened for reading.</exception>
    public DelallocFs Delalloc => _delalloc ?? throw new ReadOnlyFileSystemException("the file system was opened for reading only");

    /// <summary>While it is held, nobody changes what <see cref="View"/> shows.</summary>
    private Lock.Scope HoldView() => _writer is not null ? _writer.HoldRunning() : default;

    private FsInfo View => _readOnly ?? Writer.Running;

    /// <summary>Makes everything so far durable: what is in memory is written back, and a commit follows.</summary>
    /// <exception cref="IOException">A device failed. Where it was the commit, the file system takes no more changes; where it was data, now or earlier, that is lost, and this is told once.</exception>
    /// <exception cref="BtrfsException">The same for another reason.</exception>
    public void Commit()
    {
        try
        {
            Delalloc.FlushAll();
        }
        finally
        {
            // What could be written is made durable all the same.
            if (Writer.Failure is null)
                Writer.Commit();
        }

        Writer.RequireUsable();
    }

    /// <summary>Makes an empty file.</summary>
    /// <param name="path">Its directory must be there, and nothing else of its name.</param>
    /// <param name="what">Mode, owner, times; null for 0644, root, now.</param>
    /// <exception cref="FileOperationException">As POSIX has it for the call; so for all members below.</exception>
    /// <exception cref="NoSpaceException">There is no room; so for all members below.</exception>
    /// <exception cref="ReadOnlyFileSystemException">It was opened for reading, or a failure has latched it; so for all members below.</exception>
    public void CreateFile(FsPath path, NewInode? what = null) =>
        Create(path, what ?? new NewInode { Mode = InodeMode.Regular | 0x1A4 });

    /// <summary>Makes an empty directory; null for 0755, root, now.</summary>
    public void CreateDirectory(FsPath path, NewInode? what = null) =>
        Create(path, what ?? new NewInode { Mode = InodeMode.Directory | 0x1ED });

    /// <summary>Makes a symbolic link that leads to <paramref name="target"/>.</summary>
    public void CreateSymbolicLink(FsPath path, ReadOnlyMemory<byte> target, NewInode? what = null) =>
        Create(path, (what ?? new NewInode { Mode = InodeMode.SymbolicLink | 0x1FF }) with { Target = target });

    /// <summary>Makes whatever <paramref name="what"/> says: a device node, a fifo, a socket.</summary>
    public void CreateNode(FsPath path, NewInode what) => Create(path, what);

    /// <summary>Gives a file one more name in its subvolume.</summary>
    public void CreateLink(FsPath existing, FsPath path)
    {
        lock (_changes)
        {
            Location source = Find(existing);
            (Location directory, byte[] name) = FindParentOfFile(path);
            WriterOf(directory).Link(WriterOf(source), source.Inode, directory.Inode, name);
        }
    }

    /// <summary>Deletes a name; with the last one its file goes.</summary>
    public void Delete(FsPath path)
    {
        lock (_changes)
        {
            (Location directory, byte[] name) = FindParentOfFile(path);
            WriterOf(directory).Unlink(directory.Inode, name);
        }
    }

    /// <summary>Deletes an empty directory, or the empty directory that stands for a subvolume which is not there.</summary>
    public void DeleteDirectory(FsPath path)
    {
        lock (_changes)
        {
            (Location directory, byte[] name) = FindParent(path);
            WriterOf(directory).RemoveDirectory(directory.Inode, name);
        }
    }

    /// <summary>Gives something another name, which by default takes the place of what is there.</summary>
    public void Move(FsPath from, FsPath to, RenameFlags flags = RenameFlags.None)
    {
        lock (_changes)
        {
            (Location fromDirectory, byte[] fromName) = FindParent(from);
            (Location toDirectory, byte[] toName) = FindTargetOf(fromDirectory, fromName, to);
            RequireDirectoryIfMeant(from, to);
            WriterOf(fromDirectory).Rename(fromDirectory.Inode, fromName, WriterOf(toDirectory), toDirectory.Inode, toName, flags);
        }
    }

    /// <summary>Sets an extended attribute.</summary>
    public void SetXattr(FsPath path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrMode mode = XattrMode.Set)
    {
        lock (_changes)
        {
            Location at = Find(path);
            WriterOf(at).SetXattr(at.Inode, name, value, mode);
        }
    }

    /// <summary>Takes an extended attribute away.</summary>
    public void RemoveXattr(FsPath path, ReadOnlySpan<byte> name)
    {
        lock (_changes)
        {
            Location at = Find(path);
            WriterOf(at).RemoveXattr(at.Inode, name);
        }
    }

    /// <summary>Changes the owner as chown does: what is no directory loses its set-id bits and capabilities, so that nobody comes to run it as its new owner.</summary>
    /// <param name="path">Whose.</param>
    /// <param name="uid">Null leaves the user as it is.</param>
    /// <param name="gid">Null leaves the group as it is.</param>
    public void ChangeOwner(FsPath path, uint? uid, uint? gid)
    {
        lock (_changes)
        {
            Location at = Find(path);
            WriterOf(at).ChangeOwner(at.Inode, uid, gid);
        }
    }

    /// <summary>Sets permissions, owners and times as they are given, with nothing that follows from it. The permissions of a symbolic link can't be changed.</summary>
    public void SetAttributes(FsPath path, AttributeChange what)
    {
        lock (_changes)
        {
            Location at = Find(path);
            if (what.Permissions is not null && StatusOf(at).IsSymbolicLink)
                throw new FileOperationException(FileError.Invalid, $"'{path}' is a symbolic link, which has no permissions of its own");
            WriterOf(at).SetAttributes(at.Inode, what);
        }
    }

    /// <summary>Sets the flags that chattr sets.</summary>
    public void SetFlags(FsPath path, InodeFlags flags)
    {
        lock (_changes)
        {
            Location at = Find(path);
            WriterOf(at).SetFlags(at.Inode, flags);
        }
    }

    private static BtrfsFileSystem OpenForWriting(DeviceSet devices, FsOpenOptions trees, BtrfsOpenOptions options)
    {
        FsWriter writer = FsWriter.Open(devices, trees);
        try
        {
            bool hadLog = LogReplay.Run(writer);
            SubvolumeWriters subvolumes = new(writer, options.Time) { Writing = options.Writing };
            OrphanCleaner.Run(subvolumes);
            return new BtrfsFileSystem(writer, subvolumes, options.Delalloc) { _logNotice = hadLog ? "the file system was not cleanly unmounted: its log tree was replayed" : null };
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    private void Close(FsWriter writer)
    {
        try
        {
            if (writer.Failure is null)
            {
                Commit();
                writer.RemoveEmptyGroups();
            }
        }
        finally
        {
            BtrfsMeter.Closed(this);
            Delalloc.Dispose();
            writer.Dispose();
        }
    }

    private void Create(FsPath path, NewInode what)
    {
        lock (_changes)
        {
            (Location directory, byte[] name) = InodeMode.IsDirectory(what.Mode) ? FindParent(path) : FindParentOfFile(path);
            WriterOf(directory).Create(directory.Inode, name, what);
        }
    }

    private FileStatus StatusOf(Location at)
    {
        using Lock.Scope hold = Writer.HoldRunning();
        return at.GetStatus(at.Inode);
    }

    private SubvolumeWriter WriterOf(Location at) => Subvolumes.Get(at.Subvolume.Id);

    // Reading members say with an InvalidRequestException that there is nothing; to change it is an error as POSIX has it.
    private Location Find(FsPath path)
    {
        using Lock.Scope hold = Writer.HoldRunning();
        try
        {
            Location at = new PathLookup(View).Find(path);
            return at.IsEmptySubvolumeDirectory
                ? throw new FileOperationException(FileError.NotPermitted, $"'{path}' stands for a subvolume that is not there")
                : at;
        }
        catch (InvalidRequestException error)
        {
            throw new FileOperationException(FileError.NotFound, error.Message);
        }
    }

    // What stands for a subvolume that is not there takes nothing in; but what may not leave its place is refused for that before.
    private (Location Directory, byte[] Name) FindTargetOf(Location fromDirectory, byte[] fromName, FsPath to)
    {
        try
        {
            return FindParent(to);
        }
        catch (FileOperationException error) when (error.Error == FileError.NotPermitted)
        {
            WriterOf(fromDirectory).RequireMovable(fromDirectory.Inode, fromName);
            throw;
        }
    }

    // Of "a/", and of "b" that is to become "c/", only a directory can be meant. What isn't there at all is for the rename itself to tell.
    private void RequireDirectoryIfMeant(FsPath from, FsPath to)
    {
        using Lock.Scope hold = Writer.HoldRunning();
        FsPath source = new(from.Bytes.TrimEnd((byte)'/').ToArray());
        if (!(from.MeansDirectory || to.MeansDirectory) || new PathLookup(View).TryFind(source) is not { } at)
            return;
        if (!at.IsEmptySubvolumeDirectory && !at.GetStatus(at.Inode).IsDirectory)
            throw new FileOperationException(FileError.NotDirectory, $"'{source}' is not a directory");
    }

    private (Location Directory, byte[] Name) FindParentOfFile(FsPath path) =>
        path.MeansDirectory ? throw new FileOperationException(FileError.NotDirectory, $"'{path}' is not a directory") : FindParent(path);

    /// <summary>The directory of a path, and the name in it.</summary>
    private (Location Directory, byte[] Name) FindParent(FsPath path)
    {
        ReadOnlySpan<byte> bytes = path.Bytes.TrimEnd((byte)'/');
        int slash = bytes.LastIndexOf((byte)'/');
        byte[] name = bytes[(slash + 1)..].ToArray();
        if (name.Length == 0 || name.AsSpan().SequenceEqual("."u8) || name.AsSpan().SequenceEqual(".."u8))
            throw new FileOperationException(FileError.Invalid, $"'{Encoding.UTF8.GetString(path.Bytes)}' names nothing that can be changed");
        return (Find(new FsPath(bytes[..Math.Max(slash, 0)].ToArray())), name);
    }
}
