using Btrfs.Format;
using Btrfs.Stream;

namespace Btrfs.Receive;

/// <summary>A command of a stream that can't be carried out.</summary>
public sealed class ReceiveException : BtrfsException
{
    /// <summary>Makes the message "stream offset N, command: problem".</summary>
    /// <param name="offset">Where the command begins, in bytes from the start of the input.</param>
    /// <param name="command">The command.</param>
    /// <param name="cause">What is wrong.</param>
    internal ReceiveException(long offset, CommandType command, BtrfsException cause)
        : base($"stream offset {offset}, {CommandTable.NameOf(command)}: {cause.Message}", cause)
    {
        Offset = offset;
        Command = command;
    }

    public long Offset { get; }

    public CommandType Command { get; }
}
