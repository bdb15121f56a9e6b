using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Subvolumes;

public sealed partial class SubvolumeOperations
{
    /// <summary>
    /// Ends the receiving of a subvolume, all in one: it gets its name in the directory where it is, loses the xattr that has marked it as a part, is noted as received,
    /// and becomes read-only.
    /// </summary>
    /// <param name="id">The subvolume.</param>
    /// <param name="name">A name that is free.</param>
    /// <param name="mark">The xattr of its top directory that goes.</param>
    /// <param name="uuid">Of the sender's subvolume.</param>
    /// <param name="transactionId">The sender's ctransid.</param>
    /// <exception cref="FileOperationException">The name is taken, or the subvolume has none; nothing was changed.</exception>
    public void CompleteReceived(ulong id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> mark, Uuid uuid, ulong transactionId)
    {
        using Transaction part = _writers.Writer.Begin(2 * Items);
        RootState root = GetRoot(part, id);
        SubvolumeInfo place = new SubvolumeTable(part.Running).Get(id);
        Change above = new(part, _writers.Get(place.ParentId));
        Change inside = new(part, _writers.Get(id));
        RenameOperation.Rename(above, place.Directory, place.Name, above, place.Directory, name, RenameFlags.NoReplace);
        XattrItems.Remove(inside, ObjectIds.FirstFree, mark);
        above.Finish();
        inside.Finish();
        NoteReceived(part, root, uuid, transactionId, default);
        root.Item.Flags |= RootFlags.ReadOnly;
        part.Complete();
    }
}
