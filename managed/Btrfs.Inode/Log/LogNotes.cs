using System.Diagnostics.CodeAnalysis;

namespace Btrfs.Inode.Log;

/// <summary>
/// What the running transaction has done to a subvolume, as far as an fsync has to know: so that it logs what is new, and no more. Whoever changes items of
/// files tells of it here (Btrfs.Inode/Changes). Guarded by the writer's lock. To be told too much costs time; to be told too little loses
/// what was fsynced.
/// </summary>
internal sealed class LogNotes
{
    /// <summary>A transaction that changes more inodes than these is not worth logging: its commit is near.</summary>
    private const int MaxInodes = 1 << 15;

    private readonly Dictionary<ulong, InodeNote> _inodes = [];
    private readonly HashSet<ulong> _stale = [];
    private ulong _generation;

    /// <summary>More has changed than the notes tell.</summary>
    public bool AreIncomplete { get; private set; }

    /// <summary>Inodes of which the log says names that are theirs no more.</summary>
    public IReadOnlyCollection<ulong> Stale => _stale;

    /// <summary>Forgets what is committed by now.</summary>
    public void Begin(ulong generation)
    {
        if (generation == _generation)
            return;

        _generation = generation;
        AreIncomplete = false;
        _inodes.Clear();
        _stale.Clear();
    }

    public InodeNote Of(ulong inode)
    {
        if (_inodes.TryGetValue(inode, out InodeNote? note))
            return note;

        note = new InodeNote();
        if (AreIncomplete || _inodes.Count == MaxInodes)
        {
            AreIncomplete = true;
            _inodes.Clear();
        }
        else
        {
            _inodes.Add(inode, note);
        }

        return note;
    }

    public bool TryFind(ulong inode, [NotNullWhen(true)] out InodeNote? note) => _inodes.TryGetValue(inode, out note);

    /// <summary>An inode has got or lost a name, or is gone.</summary>
    public void NoteNames(ulong inode)
    {
        InodeNote note = Of(inode);
        note.AreNamesChanged = true;
        note.IsChanged = true;
        if (note.AreNamesLogged)
            _stale.Add(inode);
    }

    /// <summary>The log says of an inode what it is now, or nothing any more.</summary>
    public void NoteFresh(ulong inode) => _stale.Remove(inode);
}
