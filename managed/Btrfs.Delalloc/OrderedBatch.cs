using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc;

/// <summary>
/// The ordered extents of one file that are under way together, in the order of the file. They keep their pages until they are in the tree, so that who reads finds
/// their bytes here; who writes there makes new pages, which are newer.
/// </summary>
internal sealed class OrderedBatch(List<OrderedExtent> extents, int[] pages, SpacePromise promise)
{
    public IReadOnlyList<OrderedExtent> Extents => extents;

    /// <summary>Of all extents, one after the other.</summary>
    public ReadOnlySpan<int> Pages => pages;

    /// <summary>What was promised for these pages.</summary>
    public SpacePromise Promise { get; } = promise;

    /// <summary>From here on, in sectors, nothing of it is in the tree yet.</summary>
    public ulong FirstSector { get; set; } = extents[0].Sector;

    public bool TryGetPage(ulong sector, out int page)
    {
        int low = 0;
        int high = extents.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (extents[middle].EndSector <= sector)
                low = middle + 1;
            else
                high = middle;
        }

        bool found = low < extents.Count && extents[low].Sector <= sector;
        page = found ? pages[extents[low].FirstPage + (int)(sector - extents[low].Sector)] : -1;
        return found;
    }
}
