using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>Sets the size of files.</summary>
internal static class TruncateOperation
{
    /// <summary>One part of a truncate; a file with many extents takes several.</summary>
    /// <returns>Whether the file has the size by now.</returns>
    public static bool Step(Change change, ulong inode, ulong size)
    {
        InodeItem item = change.GetWritableFile(inode);
        change.RequireNotAppendOnly(inode, item);
        RequireSize(change, inode, size);
        bool isResized = size != item.FileSize.Value;
        if (!isResized && !FileExtents.TryFind(change, inode, change.AlignUp(size), out _))
            return true;

        bool isDone = true;
        try
        {
            if (size > item.FileSize.Value)
                FileContent.Expand(change, inode, ref item, size);
            else
                isDone = Shrink(change, inode, ref item, size);
        }
        catch (NoSpaceException) when (change.IsCutShort)
        {
            change.KeepCutShort(inode, ref item);
            throw;
        }

        if (isResized)
        {
            item.MTime = change.Now;
            item.CTime = change.Now;
        }

        change.PutInode(inode, ref item);
        return isDone;
    }

    /// <summary>
    /// One part of cutting off what a file has behind a size, for who keeps the end of the file in memory: the file itself gets no larger by it, and what is in its last sector is
    /// the caller's.
    /// </summary>
    /// <returns>Whether nothing is left behind the size.</returns>
    public static bool CutStep(Change change, ulong inode, ulong size, bool isResized)
    {
        InodeItem item = change.GetWritableFile(inode);
        bool isDone = size >= item.FileSize.Value
            ? FileExtents.CutTail(change, inode, change.AlignUp(size), ref item, InodeRemoval.ExtentsPerStep) is null
            : Shrink(change, inode, ref item, size);
        if (isResized)
        {
            item.MTime = change.Now;
            item.CTime = change.Now;
        }

        if (isResized || change.Part.HasChanged)
            change.PutInode(inode, ref item);
        return isDone;
    }

    public static void RequireSize(Change change, ulong inode, ulong size)
    {
        if (size > long.MaxValue)
            throw change.Refuse(FileError.TooLarge, inode, $"a file can't have {size} bytes");
    }

    // What a cut leaves in its last sector stays on the disk; whoever makes the file larger again clears it.
    private static bool Shrink(Change change, ulong inode, ref InodeItem item, ulong size)
    {
        if (FileExtents.CutTail(change, inode, change.AlignUp(size), ref item, InodeRemoval.ExtentsPerStep) is { } cut)
        {
            item.FileSize = Math.Clamp(cut, size, item.FileSize);
            return false;
        }

        if (FileExtents.TryGetInline(change, inode, out ExtentRun run))
            ShrinkInline(change, inode, ref item, run, size);
        item.FileSize = size;
        return true;
    }

    private static void ShrinkInline(Change change, ulong inode, ref InodeItem item, in ExtentRun run, ulong size)
    {
        // A file may have grown beyond what its leaf has of it.
        if (size >= run.Item.RamBytes.Value)
            return;
        if (run.Item.Compression == CompressionType.None)
        {
            FileExtents.ShortenInline(change, run, size, ref item);
            return;
        }

        byte[] content = new byte[size];
        FileContent.Read(change, inode, item, 0, content);
        FileContent.RewriteInline(change, inode, ref item, DataEncoder.For(change, inode, item, change.Writing), content);
    }
}
