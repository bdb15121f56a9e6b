using System.Text;

namespace Btrfs.Stream.Dump;

/// <summary>
/// Prints a send stream as "btrfs receive --dump" of btrfs-progs 6.2 does: one line a command, times in local time. Like it, the
/// dump ends with the first stream of the input, and passes over unknown commands.
/// </summary>
public sealed class StreamDumper
{
    private const int NameColumns = 16;
    private const int PathColumns = 32;

    private static readonly CommandReaderOptions s_tolerant = new() { SkipUnknownCommands = true };
    private static readonly byte[][] s_names = BuildNames();

    private readonly DumpOutput _output;
    private readonly LocalClock _clock;
    private readonly byte[] _subvolume = new byte[StreamFormat.MaxPathBytes];
    private readonly byte[] _path = new byte[StreamFormat.MaxPathBytes];
    private int _subvolumeLength;

    /// <summary>Makes a dumper.</summary>
    /// <param name="output">Where the text goes. The caller keeps and closes it.</param>
    /// <param name="zone">The time zone of the times.</param>
    public StreamDumper(System.IO.Stream output, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(zone);
        _output = new DumpOutput(output);
        _clock = new LocalClock(zone);
    }

    /// <summary>Prints the first stream of the input. On failure, the lines of the commands before are printed.</summary>
    /// <exception cref="StreamFormatException">The stream breaks the format, or has a path or a time that can't be printed.</exception>
    /// <exception cref="IOException">The input or the output failed.</exception>
    public void Dump(System.IO.Stream input)
    {
        CommandReader reader = new(input, s_tolerant);
        SetSubvolume("."u8);
        try
        {
            while (reader.Read() && reader.Current.Type != CommandType.End)
                Print(reader.Current);
        }
        catch (StreamFormatException)
        {
            _output.AbandonLine();
            _output.Flush();
            throw;
        }

        _output.Flush();
    }

    private void Print(in StreamCommand command)
    {
        switch (command.Type)
        {
            case CommandType.Subvol:
                EnterSubvolume(command);
                StartLine(command, _subvolume.AsSpan(0, _subvolumeLength));
                Uuid(command, "uuid="u8, AttributeType.Uuid);
                Number(command, " transid="u8, AttributeType.Ctransid);
                break;
            case CommandType.Snapshot:
                EnterSubvolume(command);
                StartLine(command, _subvolume.AsSpan(0, _subvolumeLength));
                Uuid(command, "uuid="u8, AttributeType.Uuid);
                Number(command, " transid="u8, AttributeType.Ctransid);
                Uuid(command, " parent_uuid="u8, AttributeType.CloneUuid);
                Number(command, " parent_transid="u8, AttributeType.CloneCtransid);
                break;
            case CommandType.Rename:
                StartPathLine(command);
                _output.Append("dest="u8);
                _output.AppendEscaped(FullPath(command, AttributeType.PathTo));
                break;
            case CommandType.Symlink:
            case CommandType.Link:
                StartPathLine(command);
                _output.Append("dest="u8);
                _output.AppendEscaped(command.GetBytes(AttributeType.PathLink));
                break;
            default:
                StartPathLine(command);
                PrintInode(command);
                break;
        }

        _output.EndLine();
    }

    // Commands on the inode at a path; of some of them nothing is printed but the path.
    private void PrintInode(in StreamCommand command)
    {
        switch (command.Type)
        {
            case CommandType.Mknod:
                _output.Append("mode="u8);
                _output.AppendOctal(command.GetU64(AttributeType.Mode));
                _output.Append(" dev=0x"u8);
                _output.AppendHex(command.GetU64(AttributeType.Rdev));
                break;
            case CommandType.SetXattr:
                PrintSetXattr(command);
                break;
            case CommandType.RemoveXattr:
                _output.Append("name="u8);
                _output.Append(command.GetBytes(AttributeType.XattrName));
                break;
            case CommandType.Write:
                Number(command, "offset="u8, AttributeType.FileOffset);
                Length(command, " len="u8, AttributeType.Data);
                break;
            case CommandType.Clone:
                PrintClone(command);
                break;
            case CommandType.Truncate:
                Number(command, "size="u8, AttributeType.Size);
                break;
            case CommandType.Chmod:
                _output.Append("mode="u8);
                _output.AppendOctal(command.GetU64(AttributeType.Mode));
                break;
            case CommandType.Chown:
                Number(command, "gid="u8, AttributeType.Gid);
                Number(command, " uid="u8, AttributeType.Uid);
                break;
            case CommandType.Utimes:
                Time(command, "atime="u8, AttributeType.Atime);
                Time(command, " mtime="u8, AttributeType.Mtime);
                Time(command, " ctime="u8, AttributeType.Ctime);
                break;
            case CommandType.UpdateExtent:
                Number(command, "offset="u8, AttributeType.FileOffset);
                Number(command, " len="u8, AttributeType.Size);
                break;
            case CommandType.Fallocate:
                _output.Append("mode="u8);
                _output.AppendSigned((int)command.GetU32(AttributeType.FallocateMode));
                Number(command, " offset="u8, AttributeType.FileOffset);
                Number(command, " len="u8, AttributeType.Size);
                break;
            case CommandType.Fileattr:
                // Decimal in spite of the prefix: so it is printed.
                Number(command, "fileattr=0x"u8, AttributeType.Fileattr);
                break;
            case CommandType.EncodedWrite:
                PrintEncodedWrite(command);
                break;
            case CommandType.EnableVerity:
                _output.Append("algorithm="u8);
                _output.AppendDecimal(command.GetU8(AttributeType.VerityAlgorithm));
                SmallNumber(command, " block_size="u8, AttributeType.VerityBlockSize);
                Length(command, " salt_len="u8, AttributeType.VeritySaltData);
                Length(command, " sig_len="u8, AttributeType.VeritySigData);
                break;
        }
    }

    private void PrintSetXattr(in StreamCommand command)
    {
        _output.Append("name="u8);
        _output.Append(command.GetBytes(AttributeType.XattrName));
        _output.Append(" data="u8);
        ReadOnlySpan<byte> data = command.GetBytes(AttributeType.XattrData);
        int nul = data.IndexOf((byte)0); // Printed as a C string.
        _output.Append(nul < 0 ? data : data[..nul]);
        Length(command, " len="u8, AttributeType.XattrData);
    }

    private void PrintClone(in StreamCommand command)
    {
        Number(command, "offset="u8, AttributeType.FileOffset);
        Number(command, " len="u8, AttributeType.CloneLen);
        _output.Append(" from="u8);
        _output.Append(FullPath(command, AttributeType.ClonePath)); // Not escaped: so it is printed.
        Number(command, " clone_offset="u8, AttributeType.CloneOffset);
    }

    private void PrintEncodedWrite(in StreamCommand command)
    {
        Number(command, "offset="u8, AttributeType.FileOffset);
        Length(command, " len="u8, AttributeType.Data);
        Number(command, ", unencoded_file_len="u8, AttributeType.UnencodedFileLen);
        Number(command, ", unencoded_len="u8, AttributeType.UnencodedLen);
        Number(command, ", unencoded_offset="u8, AttributeType.UnencodedOffset);
        SmallNumber(command, ", compression="u8, AttributeType.Compression);
        SmallNumber(command, ", encryption="u8, AttributeType.Encryption);
    }

    private void StartPathLine(in StreamCommand command) => StartLine(command, FullPath(command, AttributeType.Path));

    private void StartLine(in StreamCommand command, ReadOnlySpan<byte> fullPath)
    {
        _output.Append(s_names[(int)command.Type]);
        _output.AppendEscaped(fullPath);
        if (command.Type is not (CommandType.Mkfile or CommandType.Mkdir or CommandType.Mkfifo or CommandType.Mksock or CommandType.Unlink or CommandType.Rmdir))
            _output.AppendSpaces(Math.Max(1, NameColumns + PathColumns - _output.Column));
    }

    private void Number(in StreamCommand command, ReadOnlySpan<byte> label, AttributeType type)
    {
        _output.Append(label);
        _output.AppendDecimal(command.GetU64(type));
    }

    // A u32 attribute, zero where it is absent.
    private void SmallNumber(in StreamCommand command, ReadOnlySpan<byte> label, AttributeType type)
    {
        _output.Append(label);
        command.TryGetU32(type, out uint value);
        _output.AppendDecimal(value);
    }

    private void Length(in StreamCommand command, ReadOnlySpan<byte> label, AttributeType type)
    {
        _output.Append(label);
        _output.AppendDecimal((ulong)command.GetBytes(type).Length);
    }

    private void Uuid(in StreamCommand command, ReadOnlySpan<byte> label, AttributeType type)
    {
        _output.Append(label);
        _output.AppendUuid(command.GetUuid(type));
    }

    private void Time(in StreamCommand command, ReadOnlySpan<byte> label, AttributeType type)
    {
        Span<byte> text = stackalloc byte[LocalClock.MaxBytes];
        StreamTime time = command.GetTime(type);
        if (!_clock.TryFormat(time.Seconds, text, out int written))
            throw new StreamFormatException(command.Offset, command.Type, $"{AttributeTable.NameOf(type)} {time.Seconds} has no year of 32 bits");

        _output.Append(label);
        _output.Append(text[..written]);
    }

    private void EnterSubvolume(in StreamCommand command)
    {
        SetSubvolume("."u8);
        SetSubvolume(FullPath(command, AttributeType.Path));
    }

    private void SetSubvolume(ReadOnlySpan<byte> path)
    {
        path.CopyTo(_subvolume);
        _subvolumeLength = path.Length;
    }

    // Joins the current subvolume and a path; of each, one final slash is dropped.
    private ReadOnlySpan<byte> FullPath(in StreamCommand command, AttributeType type)
    {
        ReadOnlySpan<byte> path = command.GetBytes(type);
        if (_subvolumeLength + 1 + path.Length >= StreamFormat.MaxPathBytes)
            throw new StreamFormatException(command.Offset, command.Type, $"{AttributeTable.NameOf(type)} of {path.Length} bytes is too long below a subvolume path of {_subvolumeLength}");

        ReadOnlySpan<byte> subvolume = WithoutFinalSlash(_subvolume.AsSpan(0, _subvolumeLength));
        path = WithoutFinalSlash(path);
        subvolume.CopyTo(_path);
        _path[subvolume.Length] = (byte)'/';
        path.CopyTo(_path.AsSpan(subvolume.Length + 1));
        return _path.AsSpan(0, subvolume.Length + 1 + path.Length);
    }

    private static ReadOnlySpan<byte> WithoutFinalSlash(ReadOnlySpan<byte> path) => path.EndsWith("/"u8) ? path[..^1] : path;

    private static byte[][] BuildNames()
    {
        byte[][] names = new byte[CommandTable.All.Length + 1][];
        foreach (CommandDefinition definition in CommandTable.All)
            names[(int)definition.Type] = Encoding.ASCII.GetBytes(definition.Name.PadRight(NameColumns));

        return names;
    }
}
