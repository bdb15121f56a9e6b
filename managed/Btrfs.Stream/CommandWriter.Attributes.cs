using System.Buffers.Binary;

namespace Btrfs.Stream;

// The attributes of the open command. Every Put throws StreamFormatException where the kernel's sender gives up with EOVERFLOW,
// and leaves the command open, to be abandoned.
public sealed partial class CommandWriter
{
    /// <summary>Adds a one-byte attribute.</summary>
    /// <exception cref="StreamFormatException">The command would exceed <see cref="MaxCommandBytes"/>.</exception>
    /// <exception cref="InvalidOperationException">No command is open, or its data was put already.</exception>
    /// <exception cref="ArgumentException">The attribute is unknown, or of another size.</exception>
    public void PutU8(AttributeType type, byte value) => Reserve(type, sizeof(byte))[0] = value;

    /// <summary>Adds a four-byte attribute.</summary>
    /// <inheritdoc cref="PutU8" path="/exception"/>
    public void PutU32(AttributeType type, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(Reserve(type, sizeof(uint)), value);

    /// <summary>Adds an eight-byte attribute.</summary>
    /// <inheritdoc cref="PutU8" path="/exception"/>
    public void PutU64(AttributeType type, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(Reserve(type, sizeof(ulong)), value);

    /// <summary>Adds a time.</summary>
    /// <param name="type">The attribute.</param>
    /// <param name="seconds">Since 1970, may be negative.</param>
    /// <param name="nanoseconds">Written as it is.</param>
    /// <inheritdoc cref="PutU8" path="/exception"/>
    public void PutTime(AttributeType type, long seconds, uint nanoseconds)
    {
        Span<byte> payload = Reserve(type, StreamFormat.TimeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(payload, seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[sizeof(long)..], nanoseconds);
    }

    /// <summary>Adds a uuid: 16 bytes in the order they are printed.</summary>
    /// <inheritdoc cref="PutU8" path="/exception"/>
    public void PutUuid(AttributeType type, ReadOnlySpan<byte> uuid) => PutBytes(type, uuid);

    /// <summary>Adds a name or a path (no final NUL), or any other payload as it stands in the stream, but not file data.</summary>
    /// <inheritdoc cref="PutU8" path="/exception"/>
    public void PutBytes(AttributeType type, ReadOnlySpan<byte> value)
    {
        if (type == AttributeType.Data)
            throw new ArgumentException($"data has a header of its own: {nameof(PutDataHeader)}", nameof(type));

        value.CopyTo(Reserve(type, value.Length));
    }

    /// <summary>
    /// Adds <see cref="AttributeType.Data"/>, which must come last, and gives the pinned place in the output buffer where
    /// the caller puts the bytes. It stays in place until the command ends.
    /// </summary>
    /// <param name="length">Bytes of data, all of which the caller must fill: the buffer holds old ones.</param>
    /// <exception cref="StreamFormatException">The command would exceed <see cref="MaxCommandBytes"/>.</exception>
    /// <exception cref="InvalidOperationException">No command is open, or its data was put already.</exception>
    public Span<byte> PutDataHeader(int length)
    {
        if (!_dataIsUnsized)
            return MarkData(Reserve(AttributeType.Data, length));

        RequireFits(AttributeType.Data, sizeof(ushort), length);
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(_end), (ushort)AttributeType.Data);
        return MarkData(Append(sizeof(ushort), length));
    }

    private Span<byte> MarkData(Span<byte> data)
    {
        _dataStart = _end - data.Length;
        return data;
    }

    private Span<byte> Reserve(AttributeType type, int length)
    {
        if (!AttributeTable.IsKnown(type))
            throw new ArgumentOutOfRangeException(nameof(type), type, "no such attribute");

        int expected = AttributeTable.FixedBytes(type);
        if (expected != AttributeTable.AnySize && length != expected)
            throw new ArgumentException($"{AttributeTable.NameOf(type)} has {expected} bytes, not {length}", nameof(type));

        RequireFits(type, StreamFormat.AttributeHeaderBytes, length);
        if (length > ushort.MaxValue)
            throw Overflow(type, length);

        Span<byte> header = _buffer.AsSpan(_end);
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)type);
        BinaryPrimitives.WriteUInt16LittleEndian(header[sizeof(ushort)..], (ushort)length);
        return Append(StreamFormat.AttributeHeaderBytes, length);
    }

    private Span<byte> Append(int headerLength, int length)
    {
        Span<byte> payload = _buffer.AsSpan(_end + headerLength, length);
        _end += headerLength + length;
        return payload;
    }

    private void RequireFits(AttributeType type, int headerLength, int length)
    {
        RequireCommand();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (_dataStart != NoData)
            throw new InvalidOperationException("data must be the last attribute");
        if (length > _commandStart + MaxCommandBytes - _end - headerLength)
            throw Overflow(type, length);
    }

    private StreamFormatException Overflow(AttributeType type, int length)
    {
        CommandType command = (CommandType)BinaryPrimitives.ReadUInt16LittleEndian(_buffer.AsSpan(_commandStart + StreamFormat.CommandTypeOffset));
        return new StreamFormatException(BytesWritten, command,
            $"{AttributeTable.NameOf(type)} of {length} bytes does not fit into a command of {_end - _commandStart} bytes so far, the limit is {MaxCommandBytes}");
    }
}
