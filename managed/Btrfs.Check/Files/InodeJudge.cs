using Btrfs.Check.Walking;
using Btrfs.Format;

namespace Btrfs.Check.Files;

/// <summary>Judges inodes whose items are all there.</summary>
internal sealed class InodeJudge(CheckState state)
{
    private readonly bool _needsHoles = !state.Has(IncompatFlags.NoHoles);
    private readonly ulong _sectorSize = (ulong)state.Fs.SectorSize;

    /// <summary>The tree that is walked, for messages.</summary>
    public ulong Root { get; set; }

    /// <param name="run">All items of one inode.</param>
    /// <param name="sums">Told what names and orphan items the inode should have.</param>
    /// <param name="isMute">Whether to tell of nothing: the tree is half deleted.</param>
    public void Judge(in InodeRun run, ref NameSums sums, bool isMute)
    {
        if (run.Inode is < ObjectIds.FirstFree or > ObjectIds.LastFree)
            return;
        if (!run.HasItem)
        {
            if (!run.IsBroken && !isMute)
                Report(FindingKind.MissingInode, run, "has items and no inode item");
            return;
        }

        if (!isMute)
            state.Totals.Inodes++;
        sums.AddInode(run.Inode, NameSums.TypeOf(run.Mode), run.Names);
        if (run.NLink == 0 && run.Names == 0)
        {
            sums.AddOrphanInode(run.Inode);
            if (!isMute)
                state.Totals.Orphans++;
        }

        if (run.IsBroken || isMute)
            return;

        JudgeLinks(run);
        if (InodeMode.IsDirectory(run.Mode))
            JudgeDirectory(run);
        else if (run.HasEntries)
            Report(FindingKind.InodeType, run, "has entries and is no directory");

        if (InodeMode.IsRegular(run.Mode))
            JudgeFile(run);
        else if (InodeMode.IsSymbolicLink(run.Mode))
            JudgeLink(run);
        else if (run.Extents > 0)
            Report(FindingKind.InodeType, run, "has file extents and is no file");
    }

    private void JudgeLinks(in InodeRun run)
    {
        // A directory has one name; the top one is its own parent.
        if (run.NLink != run.Names)
            Report(FindingKind.LinkCount, run, $"counts {run.NLink} links and has {run.Names} names");
    }

    private void JudgeDirectory(in InodeRun run)
    {
        // Each name counts where it stands by hash and where it stands by index.
        if (run.EntryNameBytes != run.FileSize)
            Report(FindingKind.DirectorySize, run, $"is a directory of size {run.FileSize}, its entries make {run.EntryNameBytes}");
    }

    private void JudgeFile(in InodeRun run)
    {
        if (run.Overlaps)
            Report(FindingKind.FileExtentOverlap, run, "has file extents that overlap");

        // What is being deleted is cut in steps, and the inode item is not kept up to date any more.
        if (run.NLink == 0)
            return;

        if (run.ExtentBytes != run.NBytes)
            Report(FindingKind.FileBytes, run, $"counts {run.NBytes} bytes on the disk, its extents have {run.ExtentBytes}");
        if (_needsHoles)
            JudgeHoles(run);
        if (run.NoDataSum && run.HasChecksums)
            Report(FindingKind.UnexpectedChecksum, run, "has checksums, and its flags say that it has none");
        if (!run.NoDataSum && run.LacksChecksums && state.HasWholeChecksumTree)
            Report(FindingKind.MissingChecksum, run, "has data without checksums");
    }

    private void JudgeHoles(in InodeRun run)
    {
        ulong size = (run.FileSize + _sectorSize - 1) & ~(_sectorSize - 1);
        ulong gap = run.Extents == 0 || run.FirstExtent > 0 ? 0 : Math.Min(run.FirstGap, run.ExtentEnd);
        if (gap < size)
            Report(FindingKind.FileExtentGap, run, $"has {run.FileSize} bytes and no file extent at {gap}");
    }

    private void JudgeLink(in InodeRun run)
    {
        if (run.NLink == 0)
            return;
        if (run.Extents != 1 || !run.HasInline || run.IsCompressed)
            Report(FindingKind.InodeType, run, $"is a symbolic link and has {run.Extents} file extents instead of one inline");
        else if (run.ExtentBytes != run.FileSize)
            Report(FindingKind.FileBytes, run, $"is a symbolic link of size {run.FileSize}, its target has {run.ExtentBytes} bytes");
        if (run.ExtentBytes != run.NBytes)
            Report(FindingKind.FileBytes, run, $"counts {run.NBytes} bytes on the disk, its extents have {run.ExtentBytes}");
    }

    private void Report(FindingKind kind, in InodeRun run, string what) =>
        state.Log.Add(kind, Root, new Key(run.Inode, ItemType.InodeItem, 0), $"inode {run.Inode} {what}");
}
