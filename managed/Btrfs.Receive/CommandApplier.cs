using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Receive.Data;
using Btrfs.Receive.Parts;
using Btrfs.Stream;

namespace Btrfs.Receive;

/// <summary>
/// Carries out the commands of one subvolume, as the system calls of btrfs-progs' receive would on a mounted file system, for root. Each is done, or refused with a
/// <see cref="FileOperationException"/> and has done nothing.
/// </summary>
internal sealed partial class CommandApplier(
    SubvolumeBatch batch, SubvolumeWriter subvolume, Uuid uuid, SourceSubvolumes sources, ReceiveOptions options) : IDisposable
{
    private const uint PermissionMask = 0xFFF;
    private const uint NanosecondsPerSecond = 1_000_000_000;

    private readonly ReceivedPaths _paths = new(batch, subvolume);
    private readonly PendingData _pending = new(batch, subvolume);
    private EncodedWrite? _encoded;

    /// <summary>Whether everything is in the batch by now, and no data waits.</summary>
    public bool IsSettled => _pending.IsEmpty;

    /// <summary>Whether what could not be written still waits and can be tried again.</summary>
    public bool CanSettleAgain => !_pending.IsBulk;

    /// <summary>Brings what waits into the batch.</summary>
    public void Settle() => _pending.Flush();

    public void Apply(in StreamCommand command)
    {
        if (command.Type is not (CommandType.Write or CommandType.EncodedWrite or CommandType.Truncate) || MustSettleBefore(command))
            _pending.Flush();
        switch (command.Type)
        {
            case CommandType.Mkfile:
            case CommandType.Mkdir:
            case CommandType.Mknod:
            case CommandType.Mkfifo:
            case CommandType.Mksock:
            case CommandType.Symlink:
                Make(command);
                break;
            case CommandType.Rename:
                Rename(command);
                break;
            case CommandType.Link:
                Link(command);
                break;
            case CommandType.Unlink:
            case CommandType.Rmdir:
                Remove(command);
                break;
            case CommandType.SetXattr:
            case CommandType.RemoveXattr:
                ChangeXattr(command);
                break;
            case CommandType.Write:
                Write(command);
                break;
            case CommandType.EncodedWrite:
                WriteEncoded(command);
                break;
            case CommandType.Clone:
                Clone(command);
                break;
            case CommandType.Truncate:
                Truncate(command);
                break;
            case CommandType.Fallocate:
                Allocate(command);
                break;
            case CommandType.Chmod:
                ChangeMode(command);
                break;
            case CommandType.Chown:
                ChangeOwner(command);
                break;
            case CommandType.Utimes:
                ChangeTimes(command);
                break;
            case CommandType.EnableVerity:
                EnableVerity(command);
                break;
            case CommandType.Fileattr:
            case CommandType.UpdateExtent:
                // Raw flags mean nothing elsewhere, and an extent without data is only told of: that there is such a file is all that is asked.
                Find(command);
                break;
            default:
                throw Refused("the command has no place in a subvolume");
        }
    }

    public void Dispose() => _pending.Dispose();

    // To look another path up would take the batch.
    private bool MustSettleBefore(in StreamCommand command) => _pending.IsBulk && !_paths.IsLast(command.GetBytes(AttributeType.Path));

    private ulong Find(in StreamCommand command) => _paths.Find(command.GetBytes(AttributeType.Path));

    private void ChangeXattr(in StreamCommand command)
    {
        ulong inode = Find(command);
        ReadOnlySpan<byte> name = command.GetBytes(AttributeType.XattrName);

        // Where the sender had been received in part, it tells nothing about this copy.
        if (inode == ObjectIds.FirstFree && name.SequenceEqual(PartMark.XattrName))
            return;
        if (!HasClass(name))
            throw Refused("an xattr of no class that the file system has");
        if (command.Type == CommandType.RemoveXattr)
            batch.RemoveXattr(inode, name);
        else
            batch.SetXattr(inode, name, command.GetBytes(AttributeType.XattrData));
    }

    private static bool HasClass(ReadOnlySpan<byte> name) =>
        name.StartsWith("user."u8) || name.StartsWith("trusted."u8) || name.StartsWith("security."u8) || name.StartsWith("btrfs."u8)
        || name.SequenceEqual("system.posix_acl_access"u8) || name.SequenceEqual("system.posix_acl_default"u8);

    private void ChangeMode(in StreamCommand command)
    {
        ulong inode = Find(command);
        if (batch.GetStatus(subvolume, inode).IsSymbolicLink)
            throw Refused("a symbolic link has no permissions");
        batch.SetAttributes(inode, new AttributeChange { Permissions = (uint)command.GetU64(AttributeType.Mode) & PermissionMask });
    }

    private void ChangeOwner(in StreamCommand command)
    {
        ulong uid = command.GetU64(AttributeType.Uid);
        ulong gid = command.GetU64(AttributeType.Gid);
        if (uid >= uint.MaxValue || gid >= uint.MaxValue)
            throw Refused($"there is no owner {uid}:{gid}");
        batch.ChangeOwner(Find(command), (uint)uid, (uint)gid);
    }

    private void ChangeTimes(in StreamCommand command)
    {
        command.TryGetTime(AttributeType.Otime, out StreamTime made);
        AttributeChange change = new()
        {
            ATime = TimeOf(command.GetTime(AttributeType.Atime)),
            MTime = TimeOf(command.GetTime(AttributeType.Mtime)),
            OTime = command.Has(AttributeType.Otime) ? TimeOf(made) : null,
        };
        batch.SetAttributes(Find(command), change);
    }

    private static DiskTime TimeOf(StreamTime time) => time.Nanoseconds < NanosecondsPerSecond
        ? new DiskTime(time.Seconds, time.Nanoseconds)
        : throw Refused($"a time with {time.Nanoseconds} nanoseconds");

    private static FileOperationException Refused(string what) => new(FileError.Invalid, what);
}
