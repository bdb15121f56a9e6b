namespace Btrfs.Stream.Replay;

/// <summary>Commands that change names and attributes.</summary>
internal sealed class TreeChange(ReplayedSubvolume subvolume)
{
    // About what the runtime takes for an inode with its place in the table, and for a name or value.
    private const int InodeBytes = 240;
    private const int DirectoryBytes = 200;
    private const int NameBytes = 100;

    private const uint NewFileMode = 0x180;
    private const uint NewDirectoryMode = 0x1C0;
    private const uint LinkMode = 0x1FF;
    private const uint PermissionMask = 0xFFF;

    /// <summary>False for a command of another kind.</summary>
    public bool TryApply(in StreamCommand command, ref long memory)
    {
        switch (command.Type)
        {
            case CommandType.Mkfile:
                Make(command, ReplayedInode.Regular | NewFileMode, ref memory);
                break;
            case CommandType.Mkdir:
                Make(command, ReplayedInode.Directory | NewDirectoryMode, ref memory);
                break;
            case CommandType.Mknod:
                Make(command, (uint)command.GetU64(AttributeType.Mode), ref memory);
                break;
            case CommandType.Mkfifo:
                Make(command, 0x1000 | NewFileMode, ref memory);
                break;
            case CommandType.Mksock:
                Make(command, 0xC000 | NewFileMode, ref memory);
                break;
            case CommandType.Symlink:
                Make(command, ReplayedInode.SymbolicLink | LinkMode, ref memory);
                break;
            case CommandType.Rename:
                Rename(command, ref memory);
                break;
            case CommandType.Link:
                Link(command, ref memory);
                break;
            case CommandType.Unlink:
                Remove(command, isDirectory: false, ref memory);
                break;
            case CommandType.Rmdir:
                Remove(command, isDirectory: true, ref memory);
                break;
            default:
                return TrySetAttribute(command, ref memory);
        }

        return true;
    }

    private bool TrySetAttribute(in StreamCommand command, ref long memory)
    {
        if (command.Type is not (CommandType.SetXattr or CommandType.RemoveXattr or CommandType.Chmod or CommandType.Chown or CommandType.Utimes or CommandType.Fileattr or CommandType.EnableVerity))
            return false;

        int number = Find(command, AttributeType.Path, command.GetBytes(AttributeType.Path));
        if (command.Type == CommandType.Fileattr)
            return true; // No receiver does anything with it.

        ReplayedInode inode = subvolume.Change(number, ref memory);
        switch (command.Type)
        {
            case CommandType.SetXattr:
                inode.XattrTable ??= new Dictionary<byte[], byte[]>(NameComparer.Instance);
                inode.XattrTable.GetAlternateLookup<ReadOnlySpan<byte>>()[command.GetBytes(AttributeType.XattrName)] = command.GetBytes(AttributeType.XattrData).ToArray();
                memory += (2 * NameBytes) + command.Length;
                break;
            case CommandType.RemoveXattr:
                if (inode.XattrTable is null || !inode.XattrTable.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(command.GetBytes(AttributeType.XattrName)))
                    throw Refused(command, $"'{PathOf(command)}' has no extended attribute '{Text.Of(command.GetBytes(AttributeType.XattrName))}'");
                break;
            case CommandType.Chmod:
                inode.Mode = (inode.Mode & ~PermissionMask) | (uint)command.GetU64(AttributeType.Mode);
                break;
            case CommandType.Chown:
                inode.Uid = (uint)command.GetU64(AttributeType.Uid);
                inode.Gid = (uint)command.GetU64(AttributeType.Gid);
                break;
            case CommandType.Utimes:
                inode.Atime = command.GetTime(AttributeType.Atime);
                inode.Mtime = command.GetTime(AttributeType.Mtime);
                inode.Ctime = command.GetTime(AttributeType.Ctime);
                break;
            case CommandType.EnableVerity when !inode.IsRegular:
                throw Refused(command, $"'{PathOf(command)}' is not a regular file");
            default:
                inode.HasVerity = true;
                break;
        }

        return true;
    }

    private void Make(in StreamCommand command, uint mode, ref long memory)
    {
        int directory = FindDirectory(command, AttributeType.Path, out ReadOnlySpan<byte> name);
        RequireFree(command, directory, name);
        command.TryGetU64(AttributeType.Rdev, out ulong device);
        ReplayedInode inode = new(subvolume, mode)
        {
            LinkCount = 1,
            Rdev = command.Type == CommandType.Mknod ? device : 0,
            LinkTarget = command.Type == CommandType.Symlink ? command.GetBytes(AttributeType.PathLink).ToArray() : default,
        };
        subvolume.Change(directory, ref memory).Entries!.Add(name.ToArray(), subvolume.Add(inode));
        memory += InodeBytes + NameBytes + name.Length + inode.LinkTarget.Length + (inode.IsDirectory ? DirectoryBytes : 0);
    }

    private void Link(in StreamCommand command, ref long memory)
    {
        int target = Find(command, AttributeType.PathLink, command.GetBytes(AttributeType.PathLink));
        int directory = FindDirectory(command, AttributeType.Path, out ReadOnlySpan<byte> name);
        RequireFree(command, directory, name);
        if (subvolume.GetInode(target).IsDirectory)
            throw Refused(command, $"'{Text.Of(command.GetBytes(AttributeType.PathLink))}' is a directory, which has one name");

        subvolume.Change(target, ref memory).LinkCount++;
        subvolume.Change(directory, ref memory).Entries!.Add(name.ToArray(), target);
        memory += NameBytes + name.Length;
    }

    private void Rename(in StreamCommand command, ref long memory)
    {
        int source = FindDirectory(command, AttributeType.Path, out ReadOnlySpan<byte> name);
        int moved = RequireEntry(command, AttributeType.Path, source, name);
        int directory = FindDirectory(command, AttributeType.PathTo, out ReadOnlySpan<byte> newName, forbidden: moved);
        if (subvolume.TryLookup(directory, newName, out int replaced))
        {
            // As rename() does: one inode under both names stays as it is.
            if (replaced == moved)
                return;
            ReplayedInode target = subvolume.GetInode(replaced);
            if (target.IsDirectory != subvolume.GetInode(moved).IsDirectory || target.Entries is { Count: > 0 })
                throw Refused(command, $"'{Text.Of(command.GetBytes(AttributeType.PathTo))}' is in the way");
            Drop(directory, newName, replaced, ref memory);
        }

        Dictionary<byte[], int> from = subvolume.Change(source, ref memory).Entries!;
        from.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name);
        subvolume.Change(directory, ref memory).Entries!.Add(newName.ToArray(), moved);
        memory += NameBytes + newName.Length;
    }

    private void Remove(in StreamCommand command, bool isDirectory, ref long memory)
    {
        int directory = FindDirectory(command, AttributeType.Path, out ReadOnlySpan<byte> name);
        int number = RequireEntry(command, AttributeType.Path, directory, name);
        ReplayedInode inode = subvolume.GetInode(number);
        if (inode.IsDirectory != isDirectory)
            throw Refused(command, $"'{PathOf(command)}' is {(isDirectory ? "no" : "a")} directory");
        if (inode.Entries is { Count: > 0 })
            throw Refused(command, $"directory '{PathOf(command)}' is not empty");
        Drop(directory, name, number, ref memory);
    }

    private void Drop(int directory, ReadOnlySpan<byte> name, int number, ref long memory)
    {
        subvolume.Change(directory, ref memory).Entries!.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name);
        if (subvolume.GetInode(number).LinkCount == 1)
            subvolume.Remove(number);
        else
            subvolume.Change(number, ref memory).LinkCount--;
    }

    private int Find(in StreamCommand command, AttributeType type, ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            return ReplayedSubvolume.Top;
        int directory = FindDirectory(command, type, out ReadOnlySpan<byte> name);
        return RequireEntry(command, type, directory, name);
    }

    // Follows a path up to its last name, through directories alone.
    private int FindDirectory(in StreamCommand command, AttributeType type, out ReadOnlySpan<byte> name, int forbidden = -1)
    {
        ReadOnlySpan<byte> path = command.GetBytes(type);
        int at = ReplayedSubvolume.Top;
        while (path.IndexOf((byte)'/') is >= 0 and int slash)
        {
            at = RequireEntry(command, type, at, path[..slash]);
            if (!subvolume.GetInode(at).IsDirectory)
                throw Refused(command, $"{AttributeTable.NameOf(type)} '{Text.Of(command.GetBytes(type))}' leads through '{Text.Of(path[..slash])}', which is no directory");
            if (at == forbidden)
                throw Refused(command, $"a directory can't be moved below itself: '{Text.Of(command.GetBytes(type))}'");
            path = path[(slash + 1)..];
        }

        name = path;
        return at;
    }

    private int RequireEntry(in StreamCommand command, AttributeType type, int directory, ReadOnlySpan<byte> name) =>
        subvolume.TryLookup(directory, name, out int number)
            ? number
            : throw Refused(command, $"{AttributeTable.NameOf(type)} '{Text.Of(command.GetBytes(type))}' leads nowhere: there is no '{Text.Of(name)}'");

    private void RequireFree(in StreamCommand command, int directory, ReadOnlySpan<byte> name)
    {
        if (subvolume.TryLookup(directory, name, out _))
            throw Refused(command, $"'{PathOf(command)}' exists");
    }

    private static string PathOf(in StreamCommand command) => Text.Of(command.GetBytes(AttributeType.Path));

    private static StreamFormatException Refused(in StreamCommand command, string problem) => new(command.Offset, command.Type, problem);
}
