namespace Btrfs.Stream.Verify;

/// <summary>What was verified.</summary>
/// <param name="Streams">How many streams.</param>
/// <param name="Subvolumes">How many subvolumes they hold.</param>
/// <param name="Commands">How many commands.</param>
/// <param name="Bytes">Their length.</param>
public readonly record struct VerifiedStreams(int Streams, long Subvolumes, long Commands, long Bytes);

/// <summary>
/// Holds streams against the format, strictly: all that <see cref="CommandReader"/> checks, the order of commands, and that each command says something that can be done. It needs one command in
/// memory. What needs the tree of files (is there such a path?) is for <see cref="Replay.StreamChain"/>.
/// </summary>
public static class StreamVerifier
{
    // Commands between two looks at the cancellation token.
    private const int CommandsPerLook = 1024;

    /// <summary>Verifies all streams of an input.</summary>
    /// <exception cref="StreamFormatException">The first thing that is wrong, with its offset and command.</exception>
    /// <exception cref="IOException">The input failed.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public static VerifiedStreams Verify(System.IO.Stream input, CancellationToken cancellation = default)
    {
        CommandReader reader = new(input);
        long commands = 0;
        long subvolumes = 0;
        bool isInSubvolume = false;
        while (reader.Read())
        {
            if (++commands % CommandsPerLook == 0)
                cancellation.ThrowIfCancellationRequested();

            StreamCommand command = reader.Current;
            CommandRules.Check(command, reader.Version, isInSubvolume);
            isInSubvolume = command.Type != CommandType.End;
            if (command.Type is CommandType.Subvol or CommandType.Snapshot)
                subvolumes++;
        }

        return new VerifiedStreams(reader.StreamCount, subvolumes, commands, reader.BytesRead);
    }
}
