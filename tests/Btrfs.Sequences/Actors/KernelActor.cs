using System.Text;
using Btrfs.Fidelity.Kernel;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Running;

namespace Btrfs.Sequences.Actors;

/// <summary>The running kernel, through a mount and system calls.</summary>
internal sealed class KernelActor : IActor
{
    private const uint TypeMask = 0xF000;
    private const uint Regular = 0x8000;
    private const uint Directory = 0x4000;
    private const int Append = 0x400;

    private readonly IReadOnlyList<string> _images;
    private readonly string _mountPoint;
    private readonly string _mountOptions;
    private BtrfsMount _mount;

    public KernelActor(IReadOnlyList<string> images, string mountPoint, PairOptions options)
    {
        _images = images;
        _mountPoint = mountPoint;
        _mountOptions = options.MountOptions;
        System.IO.Directory.CreateDirectory(mountPoint);
        _mount = BtrfsMount.Open(images, mountPoint, _mountOptions);
    }

    /// <summary>The top-level directory, open.</summary>
    public int Root => _mount.Root;

    public void Commit() => KernelException.Check(Syscall.SyncFileSystem(Root), "sync");

    public void Dispose() => _mount.Dispose();

    public int Run(Operation operation)
    {
        byte[] path = operation.PathBytes;
        byte[] other = operation.OtherBytes;
        if (operation.Verb is Verb.Create or Verb.MakeDirectory or Verb.CreateSubvolume)
            RemindOfProperties(operation.Path);
        int result = operation.Verb switch
        {
            Verb.Create => Create(path, (uint)operation.Value),
            Verb.MakeDirectory => Syscall.Mkdir(Root, path, (uint)operation.Value),
            Verb.MakeNode => Syscall.Mknod(Root, path, (uint)operation.Value, DeviceNumber(operation.Offset, operation.Length)),
            Verb.MakeSymbolicLink => Syscall.Symlink(other, Root, path),
            Verb.Link => Syscall.Link(Root, path, Root, other),
            Verb.LinkMany => LinkMany(operation),
            Verb.Unlink => Syscall.Unlink(Root, path),
            Verb.RemoveDirectory => Syscall.Rmdir(Root, path),
            Verb.Rename => Syscall.Rename(Root, path, Root, other, (uint)operation.Value),
            Verb.Write => Write(path, operation),
            Verb.Truncate => OnFile(path, file => InodeCalls.Truncate(file, operation.Length)),
            Verb.Allocate => OnFile(path, file => Syscall.Allocate(file, (int)operation.Value, (long)operation.Offset, (long)operation.Length), mayAppend: true),
            Verb.Clone => Share(operation),
            Verb.Dedupe => Share(operation),
            Verb.SetXattr or Verb.SetAcl or Verb.SetCapability => OnAny(path, inode => Syscall.SetXattr(inode, other, operation.Content())),
            Verb.SetCompression => OnAny(path, inode => Syscall.SetXattr(inode, "btrfs.compression"u8, operation.Content())),
            Verb.RemoveXattr => OnAny(path, inode => Syscall.RemoveXattr(inode, other)),
            Verb.ChangeMode => Syscall.Chmod(Root, path, (uint)operation.Value),
            Verb.ChangeOwner => Syscall.Chown(Root, path, (uint)operation.Offset, (uint)operation.Length),
            Verb.SetTimes => Syscall.SetTimes(Root, path, (long)operation.Offset, (long)operation.Value, (long)operation.Length, (long)operation.Value),
            Verb.SetFlags => WithOpen(path, Syscall.OpenReadOnly | Syscall.OpenNonBlocking, inode => FileIoctl.SetFlags(inode, (uint)operation.Value)),
            Verb.CreateSubvolume => InParent(operation.Path, static (directory, name) => BtrfsIoctl.CreateSubvolume(directory, name)),
            Verb.Snapshot => WithDirectory(path, source =>
                InParent(operation.Other, (directory, name) => BtrfsIoctl.CreateSnapshot(source, directory, name, operation.Value != 0))),
            Verb.DeleteSubvolume => InParent(operation.Path, static (directory, name) => BtrfsIoctl.DestroySubvolume(directory, name)),
            Verb.SetReadOnly => WithDirectory(path, top => BtrfsIoctl.SetReadOnly(top, operation.Value != 0)),
            Verb.SetDefault => WithDirectory(path, top => BtrfsIoctl.SetDefaultSubvolume(top, BtrfsIoctl.SubvolumeId(top))),
            Verb.WriteBack => OnReadable(path, Syscall.WriteBack),
            Verb.Fsync => OnReadable(path, Syscall.Fsync),
            Verb.Commit or Verb.CleanUp => Syscall.SyncFileSystem(Root),
            Verb.Reopen => Reopen(),
            _ => throw new InvalidOperationException($"the kernel has no {operation.Verb}"),
        };
        return operation.Verb switch
        {
            // A file that a kernel has no pages of has nothing to write out, whatever it says.
            Verb.WriteBack => 0,
            Verb.Dedupe => result < 0 ? result : result == 0 && operation.Length > 0 ? 1 : 0,
            _ => Math.Min(result, 0),
        };
    }

    private static ulong DeviceNumber(ulong major, ulong minor) =>
        (minor & 0xFF) | ((major & 0xFFF) << 8) | ((minor & ~0xFFUL) << 12);

    private int Reopen()
    {
        _mount.Dispose();
        _mount = BtrfsMount.Open(_images, _mountPoint, _mountOptions);
        return 0;
    }

    // A kernel that loads an inode overlooks its property where a border of leaves, which no two file systems have at the same place, lies before it,
    // and then hands nothing on, to what is made in a directory or to a subvolume below. Told again, it knows.
    private void RemindOfProperties(string path)
    {
        for ((string directory, _) = Model.Split(path); ; (directory, _) = Model.Split(directory))
        {
            OnAny(Encoding.Latin1.GetBytes(directory.Length == 0 ? "." : directory), static inode =>
                InodeCalls.Xattrs(inode).TryGetValue("btrfs.compression", out byte[]? value) ? Syscall.SetXattr(inode, "btrfs.compression"u8, value) : 0);
            if (directory.Length == 0)
                return;
        }
    }

    private int Create(byte[] path, uint mode)
    {
        int file = Syscall.Open(Root, path, Syscall.OpenWriteOnly | Syscall.OpenCreate | Syscall.OpenExclusive, mode);
        return file < 0 ? file : Libc.Close(file);
    }

    private int LinkMany(Operation operation)
    {
        foreach (string name in operation.LinkNames())
        {
            int result = Syscall.Link(Root, operation.PathBytes, Root, Encoding.Latin1.GetBytes(name));
            if (result < 0)
                return result;
        }

        return 0;
    }

    private int Write(byte[] path, Operation operation)
    {
        byte[] data = operation.Content();
        return OnFile(
            path,
            file =>
            {
                for (int done = 0; done < data.Length;)
                {
                    int result = Syscall.Write(file, data.AsSpan(done), (long)operation.Offset + done);
                    if (result < 0)
                        return result;
                    done += result;
                }

                return 0;
            },
            mayAppend: operation.Offset == SizeOf(path));
    }

    // Also of what nobody may write to any more: it may have been written to before.
    private int OnReadable(byte[] path, Func<int, int> act)
    {
        int file = OpenFile(path, Syscall.OpenReadOnly);
        if (file < 0)
            return file;
        using Descriptor owner = new(file);
        return act(file);
    }

    private int Share(Operation operation)
    {
        int source = OpenFile(operation.PathBytes, Syscall.OpenReadOnly);
        if (source < 0)
            return source;
        using Descriptor owner = new(source);
        if (operation.Verb == Verb.Clone)
            return OnFile(operation.OtherBytes, target => FileIoctl.CloneRange(target, (long)operation.Value, source, (long)operation.Offset, (long)operation.Length));

        // Contents stay as they are, so root needs no right to write.
        int twin = OpenFile(operation.OtherBytes, Syscall.OpenReadOnly);
        if (twin < 0)
            return twin;
        using Descriptor twinOwner = new(twin);
        return FileIoctl.DedupeRange(source, (long)operation.Offset, twin, (long)operation.Value, (long)operation.Length);
    }

    private int OnFile(byte[] path, Func<int, int> act, bool mayAppend = false)
    {
        int file = OpenFile(path, Syscall.OpenReadWrite);
        if (file == -ErrorNumber.NotPermitted && mayAppend)
            file = OpenFile(path, Syscall.OpenWriteOnly | Append);
        if (file < 0)
            return file;
        using Descriptor owner = new(file);
        return act(file);
    }

    // What is not a regular file is not opened: a device might be a real one, a fifo waits.
    private int OpenFile(byte[] path, int access)
    {
        int status = InodeCalls.Stat(Root, path, out InodeStat stat);
        if (status < 0)
            return status;
        return (stat.Mode & TypeMask) switch
        {
            Regular => Syscall.Open(Root, path, access),
            Directory => -ErrorNumber.IsDirectory,
            _ => -ErrorNumber.Invalid,
        };
    }

    private ulong SizeOf(byte[] path) => InodeCalls.Stat(Root, path, out InodeStat stat) < 0 ? 0 : stat.Size;

    private int OnAny(byte[] path, Func<int, int> act) => WithOpen(path, Syscall.OpenPath | Syscall.OpenNoFollow, act);

    private int WithDirectory(byte[] path, Func<int, int> act) => WithOpen(path, Syscall.OpenReadOnly | Syscall.OpenDirectory, act);

    private int WithOpen(byte[] path, int access, Func<int, int> act)
    {
        int descriptor = Syscall.Open(Root, path, access);
        if (descriptor < 0)
            return descriptor;
        using Descriptor owner = new(descriptor);
        return act(descriptor);
    }

    private int InParent(string path, Func<int, byte[], int> act)
    {
        (string directory, string name) = Model.Split(path);
        return WithDirectory(
            Encoding.Latin1.GetBytes(directory.Length == 0 ? "." : directory),
            parent => act(parent, Encoding.Latin1.GetBytes(name)));
    }
}
