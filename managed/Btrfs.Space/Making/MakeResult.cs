using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>A chunk of the new file system: what it holds and how, where it begins, and its length in bytes.</summary>
public readonly record struct MadeChunk(BlockGroupFlags Type, LogicalAddress Start, ulong Length);

/// <summary>A device of the new file system.</summary>
public readonly record struct MadeDevice(ulong Id, ulong Bytes, string Name);

/// <summary>What was made, for a summary.</summary>
public sealed record MakeResult
{
    public required Uuid Fsid { get; init; }

    public required ReadOnlyMemory<byte> Label { get; init; }

    /// <summary>Bytes.</summary>
    public required int NodeSize { get; init; }

    /// <summary>Bytes.</summary>
    public required int SectorSize { get; init; }

    /// <summary>Of all devices together.</summary>
    public required ulong TotalBytes { get; init; }

    public required ChecksumType Checksum { get; init; }

    /// <summary>What was asked for, and what the profiles brought with them.</summary>
    public required MakeFeatures Features { get; init; }

    public required IReadOnlyList<MadeChunk> Chunks { get; init; }

    public required IReadOnlyList<MadeDevice> Devices { get; init; }

    /// <summary>What a person should know of the choice: sentences, lower case, without a full stop.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
