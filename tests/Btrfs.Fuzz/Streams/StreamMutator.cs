using System.Buffers.Binary;
using Btrfs.Interop;

namespace Btrfs.Fuzz.Streams;

/// <summary>Changes a stream here and there, command by command, and puts the checksums right: what comes out gets past them.</summary>
internal sealed class StreamMutator(Random random, IReadOnlyList<byte[]> pool)
{
    private const int HeaderBytes = 17;
    private const int CommandHeaderBytes = 10;
    private const int DataAttribute = 19;
    private static readonly ulong[] s_numbers = [0, 1, 4095, 4096, 4097, 1 << 20, int.MaxValue, uint.MaxValue, 1UL << 32, long.MaxValue, 1UL << 63, ulong.MaxValue - 1, ulong.MaxValue];
    private static readonly byte[][] s_paths = [[], [.. "."u8], [.. ".."u8], [.. "/"u8], [.. "../a"u8], [.. "a/../b"u8], [.. "//"u8], [.. "a/"u8]];

    /// <summary>All commands of a stream, each with its header.</summary>
    public static List<byte[]> Split(byte[] stream)
    {
        List<byte[]> commands = [];
        for (int at = HeaderBytes; at < stream.Length;)
        {
            int length = CommandHeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(stream.AsSpan(at));
            commands.Add(stream[at..(at + length)]);
            at += length;
        }

        return commands;
    }

    public byte[] Mutate(byte[] stream)
    {
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(stream.AsSpan(HeaderBytes - 4));
        List<byte[]> commands = Split(stream);
        for (int count = random.Next(1, 6); count > 0; count--)
            Change(commands, version);
        byte[] mutated = [.. stream[..HeaderBytes], .. commands.SelectMany(Sealed)];
        if (random.Next(20) == 0)
            mutated = mutated[..random.Next(mutated.Length)];
        if (random.Next(20) == 0 && mutated.Length > 0)
            mutated[random.Next(mutated.Length)] ^= (byte)(1 << random.Next(8));
        return mutated;
    }

    private void Change(List<byte[]> commands, uint version)
    {
        if (commands.Count == 0)
            return;
        int at = random.Next(commands.Count);
        switch (random.Next(8))
        {
            case 0:
                commands.RemoveAt(at);
                break;
            case 1:
                commands.Insert(at, commands[random.Next(commands.Count)]);
                break;
            case 2:
                (commands[at], commands[^1]) = (commands[^1], commands[at]);
                break;
            case 3:
                commands.Insert(random.Next(commands.Count + 1), pool[random.Next(pool.Count)]);
                break;
            case 4:
                commands[at] = [.. commands[at]];
                BinaryPrimitives.WriteUInt16LittleEndian(commands[at].AsSpan(4), (ushort)random.Next(28));
                break;
            default:
                commands[at] = ChangeAttributes(commands[at], commands, version);
                break;
        }
    }

    private byte[] ChangeAttributes(byte[] command, List<byte[]> commands, uint version)
    {
        List<(int Type, byte[] Value)> attributes = AttributesOf(command, version);
        if (attributes.Count == 0)
            return command;
        int at = random.Next(attributes.Count);
        (int type, byte[] value) = attributes[at];
        switch (random.Next(6))
        {
            case 0:
                attributes.RemoveAt(at);
                break;
            case 1:
                attributes.Insert(at, attributes[random.Next(attributes.Count)]);
                break;
            case 2:
                List<(int Type, byte[] Value)> others = AttributesOf(commands[random.Next(commands.Count)], version);
                if (others.Find(other => other.Type == type) is { Value: { } taken })
                    attributes[at] = (type, taken);
                break;
            case 3 when value.Length == 8:
                byte[] number = new byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(number, s_numbers[random.Next(s_numbers.Length)]);
                attributes[at] = (type, number);
                break;
            case 3 when type is >= 15 and <= 17 or 22:
                attributes[at] = (type, s_paths[random.Next(s_paths.Length)]);
                break;
            case 4 when value.Length > 0:
                byte[] flipped = [.. value];
                flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
                attributes[at] = (type, flipped);
                break;
            default:
                attributes[at] = (random.Next(10) == 0 ? random.Next(40) : type, value[..random.Next(value.Length + 1)]);
                break;
        }

        return Join(command, attributes, version);
    }

    private static List<(int Type, byte[] Value)> AttributesOf(byte[] command, uint version)
    {
        List<(int Type, byte[] Value)> attributes = [];
        for (int at = CommandHeaderBytes; at + 4 <= command.Length;)
        {
            int type = BinaryPrimitives.ReadUInt16LittleEndian(command.AsSpan(at));
            bool isUnsized = version >= 2 && type == DataAttribute;
            int start = at + (isUnsized ? 2 : 4);
            int end = isUnsized ? command.Length : start + BinaryPrimitives.ReadUInt16LittleEndian(command.AsSpan(at + 2));
            if (end > command.Length)
                break;
            attributes.Add((type, command[start..end]));
            at = end;
        }

        return attributes;
    }

    private static byte[] Join(byte[] command, List<(int Type, byte[] Value)> attributes, uint version)
    {
        List<byte> bytes = [.. command[..CommandHeaderBytes]];
        foreach ((int type, byte[] value) in attributes)
        {
            bytes.AddRange(BitConverter.GetBytes((ushort)type));
            if (version < 2 || type != DataAttribute)
                bytes.AddRange(BitConverter.GetBytes((ushort)value.Length));
            bytes.AddRange(value);
        }

        return [.. bytes];
    }

    // Length and checksum are put right.
    private static byte[] Sealed(byte[] command)
    {
        byte[] whole = [.. command];
        BinaryPrimitives.WriteInt32LittleEndian(whole, whole.Length - CommandHeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(6), 0);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(6), Crc32C.Update(0, whole));
        return whole;
    }
}
