namespace Btrfs.Check.Files;

/// <summary>
/// What is known of one inode from its items, which lie next to each other but may be cut by a leaf's border: two parts of a run add up.
/// </summary>
internal struct InodeRun
{
    public ulong Inode;
    public bool HasItem;

    /// <summary>A block beside the run could not be read: nothing is missing for certain.</summary>
    public bool IsBroken;
    public bool NoDataSum;
    public bool HasEntries;
    public bool HasInline;
    public bool IsCompressed;
    public bool LacksChecksums;
    public bool HasChecksums;
    public bool Overlaps;
    public uint Mode;
    public uint NLink;
    public ulong FileSize;
    public ulong NBytes;

    /// <summary>Names in InodeRef and InodeExtref items.</summary>
    public uint Names;
    public ulong EntryNameBytes;

    /// <summary>File extent items.</summary>
    public uint Extents;

    /// <summary>What they add to nbytes.</summary>
    public ulong ExtentBytes;
    public ulong FirstExtent;
    public ulong ExtentEnd;

    /// <summary>Where the first hole without an item begins, behind the first extent; the maximum for nowhere.</summary>
    public ulong FirstGap;

    public static InodeRun Of(ulong inode) => new() { Inode = inode, FirstGap = ulong.MaxValue };

    public void AddExtent(ulong start, ulong end, ulong bytes)
    {
        if (Extents == 0)
            FirstExtent = start;
        else
            Join(start);
        Extents++;
        ExtentBytes += bytes;
        ExtentEnd = end;
    }

    /// <summary>Adds the part of the run that lies behind.</summary>
    public void Append(in InodeRun next)
    {
        if (next.HasItem)
        {
            HasItem = true;
            NoDataSum = next.NoDataSum;
            Mode = next.Mode;
            NLink = next.NLink;
            FileSize = next.FileSize;
            NBytes = next.NBytes;
        }

        IsBroken |= next.IsBroken;
        HasEntries |= next.HasEntries;
        HasInline |= next.HasInline;
        IsCompressed |= next.IsCompressed;
        LacksChecksums |= next.LacksChecksums;
        HasChecksums |= next.HasChecksums;
        Overlaps |= next.Overlaps;
        Names += next.Names;
        EntryNameBytes += next.EntryNameBytes;
        if (next.Extents == 0)
            return;

        if (Extents == 0)
            FirstExtent = next.FirstExtent;
        else
            Join(next.FirstExtent);
        Extents += next.Extents;
        ExtentBytes += next.ExtentBytes;
        ExtentEnd = next.ExtentEnd;
        FirstGap = Math.Min(FirstGap, next.FirstGap);
    }

    private void Join(ulong start)
    {
        Overlaps |= start < ExtentEnd;
        if (start > ExtentEnd)
            FirstGap = Math.Min(FirstGap, ExtentEnd);
    }
}
