namespace Btrfs.Stream.Verify;

/// <summary>What a single command must be like beyond its framing, as every sender makes it: of its stream's version, with paths that stay inside, and with numbers that can be meant.</summary>
internal static class CommandRules
{
    /// <summary>The most bytes that one encoded write may stand for: that of a compressed extent.</summary>
    public const int MaxUnencodedBytes = 128 * 1024;

    private const int MaxNameBytes = 255;
    private const uint NanosecondsPerSecond = 1_000_000_000;
    private const ulong PermissionMask = 0xFFF;
    private const uint LastCompression = 7;

    /// <exception cref="StreamFormatException">It breaks a rule.</exception>
    public static void Check(in StreamCommand command, int version, bool isInSubvolume)
    {
        CommandDefinition definition = CommandTable.Find(command.Type)!;
        bool opens = command.Type is CommandType.Subvol or CommandType.Snapshot;
        if (!isInSubvolume && !opens)
            throw Broken(command, "no subvolume was named before");
        if (definition.SinceVersion > version)
            throw Broken(command, $"the command came with version {definition.SinceVersion}, the stream is of version {version}");
        if ((command.PresentMask & ~definition.AllowedMask) is not 0 and ulong strangers)
            throw Broken(command, $"it has no attribute {AttributeTable.NameOf((AttributeType)ulong.TrailingZeroCount(strangers))}");

        CheckPaths(command, opens);
        CheckNumbers(command);
    }

    private static void CheckPaths(in StreamCommand command, bool opens)
    {
        if (!command.TryGetBytes(AttributeType.Path, out ReadOnlySpan<byte> path))
            return;

        // What a command makes, moves or removes has a name; others may mean the top directory.
        bool needsName = opens || command.Type is >= CommandType.Mkfile and <= CommandType.Rmdir;
        CheckPath(command, AttributeType.Path, path, needsName);
        if (opens && path.Contains((byte)'/'))
            throw Broken(command, "the subvolume's name has a slash in it");
        if (command.TryGetBytes(AttributeType.PathTo, out ReadOnlySpan<byte> to))
            CheckPath(command, AttributeType.PathTo, to, needsName: true);
        if (command.TryGetBytes(AttributeType.ClonePath, out ReadOnlySpan<byte> source))
            CheckPath(command, AttributeType.ClonePath, source, needsName: true);
        if (!command.TryGetBytes(AttributeType.PathLink, out ReadOnlySpan<byte> link))
            return;
        if (command.Type == CommandType.Link)
            CheckPath(command, AttributeType.PathLink, link, needsName: true);
        else if (link.Length is 0 or > StreamFormat.MaxPathBytes)
            throw Broken(command, $"the target of a symbolic link has 1 to {StreamFormat.MaxPathBytes} bytes, not {link.Length}");
    }

    private static void CheckPath(in StreamCommand command, AttributeType type, ReadOnlySpan<byte> path, bool needsName)
    {
        if (path.IsEmpty && !needsName)
            return;
        if (path.Length > StreamFormat.MaxPathBytes)
            throw Broken(command, $"{AttributeTable.NameOf(type)} has {path.Length} bytes, at most {StreamFormat.MaxPathBytes} are possible");

        foreach (Range range in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = path[range];
            if (name.IsEmpty || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
                throw Broken(command, $"{AttributeTable.NameOf(type)} '{Text.Of(path)}' is no path of plain names below the subvolume");
            if (name.Length > MaxNameBytes)
                throw Broken(command, $"{AttributeTable.NameOf(type)} has a name of {name.Length} bytes, at most {MaxNameBytes} are possible");
        }
    }

    private static void CheckNumbers(in StreamCommand command)
    {
        switch (command.Type)
        {
            case CommandType.Mknod:
                CheckMode(command, command.GetU64(AttributeType.Mode) & ~PermissionMask, 0x2000, 0x6000);
                break;
            case CommandType.Mkfifo when command.TryGetU64(AttributeType.Mode, out ulong mode):
                CheckMode(command, mode & ~PermissionMask, 0x1000);
                break;
            case CommandType.Mksock when command.TryGetU64(AttributeType.Mode, out ulong mode):
                CheckMode(command, mode & ~PermissionMask, 0xC000);
                break;
            case CommandType.Chmod when command.GetU64(AttributeType.Mode) > PermissionMask:
                throw Broken(command, $"mode is 0{Convert.ToString((long)command.GetU64(AttributeType.Mode), 8)}, at most 07777 can be set");
            case CommandType.Chown:
                CheckId(command, AttributeType.Uid);
                CheckId(command, AttributeType.Gid);
                break;
            case CommandType.Utimes:
                CheckTime(command, AttributeType.Atime);
                CheckTime(command, AttributeType.Mtime);
                CheckTime(command, AttributeType.Ctime);
                CheckTime(command, AttributeType.Otime);
                break;
            case CommandType.SetXattr or CommandType.RemoveXattr when command.GetBytes(AttributeType.XattrName).Length is 0 or > MaxNameBytes:
                throw Broken(command, $"the name of an extended attribute has 1 to {MaxNameBytes} bytes, not {command.GetBytes(AttributeType.XattrName).Length}");
            case CommandType.Truncate:
                CheckRange(command, 0, command.GetU64(AttributeType.Size));
                break;
            case CommandType.Write:
                CheckRange(command, command.GetU64(AttributeType.FileOffset), (ulong)command.GetBytes(AttributeType.Data).Length);
                break;
            case CommandType.UpdateExtent or CommandType.Fallocate:
                CheckRange(command, command.GetU64(AttributeType.FileOffset), command.GetU64(AttributeType.Size));
                break;
            case CommandType.Clone:
                CheckRange(command, command.GetU64(AttributeType.FileOffset), command.GetU64(AttributeType.CloneLen));
                CheckRange(command, command.GetU64(AttributeType.CloneOffset), command.GetU64(AttributeType.CloneLen));
                break;
            case CommandType.EncodedWrite:
                CheckEncodedWrite(command);
                break;
        }
    }

    private static void CheckEncodedWrite(in StreamCommand command)
    {
        ulong fileLength = command.GetU64(AttributeType.UnencodedFileLen);
        ulong length = command.GetU64(AttributeType.UnencodedLen);
        ulong offset = command.GetU64(AttributeType.UnencodedOffset);
        CheckRange(command, command.GetU64(AttributeType.FileOffset), fileLength);
        if (length > MaxUnencodedBytes)
            throw Broken(command, $"unencoded_len is {length}, at most {MaxUnencodedBytes} are possible");
        if (fileLength == 0 || offset > length || fileLength > length - offset)
            throw Broken(command, $"{fileLength} bytes at {offset} are no part of the {length} that the data stands for");
        if (command.TryGetU32(AttributeType.Compression, out uint compression) && compression > LastCompression)
            throw Broken(command, $"compression {compression} is unknown");
        if (command.TryGetU32(AttributeType.Encryption, out uint encryption) && encryption != 0)
            throw Broken(command, $"encryption {encryption} is unknown");
    }

    private static void CheckRange(in StreamCommand command, ulong offset, ulong length)
    {
        if (offset > long.MaxValue || length > long.MaxValue - offset)
            throw Broken(command, $"{length} bytes at {offset} go beyond the end of any file");
    }

    private static void CheckMode(in StreamCommand command, ulong type, params ReadOnlySpan<ulong> expected)
    {
        if (!expected.Contains(type))
            throw Broken(command, $"mode 0{Convert.ToString((long)type, 8)} is not of this kind of file");
    }

    private static void CheckId(in StreamCommand command, AttributeType type)
    {
        if (command.GetU64(type) > uint.MaxValue)
            throw Broken(command, $"{AttributeTable.NameOf(type)} is {command.GetU64(type)}, which has more than 32 bits");
    }

    private static void CheckTime(in StreamCommand command, AttributeType type)
    {
        if (command.TryGetTime(type, out StreamTime time) && time.Nanoseconds >= NanosecondsPerSecond)
            throw Broken(command, $"{AttributeTable.NameOf(type)} has {time.Nanoseconds} nanoseconds");
    }

    private static StreamFormatException Broken(in StreamCommand command, string problem) => new(command.Offset, command.Type, problem);
}
