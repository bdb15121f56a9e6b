using System.Buffers.Binary;

namespace Btrfs.Stream;

/// <summary>Where an attribute's payload lies in its command.</summary>
internal readonly record struct AttributeSlot(int Offset, int Length);

/// <summary>
/// A view of one command in the buffer of its <see cref="CommandReader"/>, valid until that reads on. The reader has checked it:
/// a required attribute is there, and each has the size of its kind. Getters throw <see cref="ArgumentException"/> when asked
/// for another kind than the attribute's, which is the caller's mistake, never the stream's.
/// </summary>
public readonly ref struct StreamCommand
{
    private readonly ReadOnlySpan<byte> _command;
    private readonly ReadOnlySpan<AttributeSlot> _slots;
    private readonly ulong _present;

    internal StreamCommand(ReadOnlySpan<byte> command, ReadOnlySpan<AttributeSlot> slots, ulong present, long offset)
    {
        _command = command;
        _slots = slots;
        _present = present;
        Offset = offset;
    }

    /// <summary>The command.</summary>
    public CommandType Type => (CommandType)BinaryPrimitives.ReadUInt16LittleEndian(_command[StreamFormat.CommandTypeOffset..]);

    /// <summary>Where its header begins, in bytes from the start of the input.</summary>
    public long Offset { get; }

    /// <summary>Its size with its header, in bytes.</summary>
    public int Length => _command.Length;

    /// <summary>The checksum in its header, which the reader has found right.</summary>
    public uint Crc => BinaryPrimitives.ReadUInt32LittleEndian(_command[StreamFormat.CommandCrcOffset..]);

    /// <summary>Bit n stands for the attribute of number n.</summary>
    internal ulong PresentMask => _present;

    /// <summary>Whether it has this attribute.</summary>
    public bool Has(AttributeType type) => AttributeTable.IsKnown(type) && (_present & (1ul << (int)type)) != 0;

    /// <summary>Gets the payload of an attribute of any kind. Paths and names are raw bytes, often but not always UTF-8.</summary>
    /// <exception cref="StreamFormatException">The command has no such attribute.</exception>
    public ReadOnlySpan<byte> GetBytes(AttributeType type)
    {
        if (!TryGetBytes(type, out ReadOnlySpan<byte> payload))
            throw new StreamFormatException(Offset, Type, $"{AttributeTable.NameOf(type)} is missing");

        return payload;
    }

    /// <summary>Gets the payload of an attribute of any kind, where the command has it.</summary>
    public bool TryGetBytes(AttributeType type, out ReadOnlySpan<byte> payload)
    {
        if (!Has(type))
        {
            payload = default;
            return false;
        }

        AttributeSlot slot = _slots[(int)type];
        payload = _command.Slice(slot.Offset, slot.Length);
        return true;
    }

    /// <summary>Where the payload of an attribute lies in the input, in bytes from its start: whoever can seek need not keep it.</summary>
    /// <inheritdoc cref="GetBytes" path="/exception"/>
    public long PayloadOffset(AttributeType type)
    {
        GetBytes(type);
        return Offset + _slots[(int)type].Offset;
    }

    /// <summary>Gets a one-byte attribute.</summary>
    /// <inheritdoc cref="GetBytes" path="/exception"/>
    public byte GetU8(AttributeType type) => Get(type, AttributeKind.U8)[0];

    /// <summary>Gets a four-byte attribute.</summary>
    /// <inheritdoc cref="GetBytes" path="/exception"/>
    public uint GetU32(AttributeType type) => BinaryPrimitives.ReadUInt32LittleEndian(Get(type, AttributeKind.U32));

    /// <summary>Gets a four-byte attribute, where the command has it.</summary>
    public bool TryGetU32(AttributeType type, out uint value)
    {
        bool has = Has(type);
        value = has ? GetU32(type) : 0;
        return has;
    }

    /// <summary>Gets an eight-byte attribute.</summary>
    /// <inheritdoc cref="GetBytes" path="/exception"/>
    public ulong GetU64(AttributeType type) => BinaryPrimitives.ReadUInt64LittleEndian(Get(type, AttributeKind.U64));

    /// <summary>Gets an eight-byte attribute, where the command has it.</summary>
    public bool TryGetU64(AttributeType type, out ulong value)
    {
        bool has = Has(type);
        value = has ? GetU64(type) : 0;
        return has;
    }

    /// <summary>Gets the 16 bytes of a uuid, in the order they are printed.</summary>
    /// <inheritdoc cref="GetBytes" path="/exception"/>
    public ReadOnlySpan<byte> GetUuid(AttributeType type) => Get(type, AttributeKind.Uuid);

    /// <summary>Gets a uuid as the type that prints it the same way.</summary>
    /// <inheritdoc cref="GetBytes" path="/exception"/>
    public Guid GetGuid(AttributeType type) => new(GetUuid(type), bigEndian: true);

    /// <summary>Gets a time.</summary>
    /// <inheritdoc cref="GetBytes" path="/exception"/>
    public StreamTime GetTime(AttributeType type)
    {
        ReadOnlySpan<byte> payload = Get(type, AttributeKind.Time);
        return new StreamTime(BinaryPrimitives.ReadInt64LittleEndian(payload), BinaryPrimitives.ReadUInt32LittleEndian(payload[sizeof(long)..]));
    }

    /// <summary>Gets a time, where the command has it.</summary>
    public bool TryGetTime(AttributeType type, out StreamTime value)
    {
        bool has = Has(type);
        value = has ? GetTime(type) : default;
        return has;
    }

    private ReadOnlySpan<byte> Get(AttributeType type, AttributeKind kind)
    {
        if (AttributeTable.KindOf(type) != kind)
            throw new ArgumentException($"{AttributeTable.NameOf(type)} is not a {kind}", nameof(type));

        return GetBytes(type);
    }
}
