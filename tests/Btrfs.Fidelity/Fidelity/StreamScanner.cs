using System.Buffers.Binary;
using System.Text;
using Btrfs.Fidelity.Generator;

namespace Btrfs.Fidelity;

/// <summary>One command of a stream, as bytes.</summary>
/// <param name="Offset">Where its header begins.</param>
/// <param name="Number">The command number.</param>
/// <param name="Body">Its attributes.</param>
internal readonly record struct ScannedCommand(int Offset, int Number, ReadOnlyMemory<byte> Body)
{
    private const int DataAttribute = 19;
    private const int PathAttribute = 15;

    private static readonly string[] s_names =
    [
        "unspec", "subvol", "snapshot", "mkfile", "mkdir", "mknod", "mkfifo", "mksock", "symlink", "rename", "link", "unlink", "rmdir",
        "set_xattr", "remove_xattr", "write", "clone", "truncate", "chmod", "chown", "utimes", "end", "update_extent", "fallocate", "fileattr",
        "encoded_write", "enable_verity",
    ];

    private static readonly string[] s_attributes =
    [
        "unspec", "uuid", "ctransid", "ino", "size", "mode", "uid", "gid", "rdev", "ctime", "mtime", "atime", "otime", "xattr_name", "xattr_data",
        "path", "path_to", "path_link", "file_offset", "data", "clone_uuid", "clone_ctransid", "clone_path", "clone_offset", "clone_len",
        "fallocate_mode", "fileattr", "unencoded_file_len", "unencoded_len", "unencoded_offset", "compression", "encryption",
    ];

    public string Name => Number < s_names.Length ? s_names[Number] : $"command {Number}";

    /// <summary>The value of an attribute, or null where the command has none such.</summary>
    public ReadOnlyMemory<byte>? Attribute(int wanted, int version)
    {
        foreach ((int type, ReadOnlyMemory<byte> value) in Attributes(version))
        {
            if (type == wanted)
                return value;
        }

        return null;
    }

    public ulong? Number64(int wanted, int version) =>
        Attribute(wanted, version) is { Length: 8 } value ? BinaryPrimitives.ReadUInt64LittleEndian(value.Span) : null;

    public ReadOnlyMemory<byte>? PathOf(int version) => Attribute(PathAttribute, version);

    public string Describe(int version)
    {
        StringBuilder text = new(Name);
        foreach ((int type, ReadOnlyMemory<byte> value) in Attributes(version))
        {
            string name = type < s_attributes.Length ? s_attributes[type] : $"attribute {type}";
            string shown = value.Length switch
            {
                8 when type is not (13 or 14 or PathAttribute or 16 or 17 or DataAttribute or 22) => BinaryPrimitives.ReadUInt64LittleEndian(value.Span).ToString(),
                4 when type is 25 or 30 or 31 => BinaryPrimitives.ReadUInt32LittleEndian(value.Span).ToString(),
                12 when type is >= 9 and <= 12 => $"{BinaryPrimitives.ReadInt64LittleEndian(value.Span)}.{BinaryPrimitives.ReadUInt32LittleEndian(value.Span[8..]):d9}",
                16 when type is 1 or 20 => Convert.ToHexStringLower(value.Span),
                _ when type is DataAttribute or 14 => $"({value.Length} bytes {Convert.ToHexStringLower(value.Span[..Math.Min(8, value.Length)])})",
                _ => OperationLog.Show(value.Span),
            };
            text.Append(' ').Append(name).Append('=').Append(shown);
        }

        return text.ToString();
    }

    private IEnumerable<(int Type, ReadOnlyMemory<byte> Value)> Attributes(int version)
    {
        ReadOnlyMemory<byte> rest = Body;
        while (rest.Length >= 4)
        {
            int type = BinaryPrimitives.ReadUInt16LittleEndian(rest.Span);
            // From version 2 on data has no length: it runs to the end of the command.
            bool unbounded = version >= 2 && type == DataAttribute;
            int header = unbounded ? 2 : 4;
            int length = unbounded ? rest.Length - 2 : BinaryPrimitives.ReadUInt16LittleEndian(rest.Span[2..]);
            length = Math.Min(length, rest.Length - header);
            yield return (type, rest.Slice(header, length));
            rest = rest[(header + length)..];
        }
    }
}

/// <summary>Cuts a send stream into commands: as much as a report of a difference needs, no checks.</summary>
internal static class StreamScanner
{
    private const int StreamHeaderSize = 17;
    private const int CommandHeaderSize = 10;

    public static int Version(ReadOnlySpan<byte> stream) =>
        stream.Length < StreamHeaderSize ? 0 : BinaryPrimitives.ReadInt32LittleEndian(stream[13..]);

    public static IEnumerable<ScannedCommand> Scan(ReadOnlyMemory<byte> stream)
    {
        int offset = StreamHeaderSize;
        while (offset + CommandHeaderSize <= stream.Length)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(stream.Span[offset..]);
            int number = BinaryPrimitives.ReadUInt16LittleEndian(stream.Span[(offset + 4)..]);
            int bodyStart = offset + CommandHeaderSize;
            int bodyLength = Math.Clamp(length, 0, stream.Length - bodyStart);
            yield return new ScannedCommand(offset, number, stream.Slice(bodyStart, bodyLength));
            offset = bodyStart + bodyLength;
        }
    }
}
