using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Delalloc.Files;

/// <summary>What decides whether a file may be written, remembered so that not every write has to look into its tree.</summary>
/// <param name="Root">The subvolume's root, whose flags are looked at each time.</param>
/// <param name="Mode">Type and permissions.</param>
/// <param name="Flags">As chattr has them, and NODATASUM.</param>
/// <param name="Version">Of the subvolume's attributes, when this was read.</param>
internal sealed record FileFacts(RootState Root, uint Mode, InodeFlags Flags, int Version)
{
    public bool IsInPlace => (Flags & (InodeFlags.NoDataCow | InodeFlags.Prealloc)) != 0;

    /// <exception cref="FileOperationException">The file may not be written.</exception>
    public void RequireWritable(ulong inode)
    {
        if (Root.IsDead)
            throw new InvalidRequestException($"there is no subvolume {Root.Id}");
        if (InodeMode.IsDirectory(Mode))
            throw FileOperationException.OfInode(FileError.IsDirectory, Root.Id, inode, "is a directory");
        if (!InodeMode.IsRegular(Mode))
            throw FileOperationException.OfInode(FileError.Invalid, Root.Id, inode, "not a regular file");
        if ((Flags & InodeFlags.Immutable) != 0)
            throw FileOperationException.OfInode(FileError.NotPermitted, Root.Id, inode, "immutable");
        if (Root.IsReadOnly)
            throw new FileOperationException(FileError.ReadOnlySubvolume, $"subvolume {Root.Id} is read-only");
    }
}
