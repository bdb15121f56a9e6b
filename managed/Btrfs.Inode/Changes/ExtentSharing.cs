using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>
/// Tells whether a file alone uses an extent, and may write over it. The extent tree of the last commit doesn't know what was shared since:
/// that is remembered here. (Snapshots are told by their generation, and are no business of this.) Guarded by the writer's lock.
/// </summary>
internal sealed class ExtentSharing
{
    private readonly HashSet<ulong> _shared = [];

    /// <summary>Notes that an extent has got another user.</summary>
    public void NoteShared(LogicalAddress start) => _shared.Add(start.Value);

    /// <summary>Whether nobody but this file uses the extent, and all its uses lie in one place.</summary>
    public bool IsOnlyUse(FsInfo committed, LogicalAddress start, ulong bytes, DataReference use)
    {
        if (_shared.Contains(start.Value))
            return false;

        TreeCursor cursor = committed.OpenCursor(committed.GetRoot(ObjectIds.ExtentTree).Tree);
        if (!cursor.TryFind(new Key(start.Value, ItemType.ExtentItem, bytes)))
            return true;

        ReadOnlySpan<byte> data = cursor.Data;
        ulong references = MemoryMarshal.AsRef<ExtentItem>(data).Refs;
        data = data[ExtentItem.Size..];
        while (!data.IsEmpty && (ItemType)data[0] == ItemType.ExtentOwnerRef)
            data = data[ExtentInlineRef.Size..];
        if (data.Length != 1 + ExtentDataRef.Size || (ItemType)data[0] != ItemType.ExtentDataRef)
            return false;

        ref readonly ExtentDataRef only = ref MemoryMarshal.AsRef<ExtentDataRef>(data[1..]);
        return only.Count.Value == references && only.Root.Value == use.RootId && only.ObjectId.Value == use.Inode && only.Offset.Value == use.Offset;
    }
}
