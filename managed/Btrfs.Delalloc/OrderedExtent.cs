namespace Btrfs.Delalloc;

/// <summary>A run of a file's dirty pages that is on its way to the disk.</summary>
/// <param name="Sector">Where it begins in the file, in sectors.</param>
/// <param name="FirstPage">Where its pages begin among those of the batch.</param>
/// <param name="Count">Of pages.</param>
internal readonly record struct OrderedExtent(ulong Sector, int FirstPage, int Count)
{
    public ulong EndSector => Sector + (ulong)Count;
}
