using Btrfs.Delalloc.Pages;

namespace Btrfs.Delalloc.Writing;

/// <summary>Copies the pages of ordered extents together, so that what lies together on the disk, or is compressed together, is one run of bytes.</summary>
internal static class PageGather
{
    /// <summary>Copies pages, back to back.</summary>
    public static void Copy(PagePool pool, ReadOnlySpan<int> pages, Span<byte> destination)
    {
        int size = pool.PageSize;
        for (int i = 0; i < pages.Length; i++)
            pool[pages[i]].CopyTo(destination.Slice(i * size, size));
    }
}
