using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;
using Btrfs.Send.Data;
using Btrfs.Send.Emit;
using Btrfs.Send.Names;
using Btrfs.Send.State;

namespace Btrfs.Send;

/// <summary>
/// Takes the changed items in key order, which brings an inode's item first, then its names, xattrs and extents, and finishes the inode
/// when the next one begins.
/// </summary>
internal sealed class InodeProcessor(
    SendContext context,
    NameProcessor names,
    InodeCreator creator,
    XattrProcessor xattrs,
    ExtentProcessor extents,
    DirectoryMoves moves,
    MoveApplier moveApplier,
    DirectoryTimes times,
    PathResolver paths,
    CommandEmitter emitter)
{
    private CurrentInode Current => context.Current;

    public void Process(in ChangedItem item)
    {
        ChangedItem change = item;
        if (change.Change == ItemChange.Same)
        {
            // An equal name still counts when the directory under that number is another one now.
            if (change.Key.Type == ItemType.ExtentData)
                extents.NoteExtent(change.Left.Leaf, change.Left.Slot);
            if (!NameRefEnumerator.IsNameItem(change.Key.Type) || !ParentWasReplaced(change))
                return;
            change = change with { Change = ItemChange.Changed };
        }

        FinishCurrent(change.Key);
        if (change.Key.ObjectId is ObjectIds.FreeIno or ObjectIds.FreeSpace)
            return;

        if (change.Key.Type == ItemType.InodeItem)
            BeginInode(change);
        else if (!Current.IsIgnored)
            ProcessItem(change);
    }

    /// <summary>Finishes the last inode.</summary>
    public void Finish() => FinishCurrent(null);

    private void ProcessItem(in ChangedItem item)
    {
        if (NameRefEnumerator.IsNameItem(item.Key.Type))
        {
            RequireCurrent(item, "reference");
            if (!Current.IsReplaced && !ReceiverView.IsTop(Current.Number))
                RecordNames(item);
        }
        else if (item.Key.Type == ItemType.XattrItem)
        {
            RequireCurrent(item, "xattr");
            if (!Current.IsReplaced && !Current.IsDeleted)
                xattrs.Process(item);
        }
        else if (item.Key.Type == ItemType.ExtentData)
        {
            // Relocation and deduplication change extents without touching the inode: nothing that a receiver could see.
            bool isCurrent = Current.Number == item.Key.ObjectId;
            if (isCurrent && !Current.IsReplaced && !Current.IsDeleted && item.Change != ItemChange.Deleted)
                extents.Process(item.Left.Leaf, item.Left.Slot);
        }
    }

    private void BeginInode(in ChangedItem item)
    {
        paths.CurrentPath.Clear();
        Current.Begin(item.Key.ObjectId);
        context.Progress = Current.Number;
        switch (item.Change)
        {
            case ItemChange.New:
                BeginNew(item.Left.Record<InodeItem>());
                break;
            case ItemChange.Deleted:
                Current.Take(item.Right.Record<InodeItem>(), isNew: false, isDeleted: true);
                break;
            default:
                BeginChanged(item.Left.Record<InodeItem>(), item.Right.Record<InodeItem>());
                break;
        }
    }

    private void BeginNew(in InodeItem item)
    {
        if (item.NLink.Value == 0)
        {
            Current.IsIgnored = true;
            return;
        }

        Current.Take(item, isNew: true, isDeleted: false);
        if (!ReceiverView.IsTop(Current.Number))
            creator.CreateCurrent();
    }

    private void BeginChanged(in InodeItem now, in InodeItem before)
    {
        bool isLinked = now.NLink.Value != 0;
        bool wasLinked = before.NLink.Value != 0;
        if (!isLinked && !wasLinked)
        {
            Current.IsIgnored = true;
            return;
        }

        // The top directory is never deleted and made anew, whatever its generation says.
        bool otherGeneration = now.Generation.Value != before.Generation.Value && !ReceiverView.IsTop(Current.Number);
        if (!otherGeneration && isLinked && wasLinked)
        {
            Current.Take(now, isNew: false, isDeleted: false);
            return;
        }

        Current.IsReplaced = true;
        if (wasLinked)
        {
            Current.Take(before, isNew: false, isDeleted: true);
            ProcessAllNames(context.Parent!, areNew: false);
        }

        if (!isLinked)
            return;

        Current.Take(now, isNew: true, isDeleted: false);
        creator.CreateCurrent();
        ProcessAllNames(context.Send, areNew: true);
        context.Progress = Current.Number + 1;
        extents.ProcessAll();
        xattrs.SetAllOfCurrent();
    }

    private void ProcessAllNames(Subvolume subvolume, bool areNew)
    {
        TreeCursor cursor = subvolume.OpenCursor();
        ulong inode = Current.Number;
        cursor.Seek(new Key(inode, ItemType.InodeRef, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && NameRefEnumerator.IsNameItem(cursor.Key.Type); cursor.MoveNext())
            Record(subvolume, new NameRefEnumerator(cursor.Key, cursor.Data), areNew);

        // Whether a move waits does not matter here: the inode is made anew and takes its place when its directory does.
        names.Process();
    }

    private void RecordNames(in ChangedItem item)
    {
        if (item.Change != ItemChange.Deleted)
            Record(context.Send, new NameRefEnumerator(item.Key, item.Left.Data), areNew: true);
        if (item.Change != ItemChange.New)
            Record(context.Parent!, new NameRefEnumerator(item.Key, item.Right.Data), areNew: false);
    }

    private void Record(Subvolume subvolume, NameRefEnumerator refs, bool areNew)
    {
        foreach (NameRef name in refs)
        {
            InodeId directory = new(name.Parent, ReceiverView.RequireGeneration(subvolume, name.Parent));
            if (areNew)
                names.RecordNew(directory, name.Name);
            else
                names.RecordDeleted(directory, name.Name);
        }
    }

    private bool ParentWasReplaced(in ChangedItem item)
    {
        ulong last = 0;
        foreach (NameRef name in new NameRefEnumerator(item.Key, item.Left.Data))
        {
            if (name.Parent == last)
                continue;
            if (ReceiverView.RequireGeneration(context.Send, name.Parent) != ReceiverView.RequireGeneration(context.Parent!, name.Parent))
                return true;
            last = name.Parent;
        }

        return false;
    }

    private void FinishCurrent(Key? next)
    {
        if (Current.IsIgnored)
            return;

        bool namesComplete = next is not { } key || key.ObjectId != Current.Number || key.Type > ItemType.InodeExtref;
        if (Current.Number != 0 && namesComplete && !names.Recorded.IsEmpty)
        {
            // A directory whose move waits is still found by its old path.
            bool moveWaits = names.Process();
            if (!moveWaits)
                context.Progress = Current.Number + 1;
        }

        if (Current.Number != 0 && !Current.IsDeleted && next?.ObjectId != Current.Number)
            SendAttributes();
        times.Trim();
    }

    // The order is the receiver's need: size before owner, owner before mode (chown clears bits), capabilities after both, times last.
    private void SendAttributes()
    {
        if (!context.Send.TryGetInode(Current.Number, out InodeItem now))
            throw new CorruptMetadataException($"corrupt metadata: root={context.Send.Id} inode={Current.Number}, the inode item is missing");

        bool isNew = context.Parent is null || Current.IsNew;
        InodeItem before = default;
        if (!isNew && !context.Parent!.TryGetInode(Current.Number, out before))
            throw new CorruptMetadataException($"corrupt metadata: root={context.Parent.Id} inode={Current.Number}, the inode item is missing");

        if (Current.IsRegular)
        {
            // Asked before the last hole is filled: zeros up to the end do not count as written to the end.
            bool truncate = NeedsTruncate(isNew, before.FileSize);
            extents.FinishFile();
            if (truncate)
                emitter.Truncate(paths.OfCurrent(), Current.FileSize);
        }

        if (isNew || now.Uid.Value != before.Uid.Value || now.Gid.Value != before.Gid.Value)
            emitter.Chown(paths.OfCurrent(), now.Uid, now.Gid);
        if (!Current.IsSymbolicLink && (isNew || now.Mode.Value != before.Mode.Value))
            emitter.Chmod(paths.OfCurrent(), now.Mode);
        if (emitter.Protocol >= 2 && !Current.IsSymbolicLink && !isNew && now.Flags.Value != before.Flags.Value)
            emitter.Fileattr(paths.OfCurrent(), now.Flags);
        xattrs.SetCapability();

        if (moves.IsWaiting(Current.Number))
            return;

        moveApplier.ApplyAllAfterCurrent();
        context.Progress = Current.Number + 1;

        // Entries of a directory have higher numbers mostly, and each would change its times again.
        if (Current.IsDirectory && Current.FileSize > 0)
            times.Defer(Current.Id);
        else
            times.Send(Current.Id);
    }

    private bool NeedsTruncate(bool isNew, ulong oldSize)
    {
        bool writtenToEnd = Current.NextWriteOffset == Current.FileSize;
        if (isNew)
            return !writtenToEnd;
        return oldSize != Current.FileSize && !(Current.FileSize > oldSize && writtenToEnd);
    }

    private void RequireCurrent(in ChangedItem item, string what)
    {
        if (Current.Number == item.Key.ObjectId)
            return;
        throw new CorruptMetadataException(
            $"inconsistent snapshots: found {item.Change.ToString().ToLowerInvariant()} {what} of inode {item.Key.ObjectId} without a changed inode item, send root={context.Send.Id} parent root={context.Parent?.Id ?? 0}");
    }
}
