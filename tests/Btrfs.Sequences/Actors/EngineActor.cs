using System.Globalization;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Running;

namespace Btrfs.Sequences.Actors;

/// <summary>The engine, in this process, on images that nobody has mounted.</summary>
internal sealed class EngineActor : IActor
{
    private const int MaxAttempts = 50;

    private readonly IReadOnlyList<string> _images;
    private readonly WriteOptions _writing;

    public EngineActor(IReadOnlyList<string> images, PairOptions options)
    {
        _images = images;
        _writing = new WriteOptions { Compression = options.Compression };
        FileSystem = Open();
    }

    /// <summary>What it works on.</summary>
    public BtrfsFileSystem FileSystem { get; private set; }

    /// <summary>Why the engine has refused the last operation for want of room, in its own words.</summary>
    public string? LackOfRoom { get; private set; }

    public int Run(Operation operation)
    {
        LackOfRoom = null;
        try
        {
            return Do(operation);
        }
        catch (FileOperationException error)
        {
            return -NumberOf(error.Error);
        }
        catch (InvalidRequestException) when (operation.Path.Length > 0)
        {
            return -ErrorNumber.NotFound;
        }
        catch (NoSpaceException error)
        {
            LackOfRoom = error.Message;
            return -ErrorNumber.NoSpace;
        }
    }

    public void Commit() => FileSystem.Commit();

    public void Dispose() => FileSystem.Dispose();

    private static int NumberOf(FileError error) => error switch
    {
        FileError.NotFound => ErrorNumber.NotFound,
        FileError.Exists => ErrorNumber.Exists,
        FileError.NotDirectory => ErrorNumber.NotDirectory,
        FileError.IsDirectory => ErrorNumber.IsDirectory,
        FileError.NotEmpty => ErrorNumber.NotEmpty,
        FileError.NameTooLong => ErrorNumber.NameTooLong,
        FileError.TooManyLinks => ErrorNumber.TooManyLinks,
        FileError.ReadOnlySubvolume => ErrorNumber.ReadOnly,
        FileError.NotPermitted => ErrorNumber.NotPermitted,
        FileError.CrossSubvolume => ErrorNumber.CrossDevice,
        FileError.NoAttribute => ErrorNumber.NoData,
        FileError.TooLarge => ErrorNumber.FileTooLarge,
        FileError.Busy => ErrorNumber.NotPermitted,
        _ => ErrorNumber.Invalid,
    };

    private static FsPath At(byte[] path) => new(path);

    private static InodeFlags FlagsOf(ulong flags)
    {
        InodeFlags result = InodeFlags.None;
        foreach ((uint bit, InodeFlags flag) in FlagNumbers.All)
        {
            if ((flags & bit) != 0)
                result |= flag;
        }

        return result;
    }

    // Another thread may just be starting a program: until that is running, the new process has our closed files open too, with their locks.
    private BtrfsFileSystem Open()
    {
        int failures = 0;
        while (true)
        {
            try
            {
                return OpenOnce();
            }
            catch (InvalidRequestException) when (failures < MaxAttempts)
            {
                failures++;
                Thread.Sleep(failures);
            }
        }
    }

    private BtrfsFileSystem OpenOnce()
    {
        BtrfsFileSystem fileSystem = BtrfsFileSystem.Open(_images, new BtrfsOpenOptions { Writable = true, Writing = _writing });

        // What is written back when changes what is stored how: both sides do it where they are asked to.
        fileSystem.Delalloc.Writeback.Hold();
        return fileSystem;
    }

    private int Do(Operation operation)
    {
        FsPath path = At(operation.PathBytes);
        FsPath other = At(operation.OtherBytes);
        NewInode Inode() => new() { Mode = (uint)operation.Value, DeviceMajor = (uint)operation.Offset, DeviceMinor = (uint)operation.Length };
        switch (operation.Verb)
        {
            case Verb.Create:
                FileSystem.CreateFile(path, new NewInode { Mode = InodeMode.Regular | (uint)operation.Value });
                return 0;
            case Verb.MakeDirectory:
                FileSystem.CreateDirectory(path, new NewInode { Mode = InodeMode.Directory | (uint)operation.Value });
                return 0;
            case Verb.MakeNode:
                FileSystem.CreateNode(path, Inode());
                return 0;
            case Verb.MakeSymbolicLink:
                FileSystem.CreateSymbolicLink(path, operation.OtherBytes);
                return 0;
            case Verb.Link:
                FileSystem.CreateLink(path, other);
                return 0;
            case Verb.LinkMany:
                foreach (string name in operation.LinkNames())
                    FileSystem.CreateLink(path, At(System.Text.Encoding.Latin1.GetBytes(name)));
                return 0;
            case Verb.Unlink:
                FileSystem.Delete(path);
                return 0;
            case Verb.RemoveDirectory:
                FileSystem.DeleteDirectory(path);
                return 0;
            case Verb.Rename:
                FileSystem.Move(path, other, (RenameFlags)operation.Value);
                return 0;
            case Verb.Write:
                FileSystem.WriteFile(path, operation.Offset, operation.Content());
                return 0;
            case Verb.Truncate:
                FileSystem.SetLength(path, operation.Length);
                return 0;
            case Verb.Allocate:
                FileSystem.Allocate(path, operation.Offset, operation.Length, ModeOf(operation.Value));
                return 0;
            case Verb.Clone:
                FileSystem.CloneRange(path, operation.Offset, operation.Length, other, operation.Value);
                return 0;
            case Verb.Dedupe:
                return FileSystem.DedupeRange(path, operation.Offset, operation.Length, other, operation.Value) is null ? 1 : 0;
            case Verb.SetXattr or Verb.SetAcl or Verb.SetCapability:
                FileSystem.SetXattr(path, operation.OtherBytes, operation.Content());
                return 0;
            case Verb.SetCompression:
                FileSystem.SetXattr(path, "btrfs.compression"u8, operation.Content());
                return 0;
            case Verb.RemoveXattr:
                FileSystem.RemoveXattr(path, operation.OtherBytes);
                return 0;
            default:
                return DoMore(operation, path, other);
        }
    }

    private int DoMore(Operation operation, FsPath path, FsPath other)
    {
        switch (operation.Verb)
        {
            case Verb.ChangeMode:
                FileSystem.SetAttributes(path, new AttributeChange { Permissions = (uint)operation.Value });
                return 0;
            case Verb.ChangeOwner:
                FileSystem.SetAttributes(path, new AttributeChange { Uid = (uint)operation.Offset, Gid = (uint)operation.Length });
                return 0;
            case Verb.SetTimes:
                uint nanoseconds = (uint)operation.Value;
                FileSystem.SetAttributes(
                    path,
                    new AttributeChange { ATime = new DiskTime((long)operation.Offset, nanoseconds), MTime = new DiskTime((long)operation.Length, nanoseconds) });
                return 0;
            case Verb.SetFlags:
                FileSystem.SetFlags(path, FlagsOf(operation.Value));
                return 0;
            case Verb.CreateSubvolume:
                FileSystem.CreateSubvolume(path);
                return 0;
            case Verb.Snapshot:
                FileSystem.CreateSnapshot(path, other, operation.Value != 0);
                return 0;
            case Verb.DeleteSubvolume:
                FileSystem.DeleteSubvolume(path);
                return 0;
            case Verb.SetReadOnly:
                FileSystem.SetReadOnly(path, operation.Value != 0);
                return 0;
            case Verb.SetDefault:
                FileSystem.SetDefaultSubvolume(path);
                return 0;
            case Verb.WriteBack:
                WriteBack(path);
                return 0;
            case Verb.Fsync:
                FileSystem.Fsync(path);
                return 0;
            case Verb.Commit:
                FileSystem.Commit();
                return 0;
            case Verb.CleanUp:
                FileSystem.CleanUp();
                return 0;
            case Verb.Reopen:
                FileSystem.Dispose();
                FileSystem = Open();
                return 0;
            default:
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"the engine has no {operation.Verb}"));
        }
    }

    private void WriteBack(FsPath path)
    {
        Location at;
        using (FileSystem.Writer.HoldRunning())
            at = new PathLookup(FileSystem.Writer.Running).Find(path);
        FileSystem.Delalloc.FlushInode(at.Subvolume.Id, at.Inode);
    }

    private static AllocateMode ModeOf(ulong mode) => mode switch
    {
        0 => AllocateMode.Preallocate,
        1 => AllocateMode.PreallocateKeepSize,
        3 => AllocateMode.PunchHole,
        16 => AllocateMode.ZeroRange,
        _ => AllocateMode.ZeroRangeKeepSize,
    };
}
