using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Names;
using Btrfs.Send.Emit;
using Btrfs.Send.Names;
using Btrfs.Send.State;

namespace Btrfs.Send;

/// <summary>Sends what changed among the extended attributes of the inode at work.</summary>
internal sealed class XattrProcessor(SendContext context, PathResolver paths, CommandEmitter emitter)
{
    /// <summary>An access list of version 2 without entries: an empty value could not be set.</summary>
    private static ReadOnlySpan<byte> EmptyAcl => [2, 0, 0, 0];

    private static ReadOnlySpan<byte> Capability => "security.capability"u8;

    private static ReadOnlySpan<byte> AccessAcl => "system.posix_acl_access"u8;

    private static ReadOnlySpan<byte> DefaultAcl => "system.posix_acl_default"u8;

    public void Process(in ChangedItem item)
    {
        switch (item.Change)
        {
            case ItemChange.New:
                SetAll(item.Left.Data, default);
                break;
            case ItemChange.Deleted:
                RemoveAll(item.Right.Data, default);
                break;
            default:
                SetAll(item.Left.Data, item.Right.Data);
                RemoveAll(item.Right.Data, item.Left.Data);
                break;
        }
    }

    /// <summary>Sets every attribute that the send snapshot has.</summary>
    public void SetAllOfCurrent()
    {
        TreeCursor cursor = context.Send.OpenCursor();
        ulong inode = context.Current.Number;
        cursor.Seek(new Key(inode, ItemType.XattrItem, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && cursor.Key.Type == ItemType.XattrItem; cursor.MoveNext())
            SetAll(cursor.Data, default);
    }

    /// <summary>Sets the capability, which a change of owner would have wiped.</summary>
    public void SetCapability()
    {
        if (context.Send.TryGetXattr(context.Current.Number, Capability, out ReadOnlySpan<byte> value))
            emitter.SetXattr(paths.OfCurrent(), Capability, value);
    }

    private void SetAll(ReadOnlySpan<byte> item, ReadOnlySpan<byte> oldItem)
    {
        foreach (DirEntry xattr in new DirEntryEnumerator(item))
        {
            if (DirEntryEnumerator.TryFind(oldItem, xattr.Name, out DirEntry old) && old.Data.SequenceEqual(xattr.Data))
                continue;
            Set(xattr);
        }
    }

    private void Set(DirEntry xattr)
    {
        // The kernel compares only as many bytes as the name has: a name that these begin with is taken for them.
        if (Capability.StartsWith(xattr.Name))
            return;

        bool isAcl = AccessAcl.StartsWith(xattr.Name) || DefaultAcl.StartsWith(xattr.Name);
        emitter.SetXattr(paths.OfCurrent(), xattr.Name, isAcl && xattr.Data.IsEmpty ? EmptyAcl : xattr.Data);
    }

    private void RemoveAll(ReadOnlySpan<byte> item, ReadOnlySpan<byte> newItem)
    {
        foreach (DirEntry xattr in new DirEntryEnumerator(item))
        {
            if (!DirEntryEnumerator.TryFind(newItem, xattr.Name, out _))
                emitter.RemoveXattr(paths.OfCurrent(), xattr.Name);
        }
    }
}
