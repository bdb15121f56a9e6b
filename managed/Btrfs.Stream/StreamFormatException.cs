namespace Btrfs.Stream;

/// <summary>A stream, or a command about to be written, breaks the send-stream format.</summary>
public sealed class StreamFormatException : Exception
{
    /// <summary>Makes the message "stream offset N, command: problem".</summary>
    /// <param name="offset">Where the header or command at fault begins, in bytes from the start of the input or output.</param>
    /// <param name="command">The command at fault; null outside of any command.</param>
    /// <param name="problem">What is wrong, one lower-case line with the values.</param>
    public StreamFormatException(long offset, CommandType? command, string problem)
        : base(command is CommandType type
            ? $"stream offset {offset}, {CommandTable.NameOf(type)}: {problem}"
            : $"stream offset {offset}: {problem}")
    {
        Offset = offset;
        Command = command;
    }

    /// <summary>Where the header or command at fault begins, in bytes from the start of the input or output.</summary>
    public long Offset { get; }

    /// <summary>The command at fault; null outside of any command. May be a number that <see cref="CommandType"/> has no name for.</summary>
    public CommandType? Command { get; }
}
