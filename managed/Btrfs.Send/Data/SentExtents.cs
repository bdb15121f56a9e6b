using Btrfs.Inode;
using Btrfs.Send.State;

namespace Btrfs.Send.Data;

/// <summary>
/// Where extents that are shared too widely to be looked up were sent before in this very stream: the receiver has them there. One place is kept of each, so the memory grows by the
/// thousandth part of the references, and finding it costs the same however many there are.
/// </summary>
internal sealed class SentExtents(SendContext context)
{
    private readonly Dictionary<ulong, Place> _places = [];

    private readonly record struct Place(ulong Inode, ulong FileOffset, ulong ExtentOffset, ulong NumBytes);

    /// <summary>Lets <paramref name="source"/>, which is the send root, be where the bytes of <paramref name="extent"/> were sent, or a part of them from their begin on; false where they were not.</summary>
    public bool TryFind(in FileExtent extent, CloneSource source)
    {
        if (!_places.TryGetValue(extent.DiskBytenr, out Place place)
            || extent.ExtentOffset < place.ExtentOffset || extent.ExtentOffset >= place.ExtentOffset + place.NumBytes)
        {
            return false;
        }

        ulong skipped = extent.ExtentOffset - place.ExtentOffset;
        ulong offset = place.FileOffset + skipped;

        // Of the file at work the receiver has what lies below the last write.
        if (place.Inode == context.Current.Number && offset + extent.NumBytes > context.Current.NextWriteOffset)
            return false;

        source.IsFound = true;
        source.Inode = place.Inode;
        source.Offset = offset;
        source.NumBytes = place.NumBytes - skipped;
        return true;
    }

    /// <summary>Remembers that <paramref name="extent"/> of the inode at work goes out now.</summary>
    public void Note(in FileExtent extent)
    {
        if (!_places.TryGetValue(extent.DiskBytenr, out Place place) || place.NumBytes < extent.NumBytes)
            _places[extent.DiskBytenr] = new Place(context.Current.Number, extent.FileOffset, extent.ExtentOffset, extent.NumBytes);
    }
}
