namespace Btrfs.Check;

/// <summary>What is checked, and how much of it is kept.</summary>
public sealed record CheckOptions
{
    /// <summary>Read all data that has checksums, on every mirror, and verify it.</summary>
    public bool CheckDataChecksums { get; init; }

    /// <summary>How many findings the report keeps; the others are counted.</summary>
    public int MaxFindings { get; init; } = 1000;
}
