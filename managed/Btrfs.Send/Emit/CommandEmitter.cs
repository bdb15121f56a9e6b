using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Stream;

namespace Btrfs.Send.Emit;

/// <summary>Every command that a send makes, with its attributes in the kernel's order.</summary>
internal sealed class CommandEmitter(CommandWriter writer)
{
    public CommandWriter Writer { get; } = writer;

    public int Protocol => Writer.Version;

    public void Subvolume(ReadOnlySpan<byte> name, RootRecord root, RootRecord? parent)
    {
        Writer.Begin(parent is null ? CommandType.Subvol : CommandType.Snapshot);
        Writer.PutBytes(AttributeType.Path, name);
        PutUuid(AttributeType.Uuid, root.StreamUuid);
        Writer.PutU64(AttributeType.Ctransid, root.Item.CTransId);
        if (parent is not null)
        {
            PutUuid(AttributeType.CloneUuid, parent.StreamUuid);
            Writer.PutU64(AttributeType.CloneCtransid, parent.Item.CTransId);
        }

        Writer.End();
    }

    /// <summary>Makes an inode under a temporary name.</summary>
    /// <exception cref="BtrfsException">A mode that names no kind of file.</exception>
    public void Create(ReadOnlySpan<byte> path, ulong inode, uint mode, ulong rdev, ReadOnlySpan<byte> linkTarget)
    {
        uint type = mode & InodeMode.TypeMask;
        Writer.Begin(type switch
        {
            InodeMode.Regular => CommandType.Mkfile,
            InodeMode.Directory => CommandType.Mkdir,
            InodeMode.SymbolicLink => CommandType.Symlink,
            InodeMode.CharacterDevice or InodeMode.BlockDevice => CommandType.Mknod,
            InodeMode.Fifo => CommandType.Mkfifo,
            InodeMode.Socket => CommandType.Mksock,
            _ => throw new BtrfsException($"inode {inode} has mode {mode:x}, which is no kind of file"),
        });
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutU64(AttributeType.Ino, inode);
        if (type == InodeMode.SymbolicLink)
        {
            Writer.PutBytes(AttributeType.PathLink, linkTarget);
        }
        else if (type is not (InodeMode.Regular or InodeMode.Directory))
        {
            Writer.PutU64(AttributeType.Rdev, EncodeDevice((uint)rdev));
            Writer.PutU64(AttributeType.Mode, mode);
        }

        Writer.End();
    }

    public void Rename(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
        TwoPaths(CommandType.Rename, from, AttributeType.PathTo, to);

    /// <param name="path">The new name.</param>
    /// <param name="existing">A name that the inode has.</param>
    public void Link(ReadOnlySpan<byte> path, ReadOnlySpan<byte> existing) =>
        TwoPaths(CommandType.Link, path, AttributeType.PathLink, existing);

    public void Unlink(ReadOnlySpan<byte> path) => OnePath(CommandType.Unlink, path);

    public void Rmdir(ReadOnlySpan<byte> path) => OnePath(CommandType.Rmdir, path);

    public void SetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Writer.Begin(CommandType.SetXattr);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutBytes(AttributeType.XattrName, name);
        Writer.PutBytes(AttributeType.XattrData, value);
        Writer.End();
    }

    public void RemoveXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        Writer.Begin(CommandType.RemoveXattr);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutBytes(AttributeType.XattrName, name);
        Writer.End();
    }

    public void Truncate(ReadOnlySpan<byte> path, ulong size) => PathAndNumber(CommandType.Truncate, path, AttributeType.Size, size);

    public void Chmod(ReadOnlySpan<byte> path, uint mode) => PathAndNumber(CommandType.Chmod, path, AttributeType.Mode, mode & 0xFFF);

    public void Fileattr(ReadOnlySpan<byte> path, ulong flags) => PathAndNumber(CommandType.Fileattr, path, AttributeType.Fileattr, flags);

    public void Chown(ReadOnlySpan<byte> path, uint uid, uint gid)
    {
        Writer.Begin(CommandType.Chown);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutU64(AttributeType.Uid, uid);
        Writer.PutU64(AttributeType.Gid, gid);
        Writer.End();
    }

    public void Utimes(ReadOnlySpan<byte> path, in InodeItem item)
    {
        Writer.Begin(CommandType.Utimes);
        Writer.PutBytes(AttributeType.Path, path);
        PutTime(AttributeType.Atime, item.ATime);
        PutTime(AttributeType.Mtime, item.MTime);
        PutTime(AttributeType.Ctime, item.CTime);
        if (Protocol >= 2)
            PutTime(AttributeType.Otime, item.OTime);
        Writer.End();
    }

    public void UpdateExtent(ReadOnlySpan<byte> path, ulong fileOffset, ulong length)
    {
        Writer.Begin(CommandType.UpdateExtent);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutU64(AttributeType.FileOffset, fileOffset);
        Writer.PutU64(AttributeType.Size, length);
        Writer.End();
    }

    public void PunchHole(ReadOnlySpan<byte> path, ulong fileOffset, ulong length)
    {
        const uint keepSizeAndPunchHole = 1 | 2;
        Writer.Begin(CommandType.Fallocate);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutU32(AttributeType.FallocateMode, keepSizeAndPunchHole);
        Writer.PutU64(AttributeType.FileOffset, fileOffset);
        Writer.PutU64(AttributeType.Size, length);
        Writer.End();
    }

    public void Clone(ReadOnlySpan<byte> path, ulong fileOffset, ulong length, RootRecord source, ReadOnlySpan<byte> sourcePath, ulong sourceOffset)
    {
        Writer.Begin(CommandType.Clone);
        Writer.PutU64(AttributeType.FileOffset, fileOffset);
        Writer.PutU64(AttributeType.CloneLen, length);
        Writer.PutBytes(AttributeType.Path, path);
        PutUuid(AttributeType.CloneUuid, source.StreamUuid);
        Writer.PutU64(AttributeType.CloneCtransid, source.Item.CTransId);
        Writer.PutBytes(AttributeType.ClonePath, sourcePath);
        Writer.PutU64(AttributeType.CloneOffset, sourceOffset);
        Writer.End();
    }

    /// <summary>Opens a write and returns where its data goes. The caller fills it and ends the command, or abandons it.</summary>
    public Span<byte> BeginWrite(ReadOnlySpan<byte> path, ulong fileOffset, int length)
    {
        Writer.Begin(CommandType.Write);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutU64(AttributeType.FileOffset, fileOffset);
        return Writer.PutDataHeader(length);
    }

    public void End()
    {
        Writer.Begin(CommandType.End);
        Writer.End();
    }

    public void PutUuid(AttributeType type, Uuid uuid)
    {
        Span<byte> bytes = stackalloc byte[Uuid.Size];
        uuid.CopyTo(bytes);
        Writer.PutUuid(type, bytes);
    }

    private void OnePath(CommandType command, ReadOnlySpan<byte> path)
    {
        Writer.Begin(command);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.End();
    }

    private void TwoPaths(CommandType command, ReadOnlySpan<byte> path, AttributeType otherType, ReadOnlySpan<byte> other)
    {
        Writer.Begin(command);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutBytes(otherType, other);
        Writer.End();
    }

    private void PathAndNumber(CommandType command, ReadOnlySpan<byte> path, AttributeType type, ulong number)
    {
        Writer.Begin(command);
        Writer.PutBytes(AttributeType.Path, path);
        Writer.PutU64(type, number);
        Writer.End();
    }

    private void PutTime(AttributeType type, DiskTime time) => Writer.PutTime(type, time.Seconds, time.Nanoseconds);

    // On the disk the major number lies above bit 20; in a stream the minor is split around it, as stat() reports it.
    private static ulong EncodeDevice(uint device)
    {
        uint major = device >> 20;
        uint minor = device & 0xFFFFF;
        return (minor & 0xFF) | (major << 8) | ((minor & ~0xFFu) << 12);
    }
}
