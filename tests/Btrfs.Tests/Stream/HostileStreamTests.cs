using System.Buffers.Binary;
using Btrfs.Stream;
using Btrfs.Stream.Dump;

namespace Btrfs.Tests.Stream;

public sealed class HostileStreamTests
{
    private const int Mutations = 8_000;

    [Test]
    public void Every_truncation_is_reported([Values(1, 2, 3)] int version)
    {
        byte[] stream = SampleStreams.EveryCommand(version);
        for (int length = 0; length < stream.Length; length++)
        {
            string? problem = Consume(stream[..length]);
            Assert.That(problem, Does.Contain(length == 0 ? "empty" : "truncated"), $"{length} of {stream.Length} bytes");
        }

        Assert.That(Consume(stream), Is.Null);
    }

    [Test]
    public void A_flipped_bit_anywhere_in_a_command_is_found_by_its_crc_or_earlier()
    {
        byte[] stream = SampleStreams.EveryCommand(2);
        for (int i = StreamFormat.StreamHeaderBytes; i < stream.Length; i++)
        {
            byte[] damaged = [.. stream];
            damaged[i] ^= 0x10;
            Assert.That(Consume(damaged), Is.Not.Null, $"byte {i}");
        }
    }

    [Test]
    public void Mutations_with_their_crc_made_right_end_in_success_or_one_clear_error()
    {
        int seed = TestSeed.Number();
        Random random = new(seed);
        byte[][] originals = [.. Enumerable.Range(1, 3).Select(SampleStreams.EveryCommand), .. Enumerable.Range(0, 10).Select(_ => RandomStreams.Build(random, random.Next(1, 4), 20))];
        int accepted = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Mutations; i++)
        {
            byte[] stream = Mutate(originals[random.Next(originals.Length)], random);
            try
            {
                if (Consume(stream) is null)
                    accepted++;
            }
            catch (Exception e) when (e is not StreamFormatException)
            {
                Assert.Fail($"BTRFS_SEED={seed}, mutation {i}: {e}");
            }
        }

        long perStream = (GC.GetAllocatedBytesForCurrentThread() - before) / Mutations;
        TestContext.Out.WriteLine($"{accepted} of {Mutations} accepted, {perStream} bytes allocated for each");
        Assert.That(accepted, Is.InRange(1, Mutations - 1));
        Assert.That(perStream, Is.LessThan(500_000));
    }

    // Reads and prints a stream; null or the message of its one error.
    private static string? Consume(byte[] stream)
    {
        string? problem = null;
        try
        {
            CommandReader reader = new(new MemoryStream(stream));
            while (reader.Read())
                Assert.That(reader.Current.Length, Is.GreaterThanOrEqualTo(StreamFormat.CommandHeaderBytes));
        }
        catch (StreamFormatException e)
        {
            problem = e.Message;
            Assert.That(problem, Does.Not.Contain('\n'));
            Assert.That(e.Offset, Is.InRange(0, stream.Length));
        }

        try
        {
            new StreamDumper(System.IO.Stream.Null, TimeZoneInfo.Utc).Dump(new MemoryStream(stream));
        }
        catch (StreamFormatException e)
        {
            problem ??= e.Message;
        }

        return problem;
    }

    // Changes bytes, lengths and order of whole commands, and makes the crc of each command right again.
    internal static byte[] Mutate(byte[] original, Random random)
    {
        List<byte[]> commands = Split(original);
        for (int count = random.Next(1, 4); count > 0; count--)
        {
            int index = random.Next(commands.Count);
            byte[] command = commands[index];
            switch (random.Next(6))
            {
                case 0:
                    command[random.Next(command.Length)] = (byte)random.Next();
                    break;
                case 1:
                    command[random.Next(command.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    commands.Insert(random.Next(commands.Count), [.. commands[random.Next(commands.Count)]]);
                    break;
                case 3:
                    commands[index] = SetLength(command[..random.Next(StreamFormat.CommandHeaderBytes, command.Length + 1)]);
                    break;
                case 4:
                    byte[] extra = new byte[random.Next(20)];
                    random.NextBytes(extra);
                    commands[index] = SetLength([.. command, .. extra]);
                    break;
                default:
                    BinaryPrimitives.WriteUInt32LittleEndian(command, (uint)random.Next() >> random.Next(32));
                    break;
            }
        }

        foreach (byte[] command in commands)
            RawStream.FixCrc(command);

        byte[] header = original[..StreamFormat.StreamHeaderBytes];
        if (random.Next(50) == 0)
            header[random.Next(header.Length)] ^= (byte)random.Next(8);

        return [.. header, .. commands.SelectMany(c => c)];
    }

    private static byte[] SetLength(byte[] command)
    {
        BinaryPrimitives.WriteInt32LittleEndian(command, command.Length - StreamFormat.CommandHeaderBytes);
        return command;
    }

    private static List<byte[]> Split(byte[] stream)
    {
        List<byte[]> commands = [];
        for (int at = StreamFormat.StreamHeaderBytes; at < stream.Length; at += commands[^1].Length)
            commands.Add(stream.AsSpan(at, StreamFormat.CommandHeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(stream.AsSpan(at))).ToArray());

        return commands;
    }
}
