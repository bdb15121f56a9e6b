using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Send.Names;
using Btrfs.Send.State;

namespace Btrfs.Send.Data;

/// <summary>The path of an inode in a snapshot that the receiver has whole: by first names up to the top.</summary>
internal sealed class SourcePath
{
    private readonly PathBuilder _path = new();

    /// <summary>The span is good until the next call.</summary>
    /// <exception cref="BtrfsException">The inode has no name, or its path is too long.</exception>
    public ReadOnlySpan<byte> Of(Subvolume subvolume, ulong inode)
    {
        _path.Clear();
        while (!ReceiverView.IsTop(inode))
        {
            ReceiverView.RequireFirstName(subvolume, inode, out InodeId parent, out ReadOnlySpan<byte> name);
            _path.Prepend(name);
            inode = parent.Number;
        }

        return _path.Path;
    }
}
