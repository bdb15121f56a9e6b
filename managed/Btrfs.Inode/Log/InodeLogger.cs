using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Log;

namespace Btrfs.Inode.Log;

/// <summary>
/// Copies what has changed of an inode into the log of its subvolume, and what else must be there so that it is found: new directories above it, and of a
/// directory that is synced itself, what its entries lead to.
/// <para>
/// What a replay makes of the items (Btrfs.Inode/Replay, and the kernel's):
/// an inode item replaces the one that is there, and whatever lies behind the size that it says is cut off;
/// attributes are taken to be all that there are;
/// an extent replaces its range;
/// names are added, and push out what had them;
/// entries of a directory are taken away where the log says that it knows all of a range of places and doesn't list them.
/// </para>
/// </summary>
internal sealed class InodeLogger
{
    private readonly Change _change;
    private readonly SubvolumeLog _log;
    private readonly LogNotes _notes;
    private readonly CommittedFiles _committed;
    private readonly NameLogger _names;
    private readonly ExtentLogger _extents;
    private readonly Queue<(ulong Inode, LoggedPart Part)> _wanted = [];

    public InodeLogger(Change change, SubvolumeLog log)
    {
        _change = change;
        _log = log;
        _notes = change.Notes;
        _committed = new CommittedFiles(change);
        _names = new NameLogger(change, _committed);
        _extents = new ExtentLogger(change, log);
    }

    /// <summary>Whether an fsync has anything to write: not so if nothing has happened since the last one.</summary>
    public static bool HasNews(LogNotes notes, ulong inode) =>
        notes.TryFind(inode, out InodeNote? note)
        && (note.IsChanged || note.AreXattrsChanged || !note.Extents.IsEmpty || note.Entries.Count > 0 || note.HasTooManyEntries);

    /// <summary>Logs an inode as it is now.</summary>
    /// <returns>False where a log can't tell it: what was written to it must not be used.</returns>
    public bool TryLog(ulong inode)
    {
        // What was logged before and is called something else by now would get its old name back, perhaps one that another has now.
        foreach (ulong stale in _notes.Stale.ToArray())
        {
            if (!TryRenew(stale))
                return false;
        }

        _wanted.Enqueue((inode, LoggedPart.Whole));
        while (_wanted.TryDequeue(out (ulong Inode, LoggedPart Part) next))
        {
            if (!TryLog(next.Inode, next.Part))
                return false;
        }

        return true;
    }

    private bool TryRenew(ulong inode)
    {
        // What the commit has with its old names can't be told to have lost one.
        if (_committed.TryGetInode(inode, out _))
            return false;

        _notes.Of(inode).AreNamesLogged = false;
        if (_change.TryGetInode(inode, out InodeItem item) && item.NLink.Value > 0)
            _wanted.Enqueue((inode, LoggedPart.Existence));
        else
            Forget(inode);
        _notes.NoteFresh(inode);
        return true;
    }

    private bool TryLog(ulong inode, LoggedPart part)
    {
        // Without a name nobody could find it.
        if (!_change.TryGetInode(inode, out InodeItem item) || item.NLink.Value == 0)
            return true;

        InodeNote note = _notes.Of(inode);
        if (!_names.TryFindCommitted(inode, item, out InodeItem? before) || !TryLogNames(inode, note, isNew: before is null))
            return false;

        bool isRegular = InodeMode.IsRegular(item.Mode);
        bool isDirectory = InodeMode.IsDirectory(item.Mode);
        if (!isRegular && !isDirectory)
            part = LoggedPart.Whole;
        if (isDirectory && part == LoggedPart.Whole && !TryLogEntries(inode, note))
            return false;

        if (note.Logged == LoggedPart.Nothing || note.AreXattrsChanged)
            CopyItems(Key(inode, ItemType.XattrItem), Key(inode, ItemType.XattrItem, ulong.MaxValue));
        note.AreXattrsChanged = false;
        if (part == LoggedPart.Existence)
        {
            if (note.Logged == LoggedPart.Nothing)
                PutExistence(inode, item);
            note.Logged = note.Logged == LoggedPart.Nothing ? LoggedPart.Existence : note.Logged;
            return true;
        }

        if (!isDirectory)
            LogExtents(inode, item, note);
        PutItem(inode, item);
        note.Logged = LoggedPart.Whole;
        note.LoggedSize = item.FileSize;
        note.IsChanged = false;
        return true;
    }

    // Names that haven't changed need not be told. If one has, all of them are: an item holds several.
    private bool TryLogNames(ulong inode, InodeNote note, bool isNew)
    {
        if (note.AreNamesLogged || (!isNew && !note.AreNamesChanged))
            return true;

        List<InodeName> added = [];
        if (!_names.CanTell(inode, isNew, added))
            return false;
        foreach (InodeName name in added)
        {
            if (!TryLogParent(name.Parent))
                return false;
            if (_committed.TryLookup(name.Parent, name.Name, out EntryTarget replaced) && replaced.Location.ObjectId != inode)
                Forget(replaced.Location.ObjectId);
        }

        CopyItems(Key(inode, ItemType.InodeRef), Key(inode, ItemType.InodeExtref, ulong.MaxValue));
        note.AreNamesLogged = true;
        return true;
    }

    // A name in a directory that the commit hasn't leads nowhere: it has to be in the log, too.
    private bool TryLogParent(ulong directory)
    {
        InodeItem item = _change.GetInode(directory);
        if (!_names.TryFindCommitted(directory, item, out InodeItem? before))
            return false;
        if (before is null && _notes.Of(directory).Logged == LoggedPart.Nothing)
            _wanted.Enqueue((directory, LoggedPart.Existence));
        return true;
    }

    private bool TryLogEntries(ulong directory, InodeNote note)
    {
        if (note.HasTooManyEntries)
            return false;

        foreach (byte[] name in note.Entries)
        {
            bool had = _committed.TryLookup(directory, name, out EntryTarget before);
            bool has = NameEditor.TryLookup(_change, directory, name, out EntryTarget now);
            if ((had && before.IsSubvolume) || (has && now.IsSubvolume))
                return false;

            // What the new one says of its names settles the old one, too.
            if (has)
                _wanted.Enqueue((now.Location.ObjectId, LoggedPart.Existence));
            else if (had && !TryLogRemoval(directory, name, before))
                return false;
        }

        note.ClearEntries();
        return true;
    }

    // The log says that it knows all about the place where the entry was, and has nothing there.
    private bool TryLogRemoval(ulong directory, byte[] name, in EntryTarget removed)
    {
        ulong inode = removed.Location.ObjectId;
        if (!_names.IsGone(removed) || _committed.ReadNames(inode, NameLogger.MaxNames) is not [var held] || held.Parent != directory
            || !held.Name.AsSpan().SequenceEqual(name))
        {
            return false;
        }

        Forget(inode);
        Le64 last = held.Index;
        _log.Tree.Set(Key(directory, ItemType.DirLogIndex, held.Index), MemoryMarshal.AsBytes(new ReadOnlySpan<Le64>(ref last)));
        return true;
    }

    private void LogExtents(ulong inode, in InodeItem item, InodeNote note)
    {
        // A replay cuts the file at its size, with all that is allocated behind it.
        if (note.Logged != LoggedPart.Whole)
            note.Extents.Add(_change.AlignUp(item.FileSize), ulong.MaxValue);

        // What lies behind the size that was logged was left out as cut off, and isn't any more.
        else if (item.FileSize.Value > note.LoggedSize)
            note.Extents.Add(_change.AlignUp(note.LoggedSize), _change.AlignUp(item.FileSize));
        _extents.Log(inode, item, note.Extents);
        note.Extents.Clear();
    }

    // Bytes and sizes of directories are counted anew by a replay.
    private void PutItem(ulong inode, InodeItem item)
    {
        item.NBytes = 0;
        _log.Tree.Set(Key(inode, ItemType.InodeItem), MemoryMarshal.AsBytes(new ReadOnlySpan<InodeItem>(ref item)));
    }

    // Generation 0 says that it is not the whole inode: one that the commit has stays as it is.
    private void PutExistence(ulong inode, InodeItem item)
    {
        item.Generation = 0;
        item.FileSize = 0;
        PutItem(inode, item);
    }

    /// <summary>Takes an inode out of the log that is gone, and of which the log says so elsewhere.</summary>
    private void Forget(ulong inode)
    {
        _log.Tree.DeleteRange(new Key(inode, 0, 0), new Key(inode, (ItemType)byte.MaxValue, ulong.MaxValue));
        if (_notes.TryFind(inode, out InodeNote? note))
        {
            note.Logged = LoggedPart.Nothing;
            note.AreNamesLogged = false;
        }
    }

    /// <summary>Brings a range of the log's items to what the subvolume has.</summary>
    private void CopyItems(Key first, Key last)
    {
        _log.Tree.DeleteRange(first, last);
        TreeCursor cursor = _change.Tree.OpenCursor();
        cursor.Seek(first);
        for (; cursor.IsValid && cursor.Key <= last; cursor.MoveNext())
            _log.Tree.Insert(cursor.Key, cursor.Data);
    }

    private static Key Key(ulong inode, ItemType type, ulong offset = 0) => new(inode, type, offset);
}
