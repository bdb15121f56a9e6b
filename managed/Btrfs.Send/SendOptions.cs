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

    /// <summary>Leave out the stream header: this stream continues another one.</summary>
    public bool OmitStreamHeader { get; init; }

    /// <summary>Leave out the end command: another stream follows.</summary>
    public bool OmitEndCommand { get; init; }
}

/// <summary>How far a send has come.</summary>
/// <param name="Inode">The inode at work; they go by ascending number.</param>
/// <param name="StreamBytes">Bytes of stream made so far.</param>
public readonly record struct SendProgress(ulong Inode, long StreamBytes);
