using System.Diagnostics.CodeAnalysis;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;
using Btrfs.Send.State;

namespace Btrfs.Send.Names;

/// <summary>Decides whether the directory at work can be moved to its new name now, or must wait for another directory's move.</summary>
internal sealed class MoveDelay(SendContext context, DirectoryMoves moves)
{
    /// <summary>
    /// The new name is still held by a directory whose own move waits: then this one waits for that.
    /// </summary>
    public bool WaitsForDestination(RecordedName name, [NotNullWhen(true)] out ulong? blocker)
    {
        blocker = null;
        if (!moves.HasWaiting || !context.Parent!.TryLookup(name.Directory.Number, name.Name, out DirEntry entry))
            return false;
        if (entry.Location.Type != ItemType.InodeItem)
            return false;

        ulong holder = entry.Location.ObjectId;
        ulong before = ReceiverView.RequireGeneration(context.Parent, holder);
        if (!context.Send.TryGetGeneration(holder, out ulong after) || before != after)
            return false;
        if (moves.Waiting(holder) is not { IsOrphan: false })
            return false;

        blocker = holder;
        return true;
    }

    /// <summary>
    /// Some directory above the new place has a higher number and is itself moved or renamed, or waits while this one is above it at the receiver:
    /// then this one waits for it.
    /// </summary>
    public bool WaitsForParent(RecordedName name, [NotNullWhen(true)] out ulong? blocker)
    {
        CurrentInode current = context.Current;
        Subvolume parent = context.Parent!;
        InodeId at = name.Directory;
        blocker = null;
        for (int depth = 0; at.Number > ObjectIds.FirstFree; depth++)
        {
            RequireDepth(depth, at);
            if (moves.IsWaiting(at.Number) && IsAncestor(parent, current.Id, at.Number))
            {
                blocker = at.Number;
                return true;
            }

            ReceiverView.RequireFirstName(context.Send, at.Number, out InodeId parentAfter, out ReadOnlySpan<byte> nameAfter);
            if (!parent.TryGetFirstName(at.Number, out NameRef before))
                return false;

            bool moved = before.Parent != parentAfter.Number || !before.Name.SequenceEqual(nameAfter);
            if (at.Number > current.Number && moved && ReceiverView.RequireGeneration(parent, at.Number) == at.Generation)
            {
                blocker = at.Number;
                return true;
            }

            at = parentAfter;
        }

        return false;
    }

    /// <summary>Whether <paramref name="ancestor"/> lies above <paramref name="inode"/> in a snapshot, by any of its names.</summary>
    public static bool IsAncestor(Subvolume subvolume, InodeId ancestor, ulong inode)
    {
        TreeCursor cursor = subvolume.OpenCursor();
        cursor.Seek(new Key(inode, ItemType.InodeRef, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && NameRefEnumerator.IsNameItem(cursor.Key.Type); cursor.MoveNext())
        {
            foreach (NameRef name in new NameRefEnumerator(cursor.Key, cursor.Data))
            {
                InodeId parent = new(name.Parent, ReceiverView.RequireGeneration(subvolume, name.Parent));
                if (IsInPath(subvolume, ancestor, parent))
                    return true;

                // All names of an InodeRef item lie in one directory.
                if (cursor.Key.Type == ItemType.InodeRef)
                    break;
            }
        }

        return false;
    }

    private static bool IsInPath(Subvolume subvolume, InodeId ancestor, InodeId inode)
    {
        if (inode.Number == ancestor.Number)
            return inode.Generation == ancestor.Generation;

        for (int depth = 0; inode.Number > ObjectIds.FirstFree; depth++)
        {
            RequireDepth(depth, inode);
            ReceiverView.RequireFirstName(subvolume, inode.Number, out InodeId parent, out _);
            if (parent.Number == ancestor.Number)
                return parent.Generation == ancestor.Generation;
            inode = parent;
        }

        return false;
    }

    // No path has more names than bytes: a longer walk goes in a circle.
    private static void RequireDepth(int depth, InodeId inode)
    {
        if (depth > 4096)
            throw new CorruptMetadataException($"corrupt metadata: directory {inode.Number} is its own ancestor");
    }
}
