using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;
using Btrfs.Send.State;

namespace Btrfs.Send.Names;

/// <summary>
/// Answers what the receiver has at this point of the stream: which inodes exist there, and whose names were taken by others.
/// Everything follows from the two snapshots and <see cref="SendContext.Progress"/>; nothing is recorded.
/// </summary>
internal sealed class ReceiverView(SendContext context, DirectoryMoves moves)
{
    private readonly byte[] _uniqueName = new byte[64];

    /// <exception cref="CorruptMetadataException">The inode is missing.</exception>
    public static ulong RequireGeneration(Subvolume subvolume, ulong inode) =>
        subvolume.TryGetGeneration(inode, out ulong generation) ? generation : throw Missing(subvolume, inode);

    /// <summary>Looks up an inode's first name and its parent's generation; false when the inode has no name.</summary>
    public static bool TryGetFirstName(Subvolume subvolume, ulong inode, out InodeId parent, out ReadOnlySpan<byte> name)
    {
        if (!subvolume.TryGetFirstName(inode, out NameRef first))
        {
            parent = default;
            name = default;
            return false;
        }

        name = first.Name;
        parent = new InodeId(first.Parent, RequireGeneration(subvolume, first.Parent));
        return true;
    }

    /// <exception cref="CorruptMetadataException">The inode has no name.</exception>
    public static void RequireFirstName(Subvolume subvolume, ulong inode, out InodeId parent, out ReadOnlySpan<byte> name)
    {
        if (!TryGetFirstName(subvolume, inode, out parent, out name))
            throw new CorruptMetadataException($"corrupt metadata: root={subvolume.Id} inode={inode}, a name is needed and there is none");
    }

    public InodeState StateOf(InodeId inode) => StateOf(inode, out _, out _);

    /// <summary>Whether the receiver has the inode now.</summary>
    /// <exception cref="BtrfsException">Neither snapshot knows it.</exception>
    public bool Exists(InodeId inode)
    {
        InodeState state = IsTop(inode.Number) ? InodeState.NoChange : StateOf(inode);
        if (state == InodeState.Unknown)
            throw Unknown(inode);
        return IsThere(state);
    }

    public InodeState StateOf(InodeId inode, out ulong sendGeneration, out ulong parentGeneration)
    {
        sendGeneration = LinkedGeneration(context.Send, inode.Number);
        parentGeneration = context.Parent is null ? 0 : LinkedGeneration(context.Parent, inode.Number);
        bool inSend = sendGeneration != 0 && sendGeneration == inode.Generation;
        bool inParent = parentGeneration != 0 && parentGeneration == inode.Generation;
        bool passed = inode.Number < context.Progress;
        if (inSend && inParent)
            return InodeState.NoChange;
        if (inSend)
            return passed ? InodeState.DidCreate : InodeState.WillCreate;
        if (inParent)
            return passed ? InodeState.DidDelete : InodeState.WillDelete;
        return InodeState.Unknown;
    }

    /// <summary>
    /// Whether a new name falls on one that an inode still to be processed has at the receiver. Then that inode must get out of the way first.
    /// </summary>
    public bool WouldOverwrite(InodeId directory, ReadOnlySpan<byte> name, out InodeId other, out uint otherMode)
    {
        other = default;
        otherMode = 0;
        if (context.Parent is not { } parent)
            return false;

        // A directory that was deleted and made anew starts empty: nothing in it can be overwritten.
        if (!IsTop(directory.Number))
        {
            InodeState state = StateOf(directory, out _, out ulong parentGeneration);
            if (!IsThere(state) || parentGeneration != directory.Generation)
                return false;
        }

        if (!TryLookupInode(parent, directory.Number, name, out ulong inode))
            return false;
        if (inode <= context.Progress && !moves.IsWaiting(inode))
            return false;

        if (!parent.TryGetInode(inode, out InodeItem item))
            throw Missing(parent, inode);
        other = new InodeId(inode, item.Generation);
        otherMode = item.Mode;
        return true;
    }

    /// <summary>Whether a name that <paramref name="inode"/> had was taken by an inode that was already processed, or by the one at work.</summary>
    public bool WasOverwritten(InodeId directory, InodeId inode, ReadOnlySpan<byte> name)
    {
        if (context.Parent is null)
            return false;

        if (!IsTop(directory.Number))
        {
            InodeState state = StateOf(directory, out ulong sendGeneration, out _);
            if (state == InodeState.Unknown)
                throw Unknown(directory);
            if (!IsThere(state) || sendGeneration != directory.Generation)
                return false;
        }

        if (!TryLookupInode(context.Send, directory.Number, name, out ulong owner))
            return false;
        if (owner == inode.Number && RequireGeneration(context.Send, owner) == inode.Generation)
            return false;
        if (owner < context.Progress)
            return true;

        CurrentInode current = context.Current;
        return inode.Number != current.Number && owner == current.Number
            && RequireGeneration(context.Send, owner) == current.Generation;
    }

    /// <summary>As <see cref="WasOverwritten"/>, for the name under which the parent snapshot lists the inode first.</summary>
    public bool FirstNameWasOverwritten(InodeId inode)
    {
        if (context.Parent is not { } parent)
            return false;

        RequireFirstName(parent, inode.Number, out InodeId directory, out ReadOnlySpan<byte> name);
        return WasOverwritten(directory, inode, name);
    }

    /// <summary>
    /// The temporary name of an inode in the top directory, for when it has no other: o(number)-(generation)-(n) with the first n that is
    /// free in both snapshots. The span is good until the next call.
    /// </summary>
    public ReadOnlySpan<byte> UniqueName(InodeId inode)
    {
        for (ulong n = 0; ; n++)
        {
            if (!System.Text.Unicode.Utf8.TryWrite(_uniqueName, $"o{inode.Number}-{inode.Generation}-{n}", out int length))
                throw new InvariantException("a unique name outgrew its buffer");

            ReadOnlySpan<byte> name = _uniqueName.AsSpan(0, length);
            if (!context.Send.TryLookup(ObjectIds.FirstFree, name, out _)
                && (context.Parent is null || !context.Parent.TryLookup(ObjectIds.FirstFree, name, out _)))
            {
                return name;
            }
        }
    }

    public static bool IsTop(ulong inode) => inode == ObjectIds.FirstFree;

    private static bool IsThere(InodeState state) =>
        state is InodeState.NoChange or InodeState.DidCreate or InodeState.WillDelete;

    // An inode without links is an orphan: as good as not there. Generations start at 1, so 0 can say so.
    private static ulong LinkedGeneration(Subvolume subvolume, ulong inode) =>
        subvolume.TryGetInode(inode, out InodeItem item) && item.NLink.Value != 0 ? item.Generation : 0;

    private static bool TryLookupInode(Subvolume subvolume, ulong directory, ReadOnlySpan<byte> name, out ulong inode)
    {
        bool found = subvolume.TryLookup(directory, name, out DirEntry entry) && !entry.IsSubvolume;
        inode = found ? entry.Location.ObjectId : 0;
        return found;
    }

    private static BtrfsException Unknown(InodeId inode) =>
        new($"inconsistent snapshots: neither has inode {inode.Number} of generation {inode.Generation}");

    private static CorruptMetadataException Missing(Subvolume subvolume, ulong inode) =>
        new($"corrupt metadata: root={subvolume.Id} inode={inode}, the inode item is missing");
}
