namespace Btrfs.Space.Backrefs;

/// <summary>Which uses of which extent a walk looks for.</summary>
public readonly record struct ExtentQuery
{
    /// <summary>Logical address where the extent starts.</summary>
    public required ulong Bytenr { get; init; }

    /// <summary>Only uses that cover this byte of an uncompressed extent count. Uses of compressed extents always do.</summary>
    public required ulong ExtentOffset { get; init; }

    /// <summary>The extent's own reference, which need not be resolved: (root, inode, file offset less extent offset).</summary>
    public (ulong Root, ulong Inode, ulong Offset)? Skip { get; init; }

    /// <summary>End at once when the extent has no more than one reference.</summary>
    public bool OnlyIfShared { get; init; }

    /// <summary>Whether a reference is the one to be skipped.</summary>
    internal bool Skips(Reference reference) =>
        Skip is { } own && reference.Parent == 0 && reference.Root == own.Root && reference.SearchKey.ObjectId == own.Inode && reference.SearchKey.Offset == own.Offset;
}
