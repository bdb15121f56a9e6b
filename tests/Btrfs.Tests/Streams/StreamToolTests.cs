using System.Text;
using System.Text.Json;
using Btrfs.Cli.Host;
using Btrfs.LoopTests.Reading;
using Btrfs.Stream;
using Btrfs.Stream.Dump;
using Btrfs.Stream.Info;
using Btrfs.Stream.Verify;
using Btrfs.Tests.Stream;

namespace Btrfs.Tests.Streams;

/// <summary>What the tools tell of streams.</summary>
public sealed class StreamToolTests
{
    [Test]
    public void Every_attribute_of_every_command_is_in_the_JSON_and_nothing_is_lost([Values(1, 2, 3)] int version)
    {
        byte[] stream = SampleStreams.EveryCommand(version);
        List<JsonElement> lines = Json(stream, withData: true);
        Assert.That(lines[0].GetProperty("version").GetInt32(), Is.EqualTo(version));
        CommandReader reader = new(new MemoryStream(stream));
        for (int i = 1; reader.Read(); i++)
        {
            StreamCommand command = reader.Current;
            Assert.That(lines[i].GetProperty("offset").GetInt64(), Is.EqualTo(command.Offset));
            Assert.That(lines[i].GetProperty("command").GetString(), Is.EqualTo(CommandTable.NameOf(command.Type)));
            JsonElement attributes = lines[i].GetProperty("attributes");
            int count = 0;
            for (AttributeType type = AttributeType.Uuid; (int)type < AttributeTable.Count; type++)
            {
                if (!command.Has(type))
                    continue;
                count++;
                Assert.That(Bytes(attributes.GetProperty(AttributeTable.NameOf(type)), type), Is.EqualTo(command.GetBytes(type).ToArray()), $"{command.Type} {type}");
            }

            Assert.That(attributes.EnumerateObject().Count(), Is.EqualTo(count));
        }
    }

    [Test]
    public void Names_that_are_not_UTF8_come_as_base64_and_data_as_its_checksum()
    {
        byte[] stream = SampleStreams.Build(2, w =>
        {
            SampleStreams.Subvolume(w, "s"u8);
            SampleStreams.Write(w, [0x61, 0xFF, 0x0A], 5, "123456789"u8);
        });
        JsonElement attributes = Json(stream, withData: false)[2].GetProperty("attributes");
        Assert.That(attributes.GetProperty("path").GetProperty("base64").GetBytesFromBase64(), Is.EqualTo(new byte[] { 0x61, 0xFF, 0x0A }));
        Assert.That(attributes.GetProperty("data").GetRawText(), Is.EqualTo("{\"length\":9,\"crc32c\":\"e3069283\"}"));
    }

    [TestCaseSource(typeof(GoldenStreams), nameof(GoldenStreams.Kernel))]
    public void A_survey_adds_up_to_the_whole_input(string name)
    {
        byte[] stream = GoldenStreams.Read(name);
        List<SubvolumeSummary> subvolumes = [.. StreamSurvey.Read(new MemoryStream(stream))];
        VerifiedStreams verified = StreamVerifier.Verify(new MemoryStream(stream));
        Assert.That(subvolumes.Sum(subvolume => subvolume.StreamBytes), Is.EqualTo(stream.Length).And.EqualTo(verified.Bytes));
        Assert.That(subvolumes.Sum(subvolume => subvolume.Commands), Is.EqualTo(verified.Commands));
        Assert.That(subvolumes, Has.Count.EqualTo((int)verified.Subvolumes));
        Assert.That(subvolumes.Select(subvolume => subvolume.Offset), Is.Ordered);
        Assert.That(subvolumes[0].ParentUuid.HasValue, Is.EqualTo(name.StartsWith("incremental", StringComparison.Ordinal) || name == "two-streams-v2"));
    }

    [Test]
    public void A_file_that_is_read_ahead_is_the_same_as_one_that_is_not([Values(0, 1, 1 << 20, (1 << 20) + 1, 5_000_000)] int length)
    {
        string path = Path.GetTempFileName();
        try
        {
            byte[] bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            File.WriteAllBytes(path, bytes);
            using System.IO.Stream input = ReadAheadStream.Open(path);
            using MemoryStream read = new();
            input.CopyTo(read);
            Assert.That(read.ToArray().AsSpan().SequenceEqual(bytes), Is.True);
            Assert.That(input.ReadByte(), Is.EqualTo(-1));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void Commands_of_all_sizes_are_read_across_the_blocks_of_a_file()
    {
        Random random = TestSeed.Random();
        RawStream raw = new RawStream().Header(2);
        List<int> sizes = [];
        byte[] uuid = RawStream.Attribute((int)AttributeType.Uuid, new byte[16]);
        raw.Command((int)CommandType.Subvol, RawStream.Attribute((int)AttributeType.Path, "s"u8), uuid, RawStream.U64((int)AttributeType.Ctransid, 1));
        for (int total = 0; total < 6_000_000; total += sizes[^1])
        {
            sizes.Add(random.Next(20) == 0 ? random.Next(3_000_000) : random.Next(200_000));
            byte[] data = new byte[2 + sizes[^1]];
            data[0] = (byte)AttributeType.Data;
            raw.Command((int)CommandType.Write, RawStream.Attribute((int)AttributeType.Path, "f"u8), RawStream.U64((int)AttributeType.FileOffset, 0), data);
        }

        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, raw.End().ToArray());
            using System.IO.Stream input = ReadAheadStream.Open(path);
            Assert.That(input, Is.TypeOf<ReadAheadStream>());
            CommandReader reader = new(input);
            List<int> found = [];
            while (reader.Read())
            {
                if (reader.Current.Type == CommandType.Write)
                    found.Add(reader.Current.GetBytes(AttributeType.Data).Length);
            }

            Assert.That(found, Is.EqualTo(sizes));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void A_walk_finds_whole_commands_however_the_stream_is_cut_and_none_that_is_damaged([Values(3, 7, 64, 1000)] int blockBytes)
    {
        RawStream raw = new RawStream().Header(1);
        Random random = new(blockBytes);
        List<int> ends = [StreamFormat.StreamHeaderBytes];
        for (int i = 0; i < 200; i++)
        {
            raw.Command((int)CommandType.SetXattr, RawStream.Attribute((int)AttributeType.XattrData, new byte[random.Next(60)]));
            ends.Add(raw.ToArray().Length);
        }

        byte[] bytes = raw.ToArray();
        int damaged = ends[100] + StreamFormat.CommandHeaderBytes;
        bytes[damaged] ^= 1;
        CommandWalk walk = new();
        for (int begin = 0; begin < bytes.Length; begin += blockBytes)
        {
            ReadOnlySpan<byte> block = bytes.AsSpan(begin, Math.Min(blockBytes, bytes.Length - begin));
            int blockEnd = begin + block.Length;
            (int start, int end) = walk.Pass(block);
            int right = start + CommandWalk.Verify(block[start..end]);

            int[] bounds = [0, .. ends];
            int firstBound = bounds.Where(bound => bound >= begin).Append(blockEnd).Min();
            int lastBound = bounds.Where(bound => bound <= blockEnd && bound >= firstBound).DefaultIfEmpty(begin + start).Max();
            Assert.That(start == end || begin + start == firstBound, $"block at {begin}");
            Assert.That(begin + end, Is.EqualTo(lastBound), $"block at {begin}");
            bool holdsDamage = begin + start <= ends[100] && begin + end > damaged;
            Assert.That(begin + right, Is.EqualTo(holdsDamage ? ends[100] : begin + end), $"block at {begin}");
        }
    }

    [Test]
    public void Progress_tells_percent_rate_and_time_left()
    {
        ProgressLine line = new("sent", totalBytes: 100 << 20);
        Assert.That(line.Describe(TimeSpan.FromSeconds(10), 25 << 20), Is.EqualTo("25.00MiB sent of 100.00MiB (25.0%), 2.50MiB/s, 0:00:30 left"));
        Assert.That(new ProgressLine("received", totalBytes: null).Describe(TimeSpan.FromSeconds(2), 4 << 20), Is.EqualTo("4.00MiB received, 2.00MiB/s"));
    }

    [TestCase("stream", "a command is missing")]
    [TestCase("stream dump --data", "--data needs --json")]
    [TestCase("stream dump --frob", "unknown option '--frob'")]
    [TestCase("stream verify --against IMAGE snap", "FILE is missing")]
    [TestCase("send --resume 12 IMAGE snap", "'12' is not a resume token")]
    public void Wrong_use_is_told(string line, string error) =>
        Assert.That(EngineCommand.Run(line.Split(' ')), Is.EqualTo((2, $"ERROR: {error}\nTry 'btrfs-engine {string.Join(' ', line.Split(' ').Take(line.StartsWith("stream ", StringComparison.Ordinal) ? 2 : 1))} --help' for more information.\n")));

    [Test]
    public void The_commands_end_with_1_where_a_stream_is_broken_and_say_where()
    {
        string path = Path.GetTempFileName();
        try
        {
            byte[] stream = GoldenStreams.Read("full-v1");
            stream[^20] ^= 1;
            File.WriteAllBytes(path, stream);
            foreach (string[] command in (string[][])[["verify"], ["info"], ["dump", "--json"]])
            {
                (int code, _, string errors) = EngineCommand.Finish(EngineCommand.Start(["stream", .. command, path]));
                Assert.That((code, errors), Is.EqualTo((1, errors)));
                Assert.That(errors, Does.Match("^ERROR: .*stream offset [0-9]+, [a-z]+: crc32c is 0x[0-9a-f]+, the command says 0x[0-9a-f]+\n$"));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static List<JsonElement> Json(byte[] stream, bool withData)
    {
        using MemoryStream output = new();
        using (StreamJsonDumper dumper = new(output, withData))
            dumper.Dump(new MemoryStream(stream));
        return [.. Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    // The payload that a value stands for.
    private static byte[] Bytes(JsonElement value, AttributeType type) => AttributeTable.KindOf(type) switch
    {
        AttributeKind.U8 => [value.GetByte()],
        AttributeKind.U32 => BitConverter.GetBytes(value.GetUInt32()),
        AttributeKind.U64 => BitConverter.GetBytes(value.GetUInt64()),
        AttributeKind.Uuid => value.GetGuid().ToByteArray(bigEndian: true),
        AttributeKind.Time => [.. BitConverter.GetBytes(value.GetProperty("seconds").GetInt64()), .. BitConverter.GetBytes(value.GetProperty("nanoseconds").GetUInt32())],
        _ when value.ValueKind == JsonValueKind.String => Encoding.UTF8.GetBytes(value.GetString()!),
        _ => value.GetProperty("base64").GetBytesFromBase64(),
    };
}
