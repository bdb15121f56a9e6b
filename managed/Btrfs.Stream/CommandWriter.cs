using System.Buffers.Binary;
using System.Diagnostics;
using Btrfs.Interop;

namespace Btrfs.Stream;

/// <summary>
/// Writes a send stream: the bytes of the kernel's sender, given the same commands. Commands are built in one pinned buffer,
/// which goes to the sink when the next command might not fit, so no command is copied and nothing is allocated per command.
/// Not thread-safe. Nothing is written behind the caller's back: what was not flushed with <see cref="Flush"/> is dropped.
/// It can also only count, a whole stream (<see cref="ForCounting"/>) or up to where one is to go on (<see cref="SkipTo"/>).
/// </summary>
/// <remarks>
/// The life of a command: <see cref="Begin"/>, attributes in the kernel's order, then one of <see cref="End()"/>,
/// <see cref="End(uint)"/>, <see cref="EndDetached"/>, <see cref="EndPending"/>, <see cref="Abandon"/>.
/// </remarks>
public sealed partial class CommandWriter
{
    /// <summary>Size of the output buffer where the caller names none.</summary>
    public const int DefaultBufferBytes = 1024 * 1024;

    private const int NoCommand = -1;
    private const int NoData = -1;

    private readonly System.IO.Stream _sink;
    private readonly bool _dataIsUnsized;
    private readonly byte[] _buffer;
    private readonly long[] _commandCounts = new long[CommandTable.All.Length + 1];

    // [0, _end) of the buffer is the stream since the last flush; an open command is [_commandStart, _end).
    private int _end;
    private int _commandStart = NoCommand;
    private int _dataStart = NoData;
    private int _pendingCommands;
    private long _flushedBytes;
    private bool _isBroken;

    // Commands that end at or before this length of the stream are counted, and dropped as they end.
    private long _skipEnd;
    private long _skipCommands;
    private bool _onlyCounts;
    private long _commands;

    /// <summary>Makes a writer; nothing is written yet, not even the stream header.</summary>
    /// <param name="sink">Where the stream goes. The caller keeps and closes it.</param>
    /// <param name="version">Protocol version, 1 to 3.</param>
    /// <param name="bufferBytes">Size of the output buffer; raised to what one command can need.</param>
    /// <exception cref="ArgumentOutOfRangeException">The version is unknown.</exception>
    public CommandWriter(System.IO.Stream sink, int version, int bufferBytes = DefaultBufferBytes)
    {
        ArgumentNullException.ThrowIfNull(sink);
        _sink = sink;
        Version = version;
        MaxCommandBytes = StreamFormat.MaxSentCommandBytes(version);
        MaxWriteBytes = StreamFormat.MaxWriteBytes(version);
        _dataIsUnsized = StreamFormat.DataIsUnsized(version);
        _buffer = GC.AllocateUninitializedArray<byte>(Math.Max(bufferBytes, MaxCommandBytes), pinned: true);
    }

    /// <summary>Makes a writer that writes nowhere and counts what it would have written.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The version is unknown.</exception>
    public static CommandWriter ForCounting(int version) => new(System.IO.Stream.Null, version, bufferBytes: 0) { _onlyCounts = true };

    /// <summary>The protocol version, 1 to 3.</summary>
    public int Version { get; }

    /// <summary>The kernel's limit on one command, header included, in bytes.</summary>
    public int MaxCommandBytes { get; }

    /// <summary>The most data that the kernel puts into one write command, in bytes.</summary>
    public int MaxWriteBytes { get; }

    /// <summary>Length of the stream so far in bytes, finished commands only, whether flushed, still in the buffer, or skipped.</summary>
    public long BytesWritten => _flushedBytes + FinishedEnd;

    /// <summary>How many of <see cref="BytesWritten"/> were skipped.</summary>
    public long BytesSkipped { get; private set; }

    /// <summary>Whether what is written now goes nowhere: then only lengths count, and data need not be filled in.</summary>
    public bool IsCounting => _onlyCounts || IsSkipping;

    /// <summary>Whether the place where the stream is to go on has not been reached.</summary>
    public bool IsSkipping => BytesWritten < _skipEnd;

    /// <summary>Whether another command certainly fits before the buffer must be flushed, which pending commands forbid.</summary>
    public bool HasRoom => _buffer.Length - _end >= MaxCommandBytes;

    private int FinishedEnd => _commandStart == NoCommand ? _end : _commandStart;

    /// <summary>How many commands of this type were finished.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The command is unknown.</exception>
    public long CommandCount(CommandType type) => _commandCounts[(int)Known(type).Type];

    /// <summary>Writes the stream header. A sender of several streams writes it before each.</summary>
    /// <exception cref="IOException">The sink failed.</exception>
    public void WriteHeader()
    {
        RequireNoCommand();
        MakeRoom();
        StreamFormat.Magic.CopyTo(_buffer.AsSpan(_end));
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(_end + StreamFormat.Magic.Length), (uint)Version);
        _end += StreamFormat.StreamHeaderBytes;
    }

    /// <summary>
    /// Goes on with a stream that was cut: what was written so far stands, and the commands from here on are counted and dropped until the stream has the given length.
    /// </summary>
    /// <param name="length">In bytes, the stream header included: where the first command begins that is to be written again.</param>
    /// <param name="commands">How many commands end there, those written so far included.</param>
    /// <exception cref="StreamFormatException">Here or later: no command begins there, or another number of commands ends there.</exception>
    public void SkipTo(long length, long commands)
    {
        RequireNoCommand();
        _skipEnd = length;
        _skipCommands = commands;
        if (!IsSkipping)
            RequireSkipEnd();
    }

    /// <summary>Opens a command. Flushes when the buffer is nearly full.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The command is unknown or newer than the stream's version.</exception>
    /// <exception cref="IOException">The sink failed.</exception>
    /// <exception cref="InvalidOperationException">A command is open, or there is no room while commands are pending.</exception>
    public void Begin(CommandType type)
    {
        RequireNoCommand();
        if (Known(type).SinceVersion > Version)
            throw new ArgumentOutOfRangeException(nameof(type), type, $"stream version {Version} has no such command");

        MakeRoom();
        _commandStart = _end;
        // Length and crc stay zero until the end: the crc is over a header whose crc is zero.
        Span<byte> header = _buffer.AsSpan(_end, StreamFormat.CommandHeaderBytes);
        header.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(header[StreamFormat.CommandTypeOffset..], (ushort)type);
        _end += StreamFormat.CommandHeaderBytes;
    }

    /// <summary>Finishes the open command.</summary>
    /// <exception cref="InvalidOperationException">No command is open.</exception>
    public void End()
    {
        RequireCommand();
        if (!IsCounting)
        {
            PatchLength();
            PatchCrc(_commandStart, Crc32C.Update(0, _buffer.AsSpan(_commandStart, _end - _commandStart)));
        }

        CloseCommand();
    }

    /// <summary>Finishes the open command without reading its data again.</summary>
    /// <param name="dataCrc">The crc32c register, from seed 0 and without final inversion, of the data put last.</param>
    /// <exception cref="InvalidOperationException">No command with data is open.</exception>
    public void End(uint dataCrc)
    {
        RequireData();
        if (!IsCounting)
        {
            PatchLength();
            PatchCrc(_commandStart, CrcWithData(_commandStart, _dataStart, _end - _dataStart, dataCrc));
        }

        CloseCommand();
    }

    /// <summary>
    /// Finishes the open command, whose data the caller brings to the sink by a way of its own: all that stands before the data was written to the sink when this returns, and
    /// all of the data must be before the next call.
    /// </summary>
    /// <param name="dataCrc">As for <see cref="End(uint)"/>.</param>
    /// <exception cref="InvalidOperationException">No command with data is open, commands are pending, or the writer only counts.</exception>
    /// <exception cref="IOException">The sink failed.</exception>
    public void EndDetached(uint dataCrc)
    {
        RequireData();
        if (IsCounting)
            throw new InvalidOperationException("a writer that counts has no data to be brought");

        int dataLength = _end - _dataStart;
        PatchLength();
        PatchCrc(_commandStart, CrcWithData(_commandStart, _dataStart, dataLength, dataCrc));
        _end = _dataStart;
        CloseCommand();
        Drain();
        _flushedBytes += dataLength;
    }

    /// <summary>Brings data of a detached command to the sink by the usual way.</summary>
    /// <exception cref="IOException">The sink failed.</exception>
    public void WriteDetached(ReadOnlySpan<byte> data)
    {
        RequireNoCommand();
        _isBroken = true;
        _sink.Write(data);
        _isBroken = false;
    }

    /// <summary>
    /// Finishes the open command but for its data, which the caller fills in later, and its crc. Until <see cref="Complete"/>
    /// the buffer can't be flushed; look at <see cref="HasRoom"/> before the next command.
    /// </summary>
    /// <exception cref="InvalidOperationException">No command with data is open, or the writer only counts, and there is nothing to wait for.</exception>
    public PendingCommand EndPending()
    {
        RequireData();
        if (IsCounting)
            throw new InvalidOperationException("a writer that counts has no pending commands");

        PatchLength();
        PendingCommand pending = new(_commandStart, _dataStart, _end - _dataStart);
        _pendingCommands++;
        CloseCommand();
        return pending;
    }

    /// <summary>Where the data of a pending command goes. The memory is pinned.</summary>
    public Memory<byte> DataOf(in PendingCommand pending) => _buffer.AsMemory(pending.DataStart, pending.DataLength);

    /// <summary>Gives a pending command its crc; its data is in place.</summary>
    /// <param name="pending">Each pending command must be completed once.</param>
    /// <param name="dataCrc">As for <see cref="End(uint)"/>.</param>
    /// <exception cref="InvalidOperationException">No command is pending.</exception>
    public void Complete(in PendingCommand pending, uint dataCrc)
    {
        if (_pendingCommands == 0)
            throw new InvalidOperationException("no command is pending");

        PatchCrc(pending.Start, CrcWithData(pending.Start, pending.DataStart, pending.DataLength, dataCrc));
        _pendingCommands--;
    }

    /// <summary>Takes back the open command, as if it had never begun.</summary>
    /// <exception cref="InvalidOperationException">No command is open.</exception>
    public void Abandon()
    {
        RequireCommand();
        _end = _commandStart;
        _commandStart = NoCommand;
        _dataStart = NoData;
    }

    /// <summary>Sends everything to the sink, and flushes that.</summary>
    /// <exception cref="IOException">The sink failed; the writer can't be used any more.</exception>
    /// <exception cref="InvalidOperationException">A command is open or pending, or the sink failed before.</exception>
    public void Flush()
    {
        RequireNoCommand();
        Drain();
        _sink.Flush();
    }

    private void MakeRoom()
    {
        if (!HasRoom)
            Drain();
    }

    private void Drain()
    {
        if (_pendingCommands != 0)
            throw new InvalidOperationException($"{_pendingCommands} pending commands must be completed first");
        if (_isBroken)
            throw new InvalidOperationException("the sink failed before");

        // A sink that failed may have taken any part of the buffer: nobody may send it again.
        _isBroken = true;
        _sink.Write(_buffer, 0, _end);
        _isBroken = false;
        _flushedBytes += _end;
        _end = 0;
    }

    private void PatchLength() => BinaryPrimitives.WriteUInt32LittleEndian(
        _buffer.AsSpan(_commandStart + StreamFormat.CommandLengthOffset),
        (uint)(_end - _commandStart - StreamFormat.CommandHeaderBytes));

    private void PatchCrc(int commandStart, uint crc) =>
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(commandStart + StreamFormat.CommandCrcOffset), crc);

    private uint CrcWithData(int commandStart, int dataStart, int dataLength, uint dataCrc) =>
        Crc32C.Combine(Crc32C.Update(0, _buffer.AsSpan(commandStart, dataStart - commandStart)), dataCrc, dataLength);

    private void CloseCommand()
    {
        Debug.Assert(_end - _commandStart <= MaxCommandBytes, "the attributes keep the limit");
        _commandCounts[BinaryPrimitives.ReadUInt16LittleEndian(_buffer.AsSpan(_commandStart + StreamFormat.CommandTypeOffset))]++;
        _commands++;
        bool skips = IsSkipping;
        if (skips)
            BytesSkipped += _end - _commandStart;
        if (skips || _onlyCounts)
        {
            _flushedBytes += _end - _commandStart;
            _end = _commandStart;
        }

        _commandStart = NoCommand;
        _dataStart = NoData;
        if (skips && !IsSkipping)
            RequireSkipEnd();
    }

    private void RequireSkipEnd()
    {
        if (BytesWritten != _skipEnd)
            throw new StreamFormatException(_skipEnd, null, $"no command of this stream begins here: one goes on to {BytesWritten}");
        if (_commands != _skipCommands)
            throw new StreamFormatException(_skipEnd, null, $"{_commands} commands of this stream end here, not {_skipCommands}");
    }

    private void RequireCommand()
    {
        if (_commandStart == NoCommand)
            throw new InvalidOperationException("no command is open");
    }

    private void RequireNoCommand()
    {
        if (_commandStart != NoCommand)
            throw new InvalidOperationException("a command is open");
    }

    private void RequireData()
    {
        RequireCommand();
        if (_dataStart == NoData)
            throw new InvalidOperationException("the open command has no data");
    }

    private static CommandDefinition Known(CommandType type) =>
        CommandTable.Find(type) ?? throw new ArgumentOutOfRangeException(nameof(type), type, "no such command");
}
