using Btrfs.Format;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>What an entry of a directory leads to.</summary>
/// <param name="Inode">Its number; of a subvolume, the subvolume's.</param>
/// <param name="IsSubvolume">Whether it is the entry of another subvolume.</param>
/// <param name="Type">As the entry has it.</param>
public readonly record struct NamedInode(ulong Inode, bool IsSubvolume, DirEntryType Type)
{
    public bool IsDirectory => Type == DirEntryType.Directory && !IsSubvolume;
}

/// <summary>
/// Many changes of one subvolume in few parts of a transaction, for whoever makes one after the other and nothing else meanwhile. A part is begun by the
/// first change and goes on until <see cref="End"/>, or until there is no room for the next; only between two parts may a commit come. From the first change to
/// the end the writer's lock is held: it all happens on one thread.
/// </summary>
/// <remarks>
/// What is refused (<see cref="FileOperationException"/>) has changed nothing, and the part goes on. Any other failure in the midst of a change aborts the part, and the
/// file system keeps its last commit. A change of many steps may be spread over several parts: then it can be repeated as a whole.
/// </remarks>
public sealed partial class SubvolumeBatch : IDisposable
{
    private const int ItemsOfNote = 2;

    private readonly SubvolumeWriter _subvolume;
    private readonly byte[] _noteName;
    private readonly Func<byte[]>? _note;
    private readonly Queue<ulong> _orphans = [];
    private Transaction? _part;
    private Change? _change;
    private bool _hasChanged;

    /// <param name="subvolume">What is changed.</param>
    /// <param name="noteName">An xattr of the top directory in which the maker notes how far the changes are.</param>
    /// <param name="note">Asked at the end of each part for the value that is to be durable with it; null for no note.</param>
    public SubvolumeBatch(SubvolumeWriter subvolume, ReadOnlySpan<byte> noteName = default, Func<byte[]>? note = null)
    {
        _subvolume = subvolume;
        _noteName = noteName.ToArray();
        _note = note;
    }

    /// <summary>Looks up a name, in this or in another subvolume, as it is by now.</summary>
    public bool TryLookup(SubvolumeWriter subvolume, ulong directory, ReadOnlySpan<byte> name, out NamedInode found)
    {
        bool exists = NameEditor.TryLookup(OpenToRead(subvolume), directory, name, out EntryTarget target);
        found = exists ? new NamedInode(target.Location.ObjectId, target.IsSubvolume, target.Type) : default;
        return exists;
    }

    /// <summary>What is known of an inode by now, of this or of another subvolume.</summary>
    /// <exception cref="FileOperationException">There is no such inode.</exception>
    public FileStatus GetStatus(SubvolumeWriter subvolume, ulong inode) =>
        FileStatus.Of(subvolume.RootId, inode, OpenToRead(subvolume).GetInode(inode));

    /// <summary>Ends the part, if there is one, with all that was changed so far and the note.</summary>
    public void End()
    {
        if (_part is null)
            return;
        RemoveOrphans();
        EndPart();
    }

    /// <summary>The same, and with the note even where nothing was changed here: it may speak of what others have done.</summary>
    public void EndWithNote()
    {
        Open(items: 0, ReservePolicy.Freeing);
        _hasChanged = true;
        End();
    }

    /// <summary>Ends the part as <see cref="End"/> does, or aborts it where a change has failed half way.</summary>
    public void Dispose()
    {
        if (_part is { IsHalfDone: false })
            EndPart();
        else
            Close();
    }

    // Begins a change; the part before is ended where it has no more room for one.
    private Change Open(int items, ReservePolicy policy = ReservePolicy.Normal)
    {
        RemoveOrphans();
        return OpenStep(items, policy);
    }

    private Change OpenStep(int items, ReservePolicy policy)
    {
        if (_part is not null && !_part.HasRoom(items + ItemsOfNote, policy))
            EndPart();
        if (_change is null)
            BeginPart(items + ItemsOfNote, policy);
        else
            _part!.BeginStep();
        return _change!;
    }

    private Change OpenToRead(SubvolumeWriter subvolume)
    {
        if (_change is null)
            BeginPart(0, ReservePolicy.Freeing);
        return OfOther(subvolume);
    }

    private Change OfOther(SubvolumeWriter subvolume) =>
        subvolume.RootId == _subvolume.RootId ? _change! : new Change(_part!, subvolume, evenReadOnly: true);

    private void BeginPart(int items, ReservePolicy policy)
    {
        _part = _subvolume.Writer.Begin(items, policy, nameof(SubvolumeBatch));
        try
        {
            _change = new Change(_part, _subvolume);
        }
        catch
        {
            Close();
            throw;
        }
    }

    private void Complete(Change change)
    {
        _hasChanged |= change.Part.HasChanged;
        change.Finish();
        change.Part.Complete();
    }

    private void EndPart()
    {
        if (_hasChanged && _note is not null)
        {
            _part!.BeginStep();
            XattrItems.Set(_change!, ObjectIds.FirstFree, _noteName, _note());
            Complete(_change!);
        }

        Close();
    }

    private void Close()
    {
        Transaction? part = _part;
        _part = null;
        _change = null;
        _hasChanged = false;
        part?.Dispose();
    }

    // Not as a part of the change that orphaned them: should a part end in between, that change must count as done.
    private void RemoveOrphans()
    {
        while (_orphans.TryPeek(out ulong orphan))
        {
            Change change = OpenStep(InodeRemoval.ExtentsPerStep, ReservePolicy.Freeing);
            if (InodeRemoval.Step(change, orphan))
                _orphans.Dequeue();
            Complete(change);
        }
    }

    private void Note(ulong orphan)
    {
        if (orphan != 0)
            _orphans.Enqueue(orphan);
    }
}
