using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Stream;

namespace Btrfs.Receive;

internal sealed partial class CommandApplier
{
    // What the stream says later of owner and permissions; until then nobody else is to look in.
    private const uint FilePermissions = 0x180;
    private const uint DirectoryPermissions = 0x1C0;

    private void Make(in StreamCommand command)
    {
        ReadOnlySpan<byte> path = command.GetBytes(AttributeType.Path);
        ulong directory = _paths.FindParent(path, out ReadOnlySpan<byte> name);
        _paths.Made(path, batch.Create(directory, name, InodeOf(command)));
    }

    private static NewInode InodeOf(in StreamCommand command)
    {
        switch (command.Type)
        {
            case CommandType.Mkdir:
                return new NewInode { Mode = InodeMode.Directory | DirectoryPermissions };
            case CommandType.Mkfifo:
                return new NewInode { Mode = InodeMode.Fifo | FilePermissions };
            case CommandType.Mksock:
                return new NewInode { Mode = InodeMode.Socket | FilePermissions };
            case CommandType.Symlink:
                return new NewInode { Mode = InodeMode.SymbolicLink, Target = command.GetBytes(AttributeType.PathLink).ToArray() };
            case CommandType.Mknod:
                return NodeOf(command);
            default:
                return new NewInode { Mode = InodeMode.Regular | FilePermissions };
        }
    }

    // The stream has device numbers as system calls do, the disk as the kernel does.
    private static NewInode NodeOf(in StreamCommand command)
    {
        uint type = (uint)command.GetU64(AttributeType.Mode) & InodeMode.TypeMask;
        ulong device = command.GetU64(AttributeType.Rdev);
        if (type is not (InodeMode.CharacterDevice or InodeMode.BlockDevice or InodeMode.Fifo or InodeMode.Socket or InodeMode.Regular))
            throw Refused($"no node can have the mode 0{Convert.ToString((long)command.GetU64(AttributeType.Mode), 8)}");
        if (device > uint.MaxValue)
            throw Refused($"there is no device 0x{device:x}");
        return new NewInode
        {
            Mode = type,
            DeviceMajor = (uint)((device & 0xFFF00) >> 8),
            DeviceMinor = (uint)((device & 0xFF) | ((device >> 12) & 0xFFF00)),
        };
    }

    private void Rename(in StreamCommand command)
    {
        ReadOnlySpan<byte> from = command.GetBytes(AttributeType.Path);
        ReadOnlySpan<byte> to = command.GetBytes(AttributeType.PathTo);
        ulong fromDirectory = _paths.FindParent(from, out ReadOnlySpan<byte> fromName);
        ulong toDirectory = _paths.FindParent(to, out ReadOnlySpan<byte> toName);
        batch.Rename(fromDirectory, fromName, toDirectory, toName);
        _paths.Renamed(from, to);
    }

    private void Link(in StreamCommand command)
    {
        ReadOnlySpan<byte> path = command.GetBytes(AttributeType.Path);
        ulong existing = _paths.Find(command.GetBytes(AttributeType.PathLink));
        batch.Link(existing, _paths.FindParent(path, out ReadOnlySpan<byte> name), name);
    }

    private void Remove(in StreamCommand command)
    {
        ReadOnlySpan<byte> path = command.GetBytes(AttributeType.Path);
        ulong directory = _paths.FindParent(path, out ReadOnlySpan<byte> name);
        if (command.Type == CommandType.Unlink)
            batch.Unlink(directory, name);
        else
            batch.RemoveDirectory(directory, name);
        _paths.Removed(path);
    }
}
