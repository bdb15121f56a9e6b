using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

// Each as SubvolumeWriter has it.
public sealed partial class SubvolumeBatch
{
    /// <inheritdoc cref="SubvolumeWriter.Create"/>
    public ulong Create(ulong directory, ReadOnlySpan<byte> name, NewInode what)
    {
        Change change = Open(SubvolumeWriter.ItemsOfNames);
        ulong inode = CreateOperation.Create(change, directory, name, what);
        Complete(change);
        return inode;
    }

    /// <inheritdoc cref="SubvolumeWriter.Link(ulong, ulong, ReadOnlySpan{byte})"/>
    public void Link(ulong inode, ulong directory, ReadOnlySpan<byte> name)
    {
        Change change = Open(SubvolumeWriter.ItemsOfNames);
        LinkOperations.Link(change, change, inode, directory, name);
        Complete(change);
    }

    /// <inheritdoc cref="SubvolumeWriter.Unlink"/>
    public void Unlink(ulong directory, ReadOnlySpan<byte> name)
    {
        Change change = Open(SubvolumeWriter.ItemsOfNames + InodeRemoval.ItemsAtOnce, ReservePolicy.Freeing);
        Note(LinkOperations.Unlink(change, directory, name));
        Complete(change);
    }

    /// <inheritdoc cref="SubvolumeWriter.RemoveDirectory"/>
    public void RemoveDirectory(ulong directory, ReadOnlySpan<byte> name)
    {
        Change change = Open(SubvolumeWriter.ItemsOfNames + InodeRemoval.ItemsAtOnce, ReservePolicy.Freeing);
        LinkOperations.RemoveDirectory(change, directory, name);
        Complete(change);
    }

    /// <summary>Gives an inode another name; what had that is replaced.</summary>
    public void Rename(ulong fromDirectory, ReadOnlySpan<byte> fromName, ulong toDirectory, ReadOnlySpan<byte> toName)
    {
        Change change = Open(2 * SubvolumeWriter.ItemsOfNames + InodeRemoval.ItemsAtOnce);
        Note(RenameOperation.Rename(change, fromDirectory, fromName, change, toDirectory, toName, RenameFlags.None));
        Complete(change);
    }

    /// <inheritdoc cref="SubvolumeWriter.SetAttributes"/>
    public void SetAttributes(ulong inode, AttributeChange what)
    {
        Change change = Open(SubvolumeWriter.ItemsOfAttributes);
        AttributeOperations.Set(change, inode, what);
        Complete(change);
    }

    /// <summary>Gives an inode another owner as chown does for root: what is no directory loses its set-id bits and capabilities, even if the owner stays.</summary>
    public void ChangeOwner(ulong inode, uint uid, uint gid)
    {
        Change change = Open(SubvolumeWriter.ItemsOfAttributes);
        AttributeOperations.ChangeOwner(change, inode, uid, gid);
        Complete(change);
    }

    /// <inheritdoc cref="SubvolumeWriter.SetXattr"/>
    public void SetXattr(ulong inode, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Change change = Open(SubvolumeWriter.ItemsOfAttributes);
        AttributeOperations.SetXattr(change, inode, name, value, XattrMode.Set);
        Complete(change);
    }

    /// <inheritdoc cref="SubvolumeWriter.RemoveXattr"/>
    public void RemoveXattr(ulong inode, ReadOnlySpan<byte> name)
    {
        Change change = Open(SubvolumeWriter.ItemsOfAttributes, ReservePolicy.Freeing);
        AttributeOperations.RemoveXattr(change, inode, name);
        Complete(change);
    }
}
