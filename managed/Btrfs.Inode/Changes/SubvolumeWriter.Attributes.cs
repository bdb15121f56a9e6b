using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

public sealed partial class SubvolumeWriter
{
    internal const int ItemsOfAttributes = 4;

    /// <summary>Sets permissions, owners and times, just as they are given: no set-id bit is taken away on the way.</summary>
    public void SetAttributes(ulong inode, AttributeChange what)
    {
        using Transaction part = Begin(ItemsOfAttributes);
        Change change = new(part, this, checksLater: true);
        AttributeOperations.Set(change, inode, what);
        Complete(change);
        Interlocked.Increment(ref _attributesVersion);
    }

    /// <summary>Changes the owner as chown does: what is no directory loses its set-id bits and capabilities. Null leaves a half as it is.</summary>
    public void ChangeOwner(ulong inode, uint? uid, uint? gid)
    {
        using Transaction part = Begin(ItemsOfAttributes);
        Change change = new(part, this, checksLater: true);
        AttributeOperations.ChangeOwner(change, inode, uid, gid);
        Complete(change);
        Interlocked.Increment(ref _attributesVersion);
    }

    /// <summary>Sets the flags that chattr sets, all at once: <see cref="InodeFlags.Compress"/>, <see cref="InodeFlags.NoDataCow"/>, and so on.</summary>
    public void SetFlags(ulong inode, InodeFlags flags)
    {
        using Transaction part = Begin(ItemsOfAttributes);
        Change change = new(part, this);
        AttributeOperations.SetFlags(change, inode, flags);
        Complete(change);
        Interlocked.Increment(ref _attributesVersion);
    }

    /// <summary>
    /// Sets an extended attribute. "btrfs.compression" is a property and changes the inode's flags; "system.posix_acl_access" changes its mode.
    /// </summary>
    /// <param name="inode">Any inode.</param>
    /// <param name="name">With its class.</param>
    /// <param name="value">Its bytes.</param>
    /// <param name="mode">Whether it must, or must not, be there.</param>
    public void SetXattr(ulong inode, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrMode mode = XattrMode.Set)
    {
        using Transaction part = Begin(ItemsOfAttributes);
        Change change = new(part, this, checksLater: true);
        AttributeOperations.SetXattr(change, inode, name, value, mode);
        Complete(change);
        Interlocked.Increment(ref _attributesVersion);
    }

    /// <summary>Takes an extended attribute away.</summary>
    public void RemoveXattr(ulong inode, ReadOnlySpan<byte> name)
    {
        using Transaction part = Begin(ItemsOfAttributes, ReservePolicy.Freeing);
        Change change = new(part, this, checksLater: true);
        AttributeOperations.RemoveXattr(change, inode, name);
        Complete(change);
        Interlocked.Increment(ref _attributesVersion);
    }
}
