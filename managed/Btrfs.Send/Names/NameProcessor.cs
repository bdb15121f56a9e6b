using Btrfs.Format;
using Btrfs.Inode.Names;
using Btrfs.Send.Emit;
using Btrfs.Send.State;

namespace Btrfs.Send.Names;

/// <summary>
/// Turns the recorded names of the inode at work into renames, links, unlinks and rmdirs.
/// <para>
/// Three passes, in this order: whoever holds a new name at the receiver is pushed aside to a temporary name; the new
/// names are made; the old ones go. Pushing all aside first matters: one of them may be a directory above another new name.
/// </para>
/// </summary>
internal sealed class NameProcessor(
    SendContext context,
    ReceiverView view,
    PathResolver paths,
    DirectoryMoves moves,
    MoveDelay delay,
    DirectoryRemoval removal,
    DirectoryTimes times,
    InodeCreator creator,
    CommandEmitter emitter)
{
    private readonly List<InodeId> _touched = [];
    private readonly HashSet<InodeId> _touchedSet = [];

    // Where the inode at work is found by the receiver, and whether that is its temporary name.
    private byte[] _validPath = [];
    private bool _isOrphan;
    private bool _pushedDirectoryAside;
    private bool _pushedAncestorAside;

    public RecordedNames Recorded { get; } = new();

    public void RecordNew(InodeId directory, ReadOnlySpan<byte> name)
    {
        if (!Recorded.CancelsDeleted(directory, name))
            Recorded.AddNew(new RecordedName(directory, paths.OfName(directory, name), name.Length));
    }

    public void RecordDeleted(InodeId directory, ReadOnlySpan<byte> name)
    {
        if (!Recorded.CancelsNew(directory, name))
            Recorded.AddDeleted(new RecordedName(directory, paths.OfName(directory, name), name.Length));
    }

    /// <summary>Acts on everything recorded. True when the inode's own move must wait.</summary>
    public bool Process()
    {
        CurrentInode current = context.Current;
        if (ReceiverView.IsTop(current.Number))
            throw new CorruptMetadataException($"corrupt metadata: root={context.Send.Id} inode={current.Number}, the top directory has a name in another directory");
        _touched.Clear();
        _touchedSet.Clear();
        _pushedDirectoryAside = _pushedAncestorAside = false;

        // A new inode lies under its temporary name; one whose first name was taken by another was pushed there.
        _isOrphan = current.IsNew || view.FirstNameWasOverwritten(current.Id);
        _validPath = _isOrphan ? view.UniqueName(current.Id).ToArray() : paths.OfCurrent().ToArray();

        foreach (RecordedName name in Recorded.New)
            ClearTheWay(name);

        bool mayRename = true;
        foreach (RecordedName name in Recorded.New)
        {
            MakeParentIfNeeded(name);
            if (current.IsDirectory && context.Parent is not null)
                mayRename = !MustWait(name, mayRename) && mayRename;
            if (mayRename)
                MoveOrLink(name);
            Touch(name.Directory);
        }

        RemoveOldNames();
        TendTouchedDirectories();
        Recorded.Clear();
        return !mayRename;
    }

    private void ClearTheWay(RecordedName name)
    {
        InodeState state = KnownState(name.Directory);
        if (state == InodeState.WillCreate)
            return;
        if (!view.WouldOverwrite(name.Directory, name.Name, out InodeId other, out uint otherMode))
            return;

        if (_pushedDirectoryAside)
            Refresh(name);
        if (!IsFirstName(other, name))
        {
            emitter.Unlink(name.FullPath);
            return;
        }

        PushAside(other, name.FullPath);
        if (InodeMode.IsDirectory(otherMode))
            _pushedDirectoryAside = true;
        if (moves.Waiting(other.Number) is { } waiting)
            waiting.IsOrphan = true;
        paths.ForgetName(other);

        // What was pushed aside may lie above the inode at work, whose path then changed as well.
        if (MoveDelay.IsAncestor(context.Parent!, other, context.Current.Number))
        {
            _pushedAncestorAside = true;
            paths.CurrentPath.Clear();
            _validPath = paths.OfCurrent().ToArray();
        }
    }

    private bool IsFirstName(InodeId inode, RecordedName name)
    {
        if (!context.Parent!.TryGetFirstName(inode.Number, out NameRef first))
            throw new CorruptMetadataException($"corrupt metadata: root={context.Parent.Id} inode={inode.Number}, a name is needed and there is none");
        return first.Parent == name.Directory.Number && first.Name.SequenceEqual(name.Name);
    }

    private void PushAside(InodeId inode, ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> aside = view.UniqueName(inode);
        emitter.Rename(path, aside);
        if (inode == context.Current.Id)
            paths.CurrentPath.Set(aside);
    }

    // The directory of a new name may have a higher number and not exist yet: then it is made out of turn.
    private void MakeParentIfNeeded(RecordedName name)
    {
        if (KnownState(name.Directory) != InodeState.WillCreate)
            return;

        foreach (RecordedName earlier in Recorded.New)
        {
            if (ReferenceEquals(earlier, name))
                break;
            if (earlier.Directory.Number == name.Directory.Number)
                return;
        }

        creator.CreateDirectoryIfNeeded(name.Directory.Number);
    }

    private bool MustWait(RecordedName name, bool mayRename)
    {
        bool waits = false;
        if (delay.WaitsForDestination(name, out ulong? blocker))
        {
            PutOff(blocker.Value);
            waits = true;
        }

        if (mayRename && !waits && delay.WaitsForParent(name, out blocker))
        {
            PutOff(blocker.Value);
            waits = true;
        }

        return waits;
    }

    private void PutOff(ulong blocker)
    {
        List<InodeId> touched = [.. Recorded.Deleted.Select(name => name.Directory), .. Recorded.New.Select(name => name.Directory)];
        moves.Add(new PendingMove(context.Current.Id, touched), blocker, _isOrphan);
    }

    private void MoveOrLink(RecordedName name)
    {
        if (_isOrphan || context.Current.IsDirectory)
        {
            emitter.Rename(_validPath, name.FullPath);
            paths.CurrentPath.Set(name.FullPath);
            _validPath = name.FullPath;
            _isOrphan = false;
            return;
        }

        if (_pushedDirectoryAside)
            Refresh(name);
        emitter.Link(name.FullPath, _validPath);
    }

    private void RemoveOldNames()
    {
        CurrentInode current = context.Current;
        if (!current.IsDirectory)
        {
            UnlinkOldNames();
        }
        else if (current.IsDeleted)
        {
            if (removal.IsEmpty(current.Id))
            {
                emitter.Rmdir(_validPath);
            }
            else if (!_isOrphan)
            {
                PushAside(current.Id, _validPath);
                _isOrphan = true;
            }

            foreach (RecordedName name in Recorded.Deleted)
                Touch(name.Directory);
        }
        else if (Recorded.DeletedCount > 0)
        {
            Touch(Recorded.Deleted.First().Directory);
        }
    }

    private void UnlinkOldNames()
    {
        foreach (RecordedName name in Recorded.Deleted)
        {
            if (!view.WasOverwritten(name.Directory, context.Current.Id, name.Name))
            {
                if (_pushedAncestorAside)
                    Refresh(name);
                emitter.Unlink(name.FullPath);
                if (name.FullPath.AsSpan().StartsWith(paths.CurrentPath.Path))
                    paths.CurrentPath.Clear();
            }

            Touch(name.Directory);
        }

        // Still under its temporary name: its first name was taken and it got no other.
        if (_isOrphan)
            emitter.Unlink(_validPath);
    }

    private void TendTouchedDirectories()
    {
        foreach (InodeId directory in _touched)
        {
            // Its own turn comes later.
            if (directory.Number > context.Current.Number)
                continue;

            InodeState state = KnownState(directory);
            if (state is InodeState.DidCreate or InodeState.NoChange)
                times.Defer(directory);
            else if (state == InodeState.DidDelete && removal.IsEmpty(directory))
                emitter.Rmdir(paths.Of(directory));
        }
    }

    private void Touch(InodeId directory)
    {
        if (_touchedSet.Add(directory))
            _touched.Add(directory);
    }

    private void Refresh(RecordedName name) => name.FullPath = paths.OfName(name.Directory, name.Name);

    private InodeState KnownState(InodeId directory)
    {
        InodeState state = view.StateOf(directory);
        return state != InodeState.Unknown
            ? state
            : throw new BtrfsException($"inconsistent snapshots: neither has directory {directory.Number} of generation {directory.Generation}");
    }
}
