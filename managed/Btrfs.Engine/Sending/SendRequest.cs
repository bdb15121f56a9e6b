using Btrfs.Inode;
using Btrfs.Stream;

namespace Btrfs.Engine;

/// <summary>What to send, and in which form: the options of <c>btrfs send</c> with their meaning.</summary>
public sealed record SendRequest
{
    /// <summary>The subvolumes, read-only, in the order of their streams. Paths count from the top level.</summary>
    public required IReadOnlyList<FsPath> Subvolumes { get; init; }

    /// <summary>Send the difference to this subvolume (-p). It is a clone source too.</summary>
    public FsPath? Parent { get; init; }

    /// <summary>
    /// Subvolumes that the receiver has, to clone from (-c). Without a <see cref="Parent"/> one of them is chosen as the parent of each sent subvolume,
    /// and each sent subvolume is a clone source of the next.
    /// </summary>
    public IReadOnlyList<FsPath> CloneSources { get; init; } = [];

    /// <summary>Make one stream of all subvolumes (-e): one header, one end command.</summary>
    public bool JoinStreams { get; init; }

    /// <summary>Protocol version: 1 or 2, 0 for the highest. Null is 1, or 2 with <see cref="CompressedData"/>.</summary>
    public int? Protocol { get; init; }

    /// <summary>Send compressed extents as they lie on the disk; needs protocol 2.</summary>
    public bool CompressedData { get; init; }

    /// <summary>Tell which extents changed, without their data.</summary>
    public bool NoData { get; init; }

    /// <inheritdoc cref="Btrfs.Send.SendOptions.CloneAll"/>
    public bool CloneAll { get; init; }

    /// <inheritdoc cref="Btrfs.Send.SendOptions.VerifyData"/>
    public bool VerifyData { get; init; } = true;

    /// <summary>
    /// Go on with the stream of the one subvolume where a receiver stopped, as it told. All else must be as it was for the stream that was cut. Null for a whole stream.
    /// </summary>
    public ResumeToken? Resume { get; init; }
}

/// <summary>How far a send has come.</summary>
/// <param name="Subvolume">The subvolume at work; told before its first byte.</param>
/// <param name="Index">Its place in the request.</param>
/// <param name="Inode">The inode at work; they go by ascending number. 0 before the first.</param>
/// <param name="StreamBytes">Length of all streams so far, in bytes; what a resumed one passes over is counted.</param>
public readonly record struct SendRequestProgress(FsPath Subvolume, int Index, ulong Inode, long StreamBytes);
