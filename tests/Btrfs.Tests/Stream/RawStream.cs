using System.Buffers.Binary;

namespace Btrfs.Tests.Stream;

/// <summary>
/// Builds streams that a <see cref="Btrfs.Stream.CommandWriter"/> refuses to write, crc right unless told otherwise. Its crc32c
/// is the textbook's, bit by bit, so that it shares nothing with the code under test.
/// </summary>
internal sealed class RawStream
{
    private readonly List<byte> _bytes = [];

    public RawStream Header(uint version)
    {
        _bytes.AddRange("btrfs-stream\0"u8);
        Write32(version);
        return this;
    }

    public RawStream Command(int type, params byte[][] attributes)
    {
        byte[] body = attributes.SelectMany(a => a).ToArray();
        byte[] command = new byte[10 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(command, body.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(command.AsSpan(4), (ushort)type);
        body.CopyTo(command, 10);
        FixCrc(command);
        return Bytes(command);
    }

    public RawStream Bytes(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public RawStream End() => Command(21);

    public byte[] ToArray() => [.. _bytes];

    public static byte[] Attribute(int type, params ReadOnlySpan<byte> payload) => Attribute(type, payload.Length, payload);

    /// <summary>An attribute whose length field may lie.</summary>
    public static byte[] Attribute(int type, int length, ReadOnlySpan<byte> payload)
    {
        byte[] attribute = new byte[4 + payload.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(attribute, (ushort)type);
        BinaryPrimitives.WriteUInt16LittleEndian(attribute.AsSpan(2), (ushort)length);
        payload.CopyTo(attribute.AsSpan(4));
        return attribute;
    }

    public static byte[] U64(int type, ulong value)
    {
        byte[] payload = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, value);
        return Attribute(type, payload);
    }

    /// <summary>Recomputes the crc of a whole command in place.</summary>
    public static void FixCrc(Span<byte> command)
    {
        command.Slice(6, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(command[6..], Crc(command));
    }

    public static uint Crc(ReadOnlySpan<byte> data)
    {
        uint register = 0;
        foreach (byte value in data)
        {
            register ^= value;
            for (int bit = 0; bit < 8; bit++)
                register = (register & 1) != 0 ? (register >> 1) ^ 0x82F63B78u : register >> 1;
        }

        return register;
    }

    private void Write32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        _bytes.AddRange(bytes);
    }
}
