namespace Btrfs.Stream;

/// <summary>What a <see cref="CommandReader"/> tolerates.</summary>
public sealed record CommandReaderOptions
{
    /// <summary>
    /// The largest command, header included, in bytes. The format knows no limit from version 2 on, but a length comes before its crc,
    /// so a damaged one must not decide how much memory is taken. Default 16 MiB.
    /// </summary>
    public int MaxCommandBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Read no byte behind the current command, at the cost of more and smaller reads: for an input that somebody else reads on. Not with a <see cref="ReadAheadStream"/>. Default false.</summary>
    public bool ReadsExactly { get; init; }

    /// <summary>Pass over commands of unknown number, as btrfs-progs does, instead of failing. Their crc is still checked. Default false.</summary>
    public bool SkipUnknownCommands { get; init; }
}
