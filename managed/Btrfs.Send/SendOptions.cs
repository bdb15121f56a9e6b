using Btrfs.Stream;

namespace Btrfs.Send;

/// <summary>What a stream should be like.</summary>
public sealed record SendOptions
{
    /// <summary>Protocol version, 1 or 2.</summary>
    public int Protocol { get; init; } = 1;

    /// <summary>Send compressed extents as they lie on the disk; needs protocol 2.</summary>
    public bool CompressedData { get; init; }

    /// <summary>Tell which extents changed, without their data.</summary>
    public bool NoData { get; init; }

    /// <summary>
    /// Clone every extent that the receiver has, also those with more than the 1024 references up to which the kernel looks. Such a stream is smaller, and in some places another one
    /// than the kernel's; what is received is the same, and shares more.
    /// </summary>
    public bool CloneAll { get; init; }

    /// <summary>
    /// Hold file data against its checksums before it goes out. Where this is off, whole sectors that can go from the host's page cache to the output without being touched are not: their command's crc then
    /// comes from the stored checksums, so that a receiver which checks it, as all do, finds every byte that is not as it was written. What has to be read here is verified all the same.
    /// </summary>
    public bool VerifyData { get; init; } = true;

    /// <summary>Leave out the stream header: this stream continues another one.</summary>
    public bool OmitStreamHeader { get; init; }

    /// <summary>Leave out the end command: another stream follows.</summary>
    public bool OmitEndCommand { get; init; }

    /// <summary>
    /// Go on where a receiver stopped: the stream header and the command that names the subvolume come again, then the commands from the token's place on. The other options, the parent
    /// and the clone sources must be those of the stream that was cut. Null for a whole stream.
    /// </summary>
    public ResumeToken? Resume { get; init; }
}

/// <summary>How far a send has come.</summary>
/// <param name="Inode">The inode at work; they go by ascending number.</param>
/// <param name="StreamBytes">Length of the stream so far, in bytes; what a resumed one passes over is counted.</param>
public readonly record struct SendProgress(ulong Inode, long StreamBytes);
