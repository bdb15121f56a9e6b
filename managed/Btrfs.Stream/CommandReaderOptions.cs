namespace Btrfs.Stream;

/// <summary>What a <see cref="CommandReader"/> tolerates.</summary>
public sealed record CommandReaderOptions
{
    /// <summary>
    /// The largest command, header included, in bytes. The format knows no limit from version 2 on, but a length comes before its crc,
    /// so a damaged one must not decide how much memory is taken. Default 16 MiB.
    /// </summary>
    public int MaxCommandBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Pass over commands of unknown number, as btrfs-progs does, instead of failing. Their crc is still checked. Default false.</summary>
    public bool SkipUnknownCommands { get; init; }
}
