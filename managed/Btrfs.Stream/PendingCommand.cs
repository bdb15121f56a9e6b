namespace Btrfs.Stream;

/// <summary>
/// A finished command of a <see cref="CommandWriter"/> whose data is still to be filled in: several may wait in the buffer, so that one
/// batch of reads fills them all. Valid until it is completed.
/// </summary>
public readonly struct PendingCommand
{
    internal PendingCommand(int start, int dataStart, int dataLength)
    {
        Start = start;
        DataStart = dataStart;
        DataLength = dataLength;
    }

    /// <summary>Bytes of data to fill in.</summary>
    public int DataLength { get; }

    internal int Start { get; }

    internal int DataStart { get; }
}
