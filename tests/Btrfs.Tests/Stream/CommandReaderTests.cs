using Btrfs.Stream;

namespace Btrfs.Tests.Stream;

public sealed class CommandReaderTests
{
    private static readonly byte[] s_path = RawStream.Attribute(15, "a"u8);

    [Test]
    public void Every_command_comes_back_as_it_was_written([Values(1, 2, 3)] int version, [Values(1, 7, int.MaxValue)] int chunkBytes)
    {
        CommandReader reader = new(new ChunkedSource(SampleStreams.EveryCommand(version), chunkBytes));
        long offset = StreamFormat.StreamHeaderBytes;
        List<CommandType> seen = [];
        while (reader.Read())
        {
            StreamCommand command = reader.Current;
            seen.Add(command.Type);
            Assert.That(command.Offset, Is.EqualTo(offset));
            offset += command.Length;
            foreach (ExpectedAttribute attribute in CommandTable.Find(command.Type)!.Attributes)
            {
                if (attribute.Type != AttributeType.Otime || version >= 2)
                    AssertSample(command, attribute.Type);
            }
        }

        IEnumerable<CommandType> expected = CommandTable.All.ToArray().Where(d => d.SinceVersion <= version && d.Type != CommandType.End).Select(d => d.Type);
        Assert.That(seen, Is.EqualTo(expected.Append(CommandType.End)));
        Assert.That((reader.Version, reader.StreamCount), Is.EqualTo((version, 1)));
    }

    [Test]
    public void The_command_table_follows_its_numbers()
    {
        foreach (CommandDefinition definition in CommandTable.All)
            Assert.That(CommandTable.Find(definition.Type), Is.SameAs(definition));

        Assert.That(CommandTable.All.Length, Is.EqualTo(26));
        Assert.That(CommandTable.Find(CommandType.Unspec), Is.Null);
        Assert.That(CommandTable.Find((CommandType)27), Is.Null);
        Assert.That(CommandTable.NameOf(CommandType.RemoveXattr), Is.EqualTo("remove_xattr"));
        Assert.That(CommandTable.NameOf((CommandType)99), Is.EqualTo("command 99"));
        Assert.That(AttributeTable.NameOf(AttributeType.UnencodedFileLen), Is.EqualTo("unencoded_file_len"));
    }

    [Test]
    public void Streams_may_follow_one_another()
    {
        CommandReader reader = new(new MemoryStream(GoldenStreams.Read("two-streams-v2")));
        List<(int, CommandType)> firstsAndEnds = [];
        while (reader.Read())
        {
            if (reader.Current.Type is CommandType.Subvol or CommandType.Snapshot or CommandType.End)
                firstsAndEnds.Add((reader.StreamCount, reader.Current.Type));
        }

        Assert.That(firstsAndEnds, Is.EqualTo(new[] { (1, CommandType.Snapshot), (1, CommandType.End), (2, CommandType.Snapshot), (2, CommandType.End) }));
    }

    [Test]
    public void Streams_of_different_versions_may_follow_one_another()
    {
        CommandReader reader = new(new MemoryStream([.. SampleStreams.EveryCommand(1), .. SampleStreams.EveryCommand(2), .. SampleStreams.EveryCommand(1)]));
        while (reader.Read())
        {
            if (reader.Current.Type == CommandType.Write)
                AssertSample(reader.Current, AttributeType.Data);
        }

        Assert.That((reader.Version, reader.StreamCount), Is.EqualTo((1, 3)));
    }

    private static IEnumerable<TestCaseData> Malformed()
    {
        yield return Case("an empty input", Array.Empty<byte>(), "stream offset 0: the input is empty");
        yield return Case("half a header", New().Header(1).ToArray()[..9], "stream offset 0: truncated: a stream header has 17 bytes, 9 are left");
        yield return Case("less than a header, and not its begin", New().Bytes("hello\n"u8), "stream offset 0: not a send stream: the magic is missing");
        yield return Case("no magic", New().Bytes("btrfs-strEam\0\u0001\0\0\0"u8), "stream offset 0: not a send stream: the magic is missing");
        yield return Case("version 0", New().Header(0), "stream offset 0: stream version 0 is not supported, 1 to 3 are");
        yield return Case("version 4", New().Header(4), "stream offset 0: stream version 4 is not supported, 1 to 3 are");
        yield return Case("version 2^32-1", New().Header(uint.MaxValue), "stream offset 0: stream version 4294967295 is not supported, 1 to 3 are");
        yield return Case("no end", New().Header(1), "stream offset 17: truncated: the stream has no end command");
        yield return Case("garbage after the end", New().Header(1).End().Bytes("12345678901234567"u8), "stream offset 27: no stream header follows the end of a stream");
        yield return Case("a bit of garbage after the end", New().Header(1).End().Bytes(0), "stream offset 27: no stream header follows the end of a stream");
        yield return Case("half a command header", New().Header(1).Bytes(1, 2, 3), "stream offset 17: truncated: a command header has 10 bytes, 3 are left");
        yield return Case("half a command", New().Header(1).Bytes(5, 0, 0, 0, 12, 0, 0, 0, 0, 0, 1, 2), "stream offset 17, rmdir: truncated: the command has 15 bytes, 12 are left");
        yield return Case("a command of 4 GiB", New().Header(2).Bytes(255, 255, 255, 255, 15, 0, 0, 0, 0, 0), "stream offset 17, write: command of 4294967305 bytes exceeds the limit of 16777216");
        yield return Case("a wrong crc", New().Header(1).Bytes(0, 0, 0, 0, 21, 0, 0x50, 0x6c, 0xc9, 0x9c), "stream offset 17, end: crc32c is 0x9dc96c50, the command says 0x9cc96c50");
        yield return Case("an unknown command", New().Header(1).Command(27), "stream offset 17, command 27: unknown command");
        yield return Case("command 0", New().Header(1).Command(0), "stream offset 17, command 0: unknown command");
        yield return Case("attribute 0", New().Header(1).Command(12, s_path, RawStream.Attribute(0)), "stream offset 17, rmdir: unknown attribute 0");
        yield return Case("attribute 36", New().Header(3).Command(12, s_path, RawStream.Attribute(36)), "stream offset 17, rmdir: unknown attribute 36");
        yield return Case("attribute 65535", New().Header(3).Command(12, s_path, RawStream.Attribute(65535)), "stream offset 17, rmdir: unknown attribute 65535");
        yield return Case("a missing attribute", New().Header(1).Command(17, s_path), "stream offset 17, truncate: size is missing");
        yield return Case("no attribute", New().Header(1).Command(12), "stream offset 17, rmdir: path is missing");
        yield return Case("an attribute twice", New().Header(1).Command(12, s_path, s_path), "stream offset 17, rmdir: path occurs twice");
        yield return Case("a short number", New().Header(1).Command(17, s_path, RawStream.Attribute(4, 1, 2, 3, 4)), "stream offset 17, truncate: size has 4 bytes instead of 8");
        yield return Case("a short uuid", New().Header(1).Command(1, s_path, RawStream.Attribute(1, new byte[15]), RawStream.U64(2, 1)), "stream offset 17, subvol: uuid has 15 bytes instead of 16");
        yield return Case("a long time", New().Header(1).Command(20, s_path, RawStream.Attribute(9, new byte[16])), "stream offset 17, utimes: ctime has 16 bytes instead of 12");
        yield return Case("a nul in a path", New().Header(1).Command(12, RawStream.Attribute(15, "a\0b"u8)), "stream offset 17, rmdir: path contains a nul byte");
        yield return Case("half an attribute header", New().Header(1).Command(12, s_path, [1, 0, 2]), "stream offset 17, rmdir: attribute header at byte 15 runs over the end of the command");
        yield return Case("one byte too much", New().Header(2).Command(12, s_path, [19]), "stream offset 17, rmdir: attribute header at byte 15 runs over the end of the command");
        yield return Case("an attribute over the end", New().Header(1).Command(12, RawStream.Attribute(15, 2, "a"u8)), "stream offset 17, rmdir: path of 2 bytes runs over the end of the command, 1 are left");
        yield return Case("v1 data over the end", New().Header(1).Command(15, s_path, RawStream.U64(18, 0), [19, 0, 5, 0, 1]), "stream offset 17, write: data of 5 bytes runs over the end of the command, 1 are left");
        yield return Case("v2 data that is not last", New().Header(2).Command(15, s_path, [19, 0, 1, 2], RawStream.U64(18, 0)), "stream offset 17, write: file_offset is missing");
        yield return Case("an unknown command later", New().Header(1).Command(12, s_path).Command(99), "stream offset 32, command 99: unknown command");

        static RawStream New() => new();
        static TestCaseData Case(string name, object stream, string message) =>
            new TestCaseData(stream is RawStream raw ? raw.ToArray() : (byte[])stream, message).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Malformed))]
    public void What_breaks_the_format_is_named_with_its_place(byte[] stream, string message)
    {
        CommandReader reader = new(new MemoryStream(stream));

        Assert.That(() => ReadAll(reader), Throws.TypeOf<StreamFormatException>().With.Message.EqualTo(message));
        Assert.That(() => ReadAll(reader), Throws.TypeOf<StreamFormatException>().With.Message.EqualTo(message), "and stays so");
        Assert.That(() => reader.Current.Length, Throws.InvalidOperationException);
    }

    [Test]
    public void What_btrfs_progs_accepts_is_accepted()
    {
        byte[] stream = new RawStream().Header(1)
            .Command(17, RawStream.U64(4, 1), RawStream.U64(5, 2), s_path) // Another order, and a mode too many.
            .Command(24, RawStream.U64(26, 16), s_path) // Of version 2.
            .Command(21, s_path)
            .ToArray();

        Assert.That(ReadAll(new CommandReader(new MemoryStream(stream))), Is.EqualTo(3));
    }

    [Test]
    public void Unknown_commands_are_skipped_on_request_but_not_their_crc()
    {
        CommandReaderOptions options = new() { SkipUnknownCommands = true };
        byte[] stream = new RawStream().Header(2).Command(99, [1, 2, 3]).Command(100).Command(12, s_path).Command(101).End().ToArray();
        Assert.That(ReadAll(new CommandReader(new MemoryStream(stream), options)), Is.EqualTo(2));

        stream[StreamFormat.StreamHeaderBytes + StreamFormat.CommandHeaderBytes] ^= 1;
        Assert.That(() => ReadAll(new CommandReader(new MemoryStream(stream), options)), Throws.TypeOf<StreamFormatException>().With.Message.Contains("crc32c"));
    }

    [Test]
    public void A_command_far_larger_than_the_buffer_is_read()
    {
        byte[] data = new byte[5_000_000];
        new Random(1).NextBytes(data);
        byte[] stream = new RawStream().Header(2).Command(12, s_path).Command(15, s_path, RawStream.U64(18, 0), [19, 0, .. data]).End().ToArray();
        CommandReader reader = new(new ChunkedSource(stream, 100_000));

        Assert.That(reader.Read() && reader.Read(), Is.True);
        Assert.That(reader.Current.GetBytes(AttributeType.Data).SequenceEqual(data), Is.True);
        Assert.That(ReadAll(reader), Is.EqualTo(1));
    }

    [Test]
    public void The_limit_on_a_command_is_exact()
    {
        byte[] stream = new RawStream().Header(2).Command(12, RawStream.Attribute(15, new byte[100].Select(_ => (byte)'a').ToArray())).End().ToArray();

        Assert.That(ReadAll(new CommandReader(new MemoryStream(stream), new CommandReaderOptions { MaxCommandBytes = 114 })), Is.EqualTo(2));
        Assert.That(() => ReadAll(new CommandReader(new MemoryStream(stream), new CommandReaderOptions { MaxCommandBytes = 113 })),
            Throws.TypeOf<StreamFormatException>().With.Message.EqualTo("stream offset 17, rmdir: command of 114 bytes exceeds the limit of 113"));
    }

    [Test]
    public void A_lying_length_takes_no_memory()
    {
        byte[] stream = new RawStream().Header(2).Bytes(0, 0, 255, 0, 15, 0, 0, 0, 0, 0, 1, 2, 3).ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.That(() => ReadAll(new CommandReader(new MemoryStream(stream))), Throws.TypeOf<StreamFormatException>());

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(500_000));
    }

    [Test]
    public void Commands_are_read_without_allocating()
    {
        byte[] stream = SampleStreams.Build(2, w =>
        {
            for (int i = 0; i < 40_000; i++)
            {
                SampleStreams.Utimes(w, i);
                SampleStreams.Write(w, "name"u8, 0, "some data"u8);
            }
        });
        CommandReader reader = new(new MemoryStream(stream));
        reader.Read();
        // The buffer has its usual size when the first MiB is read.
        while (reader.Current.Offset < 1024 * 1024)
            reader.Read();
        int count = 0;
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 10_000; i++)
                count += reader.Read() ? 1 : 0;
        });
        Assert.That(count, Is.GreaterThanOrEqualTo(20_000));
    }

    [Test]
    public void Optional_attributes_are_asked_for_and_mistaken_kinds_are_refused()
    {
        CommandReader reader = new(new MemoryStream(SampleStreams.Build(1, w => SampleStreams.Utimes(w, -5))));
        reader.Read();

        Assert.That(reader.Current.Has(AttributeType.Otime), Is.False);
        Assert.That(reader.Current.TryGetTime(AttributeType.Otime, out _), Is.False);
        Assert.That(reader.Current.TryGetTime(AttributeType.Atime, out StreamTime time), Is.True);
        Assert.That(time, Is.EqualTo(new StreamTime(-5, uint.MaxValue)));
        Assert.That(reader.Current.TryGetU64(AttributeType.Ino, out _), Is.False);
        Assert.That(reader.Current.TryGetU32(AttributeType.Compression, out _), Is.False);
        Assert.That(() => reader.Current.GetTime(AttributeType.Otime), Throws.TypeOf<StreamFormatException>());
        Assert.That(() => reader.Current.GetU64(AttributeType.Atime), Throws.ArgumentException);
        Assert.That(() => reader.Current.GetU32((AttributeType)77), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private static int ReadAll(CommandReader reader)
    {
        int count = 0;
        while (reader.Read())
            count++;

        return count;
    }

    private static void AssertSample(in StreamCommand command, AttributeType type)
    {
        switch (AttributeTable.KindOf(type))
        {
            case AttributeKind.U8:
                Assert.That(command.GetU8(type), Is.EqualTo((byte)SampleStreams.SampleNumber(type)));
                break;
            case AttributeKind.U32:
                Assert.That(command.GetU32(type), Is.EqualTo((uint)SampleStreams.SampleNumber(type)));
                break;
            case AttributeKind.U64:
                Assert.That(command.GetU64(type), Is.EqualTo(SampleStreams.SampleNumber(type)));
                break;
            case AttributeKind.Uuid:
                Assert.That(command.GetUuid(type).ToArray(), Is.EqualTo(SampleStreams.SampleUuid(type)));
                break;
            case AttributeKind.Time:
                Assert.That(command.GetTime(type), Is.EqualTo(SampleStreams.SampleTime(type)));
                break;
            default:
                Assert.That(command.GetBytes(type).ToArray(), Is.EqualTo(SampleStreams.SampleBytes(type)));
                break;
        }
    }

    /// <summary>Gives at most so many bytes a read, as a pipe may.</summary>
    private sealed class ChunkedSource(byte[] bytes, int chunkBytes) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, chunkBytes));
    }
}
