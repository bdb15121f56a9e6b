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
        ReadOnlySpan<byte> content = ContentOf(job);
        if (content.IsEmpty || !job.Encoder.TryEncodeInline(content, out ReadOnlyMemory<byte> payload, out CompressionType compression))
            return false;

        ulong diskSize = item.FileSize;
        FileContent.StoreInline(change, job.Node.Inode, ref item, payload.Span, content.Length, compression);
        item.FileSize = diskSize;
        job.Close(change, ref item, ulong.MaxValue);
        return true;
    }

    /// <summary>
    /// Whether the kernel would try to compress such a file and find that it does not shrink, after which it tries no more. With lzo it does not look at the lengths.
    /// </summary>
    public static bool IsTriedInVain(WritebackJob job)
    {
        ReadOnlySpan<byte> content = ContentOf(job);
        return !content.IsEmpty && job.Encoder.Compression is CompressionType.Zlib or CompressionType.Zstd
            && CompressionHeuristic.MayShrink(job.Pool[job.Batch.Pages[0]]) && !job.Encoder.Shrinks(content);
    }

    // All of the file, if it is one sector at most.
    private static ReadOnlySpan<byte> ContentOf(WritebackJob job)
    {
        ulong size;
        lock (job.Node.State)
            size = job.Node.Size;
        bool isWhole = job.Batch.Extents[0].Sector == 0 && size <= (ulong)job.SectorSize && job.Batch.Pages.Length == 1;
        return isWhole ? job.Pool[job.Batch.Pages[0]][..(int)size] : default;
    }
}
