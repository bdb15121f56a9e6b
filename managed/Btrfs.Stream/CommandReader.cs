using System.Buffers.Binary;

namespace Btrfs.Stream;

/// <summary>
/// Reads send streams, one command at a time, through one buffer that grows with the largest command. Everything is checked before
/// it is handed out: header, version, length, crc, the bounds, sizes and uniqueness of attributes, and that the required ones are
/// there. Streams may follow one another. Not thread-safe. It reads ahead of the current command, unless told otherwise.
/// </summary>
/// <remarks>
/// The version decides the framing of data only: a command or attribute newer than its stream's version is accepted, and so are
/// attributes that the command does not need, as by btrfs-progs.
/// </remarks>
public sealed class CommandReader
{
    // A small stream takes little memory; for a large one the buffer soon holds several of its commands.
    private const int InitialBufferBytes = 64 * 1024;
    private const int UsualBufferBytes = 512 * 1024;

    private readonly System.IO.Stream _source;
    private readonly ReadAheadStream? _ahead;
    private readonly CommandReaderOptions _options;
    private readonly AttributeSlot[] _slots = new AttributeSlot[AttributeTable.Count];

    // [_start, _end) of the buffer was read and not yet consumed; _start is at _offset of the input.
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(InitialBufferBytes);
    private int _start;
    private int _end;
    private long _offset;

    // The buffer is a block of the file that is read ahead, and goes back to it. Within these bounds of it commands have the right crc.
    private bool _isBlock;
    private (int Start, int End) _verified;

    private bool _isInStream;
    private int _commandBytes;
    private ulong _present;

    /// <summary>Makes a reader at the start of a stream header.</summary>
    /// <param name="source">Where the bytes come from. The caller keeps and closes it.</param>
    /// <param name="options">Limits and tolerance; null for the defaults.</param>
    public CommandReader(System.IO.Stream source, CommandReaderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        _ahead = source as ReadAheadStream;
        _options = options ?? new CommandReaderOptions();
    }

    /// <summary>Version of the current stream, 1 to 3; 0 before the first <see cref="Read"/>.</summary>
    public int Version { get; private set; }

    /// <summary>How many stream headers were read.</summary>
    public int StreamCount { get; private set; }

    /// <summary>Where the header of the current stream begins, in bytes from the start of the input.</summary>
    public long StreamOffset { get; private set; }

    /// <summary>How much of the input was read up to the end of the current command, or of the last stream, in bytes.</summary>
    public long BytesRead => _offset + _commandBytes;

    /// <summary>The command that <see cref="Read"/> found. The view is valid until the next <see cref="Read"/>.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public StreamCommand Current
    {
        get
        {
            if (_commandBytes == 0)
                throw new InvalidOperationException("there is no current command");

            return new StreamCommand(_buffer.AsSpan(_start, _commandBytes), _slots, _present, _offset);
        }
    }

    /// <summary>
    /// Goes to the next command; the last of each stream is <see cref="CommandType.End"/>. False where the input ends after a
    /// complete stream.
    /// </summary>
    /// <exception cref="StreamFormatException">The input breaks the format, is truncated, or has a command above the limit.</exception>
    /// <exception cref="IOException">The source failed.</exception>
    public bool Read()
    {
        Consume(_commandBytes);
        _commandBytes = 0;
        if (!_isInStream && !ReadStreamHeader())
            return false;

        int length = ReadCommand(out CommandDefinition? definition);
        while (definition is null)
        {
            Consume(length);
            length = ReadCommand(out definition);
        }

        _commandBytes = length;
        _isInStream = definition.Type != CommandType.End;
        return true;
    }

    private bool ReadStreamHeader()
    {
        int available = Fill(StreamFormat.StreamHeaderBytes);
        if (available == 0 && StreamCount > 0)
            return false;
        if (available == 0)
            throw Error(null, "the input is empty");

        ReadOnlySpan<byte> header = _buffer.AsSpan(_start, available);
        int magicBytes = Math.Min(available, StreamFormat.Magic.Length);
        if (!header[..magicBytes].SequenceEqual(StreamFormat.Magic[..magicBytes]))
            throw Error(null, StreamCount == 0 ? "not a send stream: the magic is missing" : "no stream header follows the end of a stream");
        if (available < StreamFormat.StreamHeaderBytes)
            throw Error(null, $"truncated: a stream header has {StreamFormat.StreamHeaderBytes} bytes, {available} are left");

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(header[StreamFormat.Magic.Length..]);
        if (version is 0 or > StreamFormat.MaxVersion)
            throw Error(null, $"stream version {version} is not supported, 1 to {StreamFormat.MaxVersion} are");

        Version = (int)version;
        StreamOffset = _offset;
        StreamCount++;
        _isInStream = true;
        Consume(StreamFormat.StreamHeaderBytes);
        return true;
    }

    // Checks the command at _start and returns its length; no definition for one that is to be skipped.
    private int ReadCommand(out CommandDefinition? definition)
    {
        int available = Fill(StreamFormat.CommandHeaderBytes);
        if (available == 0)
            throw Error(null, "truncated: the stream has no end command");
        if (available < StreamFormat.CommandHeaderBytes)
            throw Error(null, $"truncated: a command header has {StreamFormat.CommandHeaderBytes} bytes, {available} are left");

        ReadOnlySpan<byte> header = _buffer.AsSpan(_start, StreamFormat.CommandHeaderBytes);
        long length = StreamFormat.CommandHeaderBytes + (long)BinaryPrimitives.ReadUInt32LittleEndian(header[StreamFormat.CommandLengthOffset..]);
        CommandType type = (CommandType)BinaryPrimitives.ReadUInt16LittleEndian(header[StreamFormat.CommandTypeOffset..]);
        if (length > _options.MaxCommandBytes)
            throw Error(type, $"command of {length} bytes exceeds the limit of {_options.MaxCommandBytes}");

        available = Fill((int)length);
        if (available < length)
            throw Error(type, $"truncated: the command has {length} bytes, {available} are left");

        ReadOnlySpan<byte> command = _buffer.AsSpan(_start, (int)length);
        CheckCrc(type, command);
        definition = CommandTable.Find(type);
        if (definition is not null)
            ParseAttributes(definition, command);
        else if (!_options.SkipUnknownCommands)
            throw Error(type, "unknown command");

        return command.Length;
    }

    private void CheckCrc(CommandType type, ReadOnlySpan<byte> command)
    {
        if (_isBlock && _start >= _verified.Start && _start + command.Length <= _verified.End)
            return;

        if (!CommandCrc.IsRight(command, out uint stored, out uint computed))
            throw Error(type, $"crc32c is 0x{computed:x8}, the command says 0x{stored:x8}");
    }

    private void ParseAttributes(CommandDefinition definition, ReadOnlySpan<byte> command)
    {
        _present = 0;
        int position = StreamFormat.CommandHeaderBytes;
        while (position < command.Length)
        {
            ReadOnlySpan<byte> rest = command[position..];
            AttributeType type = rest.Length >= sizeof(ushort) ? (AttributeType)BinaryPrimitives.ReadUInt16LittleEndian(rest) : AttributeType.Unspec;
            bool isUnsized = type == AttributeType.Data && StreamFormat.DataIsUnsized(Version);
            int headerBytes = isUnsized ? sizeof(ushort) : StreamFormat.AttributeHeaderBytes;
            if (rest.Length < headerBytes)
                throw Error(definition.Type, $"attribute header at byte {position} runs over the end of the command");

            int length = isUnsized ? rest.Length - headerBytes : BinaryPrimitives.ReadUInt16LittleEndian(rest[sizeof(ushort)..]);
            if (length > rest.Length - headerBytes)
                throw Error(definition.Type, $"{AttributeTable.NameOf(type)} of {length} bytes runs over the end of the command, {rest.Length - headerBytes} are left");

            CheckAttribute(definition, type, rest.Slice(headerBytes, length));
            _slots[(int)type] = new AttributeSlot(position + headerBytes, length);
            _present |= 1ul << (int)type;
            position += headerBytes + length;
        }

        ulong missing = definition.RequiredMask & ~_present;
        if (missing != 0)
            throw Error(definition.Type, $"{AttributeTable.NameOf((AttributeType)ulong.TrailingZeroCount(missing))} is missing");
    }

    private void CheckAttribute(CommandDefinition definition, AttributeType type, ReadOnlySpan<byte> payload)
    {
        if (!AttributeTable.IsKnown(type))
            throw Error(definition.Type, $"unknown attribute {(int)type}");
        if ((_present & (1ul << (int)type)) != 0)
            throw Error(definition.Type, $"{AttributeTable.NameOf(type)} occurs twice");

        int expected = AttributeTable.FixedBytes(type);
        if (expected != AttributeTable.AnySize && payload.Length != expected)
            throw Error(definition.Type, $"{AttributeTable.NameOf(type)} has {payload.Length} bytes instead of {expected}");
        if (AttributeTable.KindOf(type) == AttributeKind.Text && payload.Contains((byte)0))
            throw Error(definition.Type, $"{AttributeTable.NameOf(type)} contains a nul byte");
    }

    // Reads until at least this many unconsumed bytes are in the buffer; returns how many there are, at most as many as asked for.
    private int Fill(int needed)
    {
        while (_end - _start < needed)
        {
            if (!(_ahead is null ? ReadMore(needed) : TakeBlock(_ahead)))
                break;
        }

        return Math.Min(_end - _start, needed);
    }

    private bool ReadMore(int needed)
    {
        if (_end == _buffer.Length)
            MakeRoom(needed);

        int wanted = _options.ReadsExactly ? Math.Min(needed - (_end - _start), _buffer.Length - _end) : _buffer.Length - _end;
        int count = _source.Read(_buffer, _end, wanted);
        _end += count;
        return count > 0;
    }

    // The next block becomes the buffer, and what is left of this one goes into the room in front of its data. Where that is not enough, a buffer of our own takes both:
    // of a command that large as many blocks are held as have arrived.
    private bool TakeBlock(ReadAheadStream ahead)
    {
        byte[]? block = ahead.TakeBlock(out int length, out _verified);
        if (block is null)
            return false;

        int held = _end - _start;
        ReadOnlySpan<byte> rest = _buffer.AsSpan(_start, held);
        bool fits = held <= ReadAheadStream.HeadroomBytes;
        byte[] target = fits ? block : GC.AllocateUninitializedArray<byte>(held + length);
        int start = fits ? ReadAheadStream.HeadroomBytes - held : 0;
        rest.CopyTo(target.AsSpan(start));
        if (!fits)
            block.AsSpan(ReadAheadStream.HeadroomBytes, length).CopyTo(target.AsSpan(held));
        if (_isBlock)
            ahead.GiveBack();
        if (!fits)
            ahead.GiveBack();

        (_buffer, _start, _end, _isBlock) = (target, start, start + held + length, fits);
        return true;
    }

    // Beyond its usual size the buffer only grows for a command of which half a buffer has arrived: a length that lies takes no memory.
    private void MakeRoom(int needed)
    {
        int held = _end - _start;
        bool grows = _buffer.Length < UsualBufferBytes || (needed > _buffer.Length && held > _buffer.Length / 2);
        byte[] target = grows ? GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, 2L * _buffer.Length)) : _buffer;
        Buffer.BlockCopy(_buffer, _start, target, 0, held);
        _buffer = target;
        _start = 0;
        _end = held;
    }

    private void Consume(int count)
    {
        _start += count;
        _offset += count;
    }

    private StreamFormatException Error(CommandType? command, string problem) => new(_offset, command, problem);
}
