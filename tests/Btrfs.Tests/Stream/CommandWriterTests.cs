using Btrfs.Stream;

namespace Btrfs.Tests.Stream;

public sealed class CommandWriterTests
{
    private static readonly byte[] s_endCommand = [0, 0, 0, 0, 0x15, 0, 0x50, 0x6c, 0xc9, 0x9d];

    [Test]
    public void A_header_and_an_end_are_the_known_bytes([Values(1, 2, 3)] int version)
    {
        byte[] expected = [.. "btrfs-stream\0"u8, (byte)version, 0, 0, 0, .. s_endCommand];

        Assert.That(SampleStreams.Build(version, _ => { }), Is.EqualTo(expected));
    }

    [TestCaseSource(typeof(GoldenStreams), nameof(GoldenStreams.Kernel))]
    public void A_stream_of_the_kernel_is_written_again_byte_for_byte_from_the_order_of_the_command_table(string name)
    {
        byte[] original = GoldenStreams.Read(name);
        CommandReader reader = new(new MemoryStream(original));
        MemoryStream copy = new();
        CommandWriter? writer = null;
        int streams = 0;
        while (reader.Read())
        {
            writer ??= new CommandWriter(copy, reader.Version);
            if (reader.StreamCount != streams)
                writer.WriteHeader();
            streams = reader.StreamCount;
            CopyCommand(reader.Current, writer);
        }

        writer!.Flush();
        Assert.That(copy.ToArray().AsSpan().SequenceEqual(original), Is.True);
        Assert.That(writer.BytesWritten, Is.EqualTo(original.Length));
    }

    [Test]
    public void A_known_crc_of_the_data_gives_the_same_command_as_reading_it([Values(1, 2)] int version, [Values(0, 1, 7, 4096, 40_000)] int length)
    {
        byte[] data = Data(length);
        byte[] expected = SampleStreams.Build(version, w => SampleStreams.Write(w, "file"u8, 4096, data));

        byte[] actual = SampleStreams.Build(version, w =>
        {
            BeginWrite(w, "file"u8, 4096, length).Clear();
            w.Abandon();
            data.CopyTo(BeginWrite(w, "file"u8, 4096, length));
            w.End(RawStream.Crc(data));
        });

        Assert.That(actual, Is.EqualTo(expected));
    }

    [Test]
    public void Several_commands_can_wait_for_their_data([Values(1, 2)] int version)
    {
        byte[] data = Data(10_000);
        byte[] expected = SampleStreams.Build(version, w =>
        {
            for (int i = 0; i < 5; i++)
                SampleStreams.Write(w, "file"u8, (ulong)i * 10_000, data.AsSpan(i));
            SampleStreams.Truncate(w, "file"u8);
        });

        byte[] actual = SampleStreams.Build(version, w =>
        {
            PendingCommand[] pending = new PendingCommand[5];
            for (int i = 0; i < pending.Length; i++)
            {
                BeginWrite(w, "file"u8, (ulong)i * 10_000, data.Length - i).Clear();
                pending[i] = w.EndPending();
            }

            SampleStreams.Truncate(w, "file"u8);
            for (int i = pending.Length - 1; i >= 0; i--)
            {
                data.AsSpan(i).CopyTo(w.DataOf(pending[i]).Span);
                w.Complete(pending[i], RawStream.Crc(data.AsSpan(i)));
            }
        });

        Assert.That(actual, Is.EqualTo(expected));
    }

    [Test]
    public void Pending_commands_forbid_a_flush_until_they_are_complete()
    {
        MemoryStream sink = new();
        CommandWriter writer = new(sink, 2);
        List<PendingCommand> pending = [];
        while (writer.HasRoom)
        {
            BeginWrite(writer, "file"u8, 0, writer.MaxWriteBytes).Clear();
            pending.Add(writer.EndPending());
        }

        Assert.That(pending, Has.Count.EqualTo(7));
        Assert.That(() => writer.Begin(CommandType.End), Throws.InvalidOperationException);
        Assert.That(writer.Flush, Throws.InvalidOperationException.With.Message.EqualTo("7 pending commands must be completed first"));
        Assert.That(sink.Length, Is.Zero);
        foreach (PendingCommand command in pending)
            writer.Complete(command, 0);
        writer.Flush();
        Assert.That(sink.Length, Is.EqualTo(writer.BytesWritten));
        Assert.That(() => writer.Complete(pending[0], 0), Throws.InvalidOperationException);
    }

    [Test]
    public void An_abandoned_command_leaves_no_trace()
    {
        byte[] expected = SampleStreams.Build(2, w => SampleStreams.Truncate(w, "file"u8));
        long count = -1;

        byte[] actual = SampleStreams.Build(2, w =>
        {
            BeginWrite(w, "other"u8, 1, 100).Clear();
            w.Abandon();
            SampleStreams.Truncate(w, "file"u8);
            w.Begin(CommandType.Write);
            w.Abandon();
            count = w.CommandCount(CommandType.Write);
        });

        Assert.That(actual, Is.EqualTo(expected));
        Assert.That(count, Is.Zero);
    }

    [TestCase(1, 65536)]
    [TestCase(2, 147456)]
    [TestCase(3, 147456)]
    public void A_command_has_the_limit_of_the_kernel_and_not_a_byte_more(int version, int limit)
    {
        int headers = 10 + 12 + 4 + 4 + (version == 1 ? 4 : 2);
        int largest = limit - headers;
        byte[] stream = SampleStreams.Build(version, w =>
        {
            BeginWrite(w, "path"u8, 0, largest).Clear();
            w.End();
            long before = w.BytesWritten;
            Assert.That(() => BeginWrite(w, "path"u8, 0, largest + 1).Clear(), Throws.TypeOf<StreamFormatException>()
                .With.Message.EqualTo($"stream offset {before}, write: data of {largest + 1} bytes does not fit into a command of 30 bytes so far, the limit is {limit}")
                .And.Property(nameof(StreamFormatException.Command)).EqualTo(CommandType.Write));
            w.Abandon();
            Assert.That(w.BytesWritten, Is.EqualTo(before));
        });

        Assert.That(stream, Has.Length.EqualTo(17 + limit + 10));
    }

    [Test]
    public void An_attribute_with_a_length_field_has_at_most_65535_bytes()
    {
        CommandWriter writer = new(System.IO.Stream.Null, 2);
        writer.Begin(CommandType.SetXattr);

        Assert.That(() => writer.PutBytes(AttributeType.XattrData, new byte[65536]), Throws.TypeOf<StreamFormatException>());
        Assert.That(() => writer.PutBytes(AttributeType.XattrData, new byte[65535]), Throws.Nothing);
        Assert.That(() => writer.PutBytes(AttributeType.XattrData, new byte[65535]), Throws.Nothing);
        Assert.That(() => writer.PutBytes(AttributeType.XattrData, new byte[65535]), Throws.TypeOf<StreamFormatException>());
    }

    [TestCase(1, 49152)]
    [TestCase(2, 131072)]
    public void A_write_of_the_kernels_size_fits_with_the_longest_path(int version, int maxWrite)
    {
        CommandWriter writer = new(System.IO.Stream.Null, version);

        Assert.That(writer.MaxWriteBytes, Is.EqualTo(maxWrite));
        Assert.That(() => BeginWrite(writer, SampleStreams.LongPath(4095), 0, maxWrite).Clear(), Throws.Nothing);
    }

    [TestCase(1, CommandType.Fallocate)]
    [TestCase(1, CommandType.EncodedWrite)]
    [TestCase(2, CommandType.EnableVerity)]
    [TestCase(2, CommandType.Unspec)]
    [TestCase(3, (CommandType)27)]
    public void A_command_newer_than_the_stream_is_refused(int version, CommandType type)
    {
        CommandWriter writer = new(System.IO.Stream.Null, version);

        Assert.That(() => writer.Begin(type), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Versions_outside_of_1_to_3_are_refused([Values(0, 4, -1)] int version) =>
        Assert.That(() => new CommandWriter(System.IO.Stream.Null, version), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void Calls_out_of_order_are_refused()
    {
        CommandWriter writer = new(System.IO.Stream.Null, 2);
        Assert.That(writer.End, Throws.InvalidOperationException);
        Assert.That(writer.Abandon, Throws.InvalidOperationException);
        Assert.That(() => writer.PutU64(AttributeType.Ino, 1), Throws.InvalidOperationException);
        Assert.That(() => writer.PutDataHeader(1).Length, Throws.InvalidOperationException);

        writer.Begin(CommandType.Write);
        Assert.That(() => writer.Begin(CommandType.Write), Throws.InvalidOperationException);
        Assert.That(writer.WriteHeader, Throws.InvalidOperationException);
        Assert.That(writer.Flush, Throws.InvalidOperationException);
        Assert.That(() => writer.End(1), Throws.InvalidOperationException);
        Assert.That(() => writer.EndPending(), Throws.InvalidOperationException);
        Assert.That(() => writer.PutUuid(AttributeType.Uuid, new byte[15]), Throws.ArgumentException);
        Assert.That(() => writer.PutU64(AttributeType.Compression, 1), Throws.ArgumentException);
        Assert.That(() => writer.PutBytes(AttributeType.Data, "x"u8), Throws.ArgumentException);
        Assert.That(() => writer.PutBytes((AttributeType)36, "x"u8), Throws.InstanceOf<ArgumentOutOfRangeException>());

        writer.PutDataHeader(1).Clear();
        Assert.That(() => writer.PutBytes(AttributeType.Path, "p"u8), Throws.InvalidOperationException);
        Assert.That(() => writer.PutDataHeader(1).Length, Throws.InvalidOperationException);
    }

    [Test]
    public void A_failure_of_the_sink_comes_through_and_nothing_is_sent_again()
    {
        BrokenSink sink = new();
        CommandWriter writer = new(sink, 2);
        SampleStreams.Put(writer, CommandType.End);

        IOException? seen = Assert.Throws<IOException>(writer.Flush);
        Assert.That(seen, Is.SameAs(sink.Failure));
        Assert.That(writer.Flush, Throws.InvalidOperationException);
        Assert.That(sink.Writes, Is.EqualTo(1));
    }

    [Test]
    public void The_size_of_the_buffer_does_not_show_in_the_stream()
    {
        int seed = TestSeed.Number();
        Random random = new(seed);
        byte[] data = Data(131072);
        List<int> lengths = [.. Enumerable.Range(0, 60).Select(_ => random.Next(data.Length + 1))];
        byte[] small = WriteAll(0);
        byte[] large = WriteAll(32 * 1024 * 1024);

        Assert.That(small.AsSpan().SequenceEqual(large), Is.True, $"BTRFS_SEED={seed}");

        byte[] WriteAll(int bufferBytes)
        {
            MemoryStream sink = new();
            CommandWriter writer = new(sink, 2, bufferBytes);
            writer.WriteHeader();
            foreach (int length in lengths)
            {
                SampleStreams.Write(writer, "file"u8, 0, data.AsSpan(0, length));
                Assert.That(writer.BytesWritten, Is.GreaterThanOrEqualTo(sink.Length));
            }

            writer.Flush();
            Assert.That(writer.BytesWritten, Is.EqualTo(sink.Length));
            Assert.That(writer.CommandCount(CommandType.Write), Is.EqualTo(lengths.Count));
            return sink.ToArray();
        }
    }

    [Test]
    public void Commands_are_written_without_allocating()
    {
        CommandWriter writer = new(System.IO.Stream.Null, 2);
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 2000; i++)
            {
                SampleStreams.Subvolume(writer, "name"u8);
                SampleStreams.Utimes(writer, i);
                SampleStreams.Write(writer, "name"u8, 0, "some data"u8);
            }
        });
    }

    private static Span<byte> BeginWrite(CommandWriter writer, ReadOnlySpan<byte> path, ulong offset, int length)
    {
        writer.Begin(CommandType.Write);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutU64(AttributeType.FileOffset, offset);
        return writer.PutDataHeader(length);
    }

    private static void CopyCommand(in StreamCommand command, CommandWriter writer)
    {
        writer.Begin(command.Type);
        foreach (ExpectedAttribute attribute in CommandTable.Find(command.Type)!.Attributes)
        {
            if (!command.TryGetBytes(attribute.Type, out ReadOnlySpan<byte> payload))
                continue;
            if (attribute.Type == AttributeType.Data)
                payload.CopyTo(writer.PutDataHeader(payload.Length));
            else
                writer.PutBytes(attribute.Type, payload);
        }

        writer.End();
    }

    private static byte[] Data(int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }

    private sealed class BrokenSink : MemoryStream
    {
        public IOException Failure { get; } = new("broken pipe");

        public int Writes { get; private set; }

        public override void Write(byte[] buffer, int offset, int count)
        {
            Writes++;
            throw Failure;
        }
    }
}
