namespace Btrfs.Fidelity;

/// <summary>
/// One send stream, in the terms of the kernel's ioctl: the clone sources are exactly these (the btrfs program adds the
/// parent to them by itself, the ioctl does not). Paths count from the top level of the file system, without a leading slash.
/// </summary>
public sealed record SendRequest
{
    /// <summary>The read-only subvolume to send.</summary>
    public required string Subvolume { get; init; }

    /// <summary>The subvolume that the receiver has, or null for a full stream.</summary>
    public string? Parent { get; init; }

    /// <summary>Subvolumes whose extents may be cloned from, in the order given.</summary>
    public string[] CloneSources { get; init; } = [];

    /// <summary>Version of the stream: 1 or 2.</summary>
    public int Protocol { get; init; } = 1;

    /// <summary>Send compressed extents as they lie on disk (version 2).</summary>
    public bool CompressedData { get; init; }

    /// <summary>Say which extents changed, without their data.</summary>
    public bool NoData { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Subvolume}{(Parent is null ? "" : $" -p {Parent}")}{string.Concat(CloneSources.Select(source => $" -c {source}"))} --proto {Protocol}"
        + (CompressedData ? " --compressed-data" : "") + (NoData ? " --no-data" : "");
}
