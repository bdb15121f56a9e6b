namespace Btrfs.Receive;

/// <summary>How streams are received.</summary>
public sealed record ReceiveOptions
{
    /// <summary>End with the first end command, and read no byte behind it; else with the end of the input.</summary>
    public bool StopAtEnd { get; init; }

    /// <summary>Decode all compressed data, and store it as the file system would.</summary>
    public bool ForceDecompress { get; init; }

    /// <summary>Give up at so many commands that can't be carried out; 0 for never. What breaks the format of the stream always ends it.</summary>
    public int MaxErrors { get; init; } = 1;

    /// <summary>
    /// Go on with subvolumes that were received in part. The input is either what was sent from the part's token on, or the whole stream once more, of
    /// which is passed over what is there.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>After so many bytes of the stream everything so far is made durable, so that a later receive can go on from there.</summary>
    public long CommitBytes { get; init; } = 1L << 30;

    /// <summary>The same after so much time.</summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>How far a receive has come.</summary>
/// <param name="Subvolume">The name of the subvolume at work.</param>
/// <param name="IsSnapshot">Whether it comes as the difference to another.</param>
/// <param name="Index">Its place among all that were received; told first before its first command.</param>
/// <param name="StreamBytes">Bytes of the input that were consumed.</param>
/// <param name="Notice">Something to be told: a command that could not be carried out, or what is passed over.</param>
public readonly record struct ReceiveProgress(ReadOnlyMemory<byte> Subvolume, bool IsSnapshot, int Index, long StreamBytes, string? Notice = null);

/// <summary>A subvolume that was received completely.</summary>
/// <param name="Name">In the directory that it was received into.</param>
/// <param name="Id">Its number.</param>
/// <param name="IsSnapshot">Whether it came as the difference to another.</param>
public sealed record ReceivedSubvolume(ReadOnlyMemory<byte> Name, ulong Id, bool IsSnapshot);
