using System.Text;
using Btrfs.Stream;

namespace Btrfs.Tests.Stream;

/// <summary>Streams made by the writer, of which the installed btrfs-progs printed the golden dumps.</summary>
internal static class SampleStreams
{
    private static readonly byte[] s_uuid = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    private static readonly byte[] s_otherUuid = [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 0xff];

    /// <summary>A stream made by the given calls between its header and its end.</summary>
    public static byte[] Build(int version, Action<CommandWriter> body)
    {
        MemoryStream sink = new();
        CommandWriter writer = new(sink, version);
        writer.WriteHeader();
        body(writer);
        Put(writer, CommandType.End);
        writer.Flush();
        return sink.ToArray();
    }

    /// <summary>Every command that a stream of this version has, each with every attribute of the table.</summary>
    public static byte[] EveryCommand(int version) => Build(version, w =>
    {
        foreach (CommandDefinition definition in CommandTable.All)
        {
            if (definition.SinceVersion > version || definition.Type == CommandType.End)
                continue;

            w.Begin(definition.Type);
            foreach (ExpectedAttribute attribute in definition.Attributes)
            {
                if (attribute.Type != AttributeType.Otime || version >= 2)
                    PutSample(w, attribute.Type);
            }

            w.End();
        }
    });

    /// <summary>The sample value of a text or bytes attribute.</summary>
    public static byte[] SampleBytes(AttributeType type) => Encoding.UTF8.GetBytes($"{AttributeTable.NameOf(type)} of caf\u00e9");

    /// <summary>The sample value of a number.</summary>
    public static ulong SampleNumber(AttributeType type) => OfPrintedSize(type, 0x1234567890ul * (ulong)type);

    /// <summary>btrfs-progs 6.2 prints the length of a clone wrongly from 2^31 on, far above what any sender clones at once.</summary>
    public static ulong OfPrintedSize(AttributeType type, ulong value) => type == AttributeType.CloneLen ? value & int.MaxValue : value;

    /// <summary>The sample value of a time.</summary>
    public static StreamTime SampleTime(AttributeType type) => new(1_700_000_000L * ((long)type - 10), 123_456_789);

    public static byte[] SampleUuid(AttributeType type) => type == AttributeType.Uuid ? s_uuid : s_otherUuid;

    /// <summary>Names, paths, times and orders that the kernel does not send but btrfs-progs prints.</summary>
    public static byte[] EdgeCases() => Build(2, w =>
    {
        Truncate(w, "before any subvolume"u8);
        foreach (string name in new[] { "", "/", "//", "/abs", "a/b", "a/", ".." })
        {
            Subvolume(w, Encoding.UTF8.GetBytes(name));
            Truncate(w, "p"u8);
        }

        Subvolume(w, "sub"u8);
        for (int c = 1; c < 256; c++)
            Link(w, CommandType.Symlink, [(byte)c, (byte)'x'], [(byte)c]);
        for (int length = 20; length < 34; length++)
            Truncate(w, new string('f', length).Select(c => (byte)c).ToArray());
        foreach (string path in new[] { "", "/", "//", "/a", "a/", "a//", "//a//", "../a", ".", "a//b/./c" })
        {
            byte[] bytes = Encoding.UTF8.GetBytes(path);
            Truncate(w, bytes);
            Link(w, CommandType.Link, bytes, bytes);
            Rename(w, bytes, bytes);
            Clone(w, bytes, bytes);
        }

        Clone(w, "a b"u8, "from\nhere\xff\x01"u8);
        Truncate(w, LongPath(4088));
        Rename(w, LongPath(4088), LongPath(4088));
        Link(w, CommandType.Link, "a"u8, LongPath(9000));
        Xattr(w, "user.x\xff\n"u8, "\xff\n b\0c"u8);
        Xattr(w, ""u8, ""u8);
        foreach (long seconds in new[]
                 {
                     0, -1, 951_782_399, 951_782_400, 4_107_542_400, -62_135_596_800, -62_135_596_801, -62_167_219_201, -100_000_000_000_000,
                     253_402_300_799, 253_402_300_800, 1L << 40, 67_768_036_191_676_799, -67_768_040_609_740_800,
                 })
            Utimes(w, seconds);

        w.Begin(CommandType.Write);
        w.PutU64(AttributeType.FileOffset, ulong.MaxValue);
        w.PutBytes(AttributeType.Path, "another order"u8);
        w.PutDataHeader(0);
        w.End();
        w.Begin(CommandType.EncodedWrite);
        w.PutBytes(AttributeType.Path, "neither compressed nor encrypted"u8);
        w.PutU64(AttributeType.FileOffset, 1);
        w.PutU64(AttributeType.UnencodedFileLen, 2);
        w.PutU64(AttributeType.UnencodedLen, 3);
        w.PutU64(AttributeType.UnencodedOffset, 4);
        w.PutDataHeader(3).Clear();
        w.End();
        w.Begin(CommandType.Mkfifo);
        w.PutBytes(AttributeType.Path, "no device"u8);
        w.PutU64(AttributeType.Ino, 1);
        w.End();
    });

    public static byte[] LongPath(int length)
    {
        byte[] path = new byte[length];
        path.AsSpan().Fill((byte)'l');
        return path;
    }

    public static void Put(CommandWriter writer, CommandType type)
    {
        writer.Begin(type);
        writer.End();
    }

    public static void Subvolume(CommandWriter writer, ReadOnlySpan<byte> name)
    {
        writer.Begin(CommandType.Subvol);
        writer.PutBytes(AttributeType.Path, name);
        writer.PutUuid(AttributeType.Uuid, s_uuid);
        writer.PutU64(AttributeType.Ctransid, 7);
        writer.End();
    }

    public static void Truncate(CommandWriter writer, ReadOnlySpan<byte> path)
    {
        writer.Begin(CommandType.Truncate);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutU64(AttributeType.Size, ulong.MaxValue);
        writer.End();
    }

    public static void Write(CommandWriter writer, ReadOnlySpan<byte> path, ulong offset, ReadOnlySpan<byte> data)
    {
        writer.Begin(CommandType.Write);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutU64(AttributeType.FileOffset, offset);
        data.CopyTo(writer.PutDataHeader(data.Length));
        writer.End();
    }

    public static void Utimes(CommandWriter writer, long seconds)
    {
        writer.Begin(CommandType.Utimes);
        writer.PutBytes(AttributeType.Path, "t"u8);
        writer.PutTime(AttributeType.Atime, seconds, uint.MaxValue);
        writer.PutTime(AttributeType.Mtime, seconds, 0);
        writer.PutTime(AttributeType.Ctime, 0, 0);
        writer.End();
    }

    public static void Rename(CommandWriter writer, ReadOnlySpan<byte> path, ReadOnlySpan<byte> target)
    {
        writer.Begin(CommandType.Rename);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutBytes(AttributeType.PathTo, target);
        writer.End();
    }

    private static void Link(CommandWriter writer, CommandType type, ReadOnlySpan<byte> path, ReadOnlySpan<byte> target)
    {
        writer.Begin(type);
        writer.PutBytes(AttributeType.Path, path);
        if (type == CommandType.Symlink)
            writer.PutU64(AttributeType.Ino, 300);
        writer.PutBytes(AttributeType.PathLink, target);
        writer.End();
    }

    private static void Clone(CommandWriter writer, ReadOnlySpan<byte> path, ReadOnlySpan<byte> source)
    {
        writer.Begin(CommandType.Clone);
        writer.PutU64(AttributeType.FileOffset, 4096);
        writer.PutU64(AttributeType.CloneLen, 8192);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutUuid(AttributeType.CloneUuid, s_uuid);
        writer.PutU64(AttributeType.CloneCtransid, 7);
        writer.PutBytes(AttributeType.ClonePath, source);
        writer.PutU64(AttributeType.CloneOffset, 99);
        writer.End();
    }

    private static void Xattr(CommandWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        writer.Begin(CommandType.SetXattr);
        writer.PutBytes(AttributeType.Path, "x"u8);
        writer.PutBytes(AttributeType.XattrName, name);
        writer.PutBytes(AttributeType.XattrData, data);
        writer.End();
    }

    private static void PutSample(CommandWriter writer, AttributeType type)
    {
        switch (AttributeTable.KindOf(type))
        {
            case AttributeKind.U8:
                writer.PutU8(type, (byte)SampleNumber(type));
                break;
            case AttributeKind.U32:
                writer.PutU32(type, (uint)SampleNumber(type));
                break;
            case AttributeKind.U64:
                writer.PutU64(type, SampleNumber(type));
                break;
            case AttributeKind.Uuid:
                writer.PutUuid(type, SampleUuid(type));
                break;
            case AttributeKind.Time:
                StreamTime time = SampleTime(type);
                writer.PutTime(type, time.Seconds, time.Nanoseconds);
                break;
            case AttributeKind.Bytes when type == AttributeType.Data:
                byte[] data = SampleBytes(type);
                data.CopyTo(writer.PutDataHeader(data.Length));
                break;
            default:
                writer.PutBytes(type, SampleBytes(type));
                break;
        }
    }
}
