namespace Btrfs.Check;

/// <summary>What a check found.</summary>
/// <param name="Findings">The first of them, in the order in which they were found.</param>
/// <param name="FindingCount">How many there are.</param>
/// <param name="Notices">What a person should know and what is no fault: lower-case sentences.</param>
/// <param name="Totals">What was gone through.</param>
public sealed record CheckReport(IReadOnlyList<Finding> Findings, long FindingCount, IReadOnlyList<string> Notices, CheckTotals Totals)
{
    public bool IsClean => FindingCount == 0;
}

/// <summary>Sums over a whole file system, in bytes unless the name says otherwise.</summary>
public sealed class CheckTotals
{
    /// <summary>All that the extent tree has allocated.</summary>
    public ulong AllocatedBytes { get; internal set; }

    public ulong TreeBytes { get; internal set; }

    /// <summary>Blocks of trees of files; shared ones count once.</summary>
    public ulong FileTreeBytes { get; internal set; }

    public ulong ExtentTreeBytes { get; internal set; }

    /// <summary>Room in tree blocks that holds nothing.</summary>
    public ulong TreeWasteBytes { get; internal set; }

    /// <summary>Checksums themselves.</summary>
    public ulong ChecksumBytes { get; internal set; }

    /// <summary>Bytes of extents that file extents name, each naming counted.</summary>
    public ulong FileDataAllocated { get; internal set; }

    /// <summary>Bytes of files that those file extents cover.</summary>
    public ulong FileDataReferenced { get; internal set; }

    public long Inodes { get; internal set; }

    public long TreeBlocks { get; internal set; }

    public long Extents { get; internal set; }

    /// <summary>Inodes without a name that wait to be deleted, and subvolumes.</summary>
    public long Orphans { get; internal set; }

    /// <summary>Data that was read and verified.</summary>
    public ulong VerifiedDataBytes { get; internal set; }
}
