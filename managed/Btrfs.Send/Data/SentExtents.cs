using Btrfs.Inode;

namespace Btrfs.Send.Data;

/// <summary>
/// Where in the stream's own subvolume an extent was sent already: the receiver has it there, and whoever refers to it later can be cloned from there. That answers for
/// most references without a look at the extent tree, however many there are.
/// <para>One place an extent, the one with the longest run; about 80 bytes each.</para>
/// </summary>
internal sealed class SentExtents
{
    /// <summary>Beyond so many all are forgotten: later references are then looked up, or sent as data once more.</summary>
    private const int MaxExtents = 512 * 1024;

    private readonly Dictionary<ulong, Place> _places = [];

    /// <summary>Puts the place where a run's bytes are into <paramref name="source"/>, if they were sent.</summary>
    /// <param name="extent">The run at work.</param>
    /// <param name="length">How many of its bytes are wanted, from its beginning on.</param>
    /// <param name="source">The send root.</param>
    public bool TryFind(in FileExtent extent, ulong length, CloneSource source)
    {
        if (!_places.TryGetValue(extent.DiskBytenr, out Place place)
            || extent.ExtentOffset < place.ExtentOffset
            || extent.ExtentOffset + length > place.ExtentOffset + place.NumBytes)
        {
            return false;
        }

        source.IsFound = true;
        source.Inode = place.Inode;
        source.Offset = place.FileOffset + (extent.ExtentOffset - place.ExtentOffset);
        source.NumBytes = place.ExtentOffset + place.NumBytes - extent.ExtentOffset;
        return true;
    }

    /// <summary>The receiver has a run now.</summary>
    /// <param name="extent">The run.</param>
    /// <param name="inode">Its file.</param>
    /// <param name="length">How much of it lies in the file.</param>
    public void Add(in FileExtent extent, ulong inode, ulong length)
    {
        if (_places.TryGetValue(extent.DiskBytenr, out Place known))
        {
            if (known.NumBytes >= length)
                return;
        }
        else if (_places.Count == MaxExtents)
        {
            _places.Clear();
        }

        _places[extent.DiskBytenr] = new Place(inode, extent.FileOffset, extent.ExtentOffset, length);
    }

    private readonly record struct Place(ulong Inode, ulong FileOffset, ulong ExtentOffset, ulong NumBytes);
}
