namespace Btrfs.Stream.Info;

/// <summary>Reads streams to their end and sums up what they hold, in memory for one subvolume at a time.</summary>
public static class StreamSurvey
{
    // Commands between two looks at the cancellation token.
    private const int CommandsPerLook = 1024;

    /// <summary>What the streams of an input hold, one subvolume after the other, each told as soon as it has been read.</summary>
    /// <exception cref="StreamFormatException">The input breaks the format, or a stream doesn't begin with a subvolume.</exception>
    /// <exception cref="IOException">The input failed.</exception>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    public static IEnumerable<SubvolumeSummary> Read(System.IO.Stream input, CancellationToken cancellation = default)
    {
        CommandReader reader = new(input);
        SubvolumeSummary? current = null;
        for (long commands = 1; reader.Read(); commands++)
        {
            if (commands % CommandsPerLook == 0)
                cancellation.ThrowIfCancellationRequested();

            CommandType type = reader.Current.Type;
            if (type is CommandType.Subvol or CommandType.Snapshot)
            {
                if (current is not null)
                    yield return current;
                current = new SubvolumeSummary(reader.Current, reader.Version, current is null ? reader.StreamOffset : reader.Current.Offset);
            }

            if (current is null)
                throw new StreamFormatException(reader.Current.Offset, type, "no subvolume was named before");

            current.Add(reader.Current);
            if (type == CommandType.End)
            {
                yield return current;
                current = null;
            }
        }
    }
}
