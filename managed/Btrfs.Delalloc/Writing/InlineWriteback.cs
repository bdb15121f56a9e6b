using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Delalloc.Writing;

/// <summary>Stores a file of one sector at most in its leaf, if it is small enough by now.</summary>
internal static class InlineWriteback
{
    /// <summary>Enters the batch as an inline extent, and ends the change.</summary>
    /// <returns>Whether it could be; else nothing has changed.</returns>
    public static bool TryEnter(WritebackJob job, Change change, ref InodeItem item)
    {
        OrderedExtent first = job.Batch.Extents[0];
        ulong size;
        lock (job.Node.State)
            size = job.Node.Size;
        if (first.Sector != 0 || size == 0 || size > (ulong)job.SectorSize || job.Batch.Pages.Length != 1)
            return false;

        ReadOnlySpan<byte> content = job.Pool[job.Batch.Pages[0]][..(int)size];
        if (!job.Encoder.TryEncodeInline(content, out ReadOnlyMemory<byte> payload, out CompressionType compression))
            return false;

        ulong diskSize = item.FileSize;
        FileContent.StoreInline(change, job.Node.Inode, ref item, payload.Span, content.Length, compression);
        item.FileSize = diskSize;
        job.Close(change, ref item, ulong.MaxValue);
        return true;
    }
}
