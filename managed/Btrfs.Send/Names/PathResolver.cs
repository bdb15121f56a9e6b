using Btrfs.Inode;
using Btrfs.Send.State;
using Btrfs.Space.Backrefs;

namespace Btrfs.Send.Names;

/// <summary>
/// Where an inode is at the receiver now. Above an inode that was processed the path goes on as the send snapshot has it, above others as in the
/// parent snapshot; whatever is deleted, not made yet or pushed aside lies under its temporary name in the top directory.
/// </summary>
internal sealed class PathResolver(SendContext context, ReceiverView view, DirectoryMoves moves)
{
    /// <summary>Names remembered, as many as the kernel does: what it still remembers can show in a stream.</summary>
    private const int CachedNames = 256;

    private readonly LruCache<InodeId, CachedName> _names = new(CachedNames);
    private readonly PathBuilder _scratch = new();

    /// <summary>The path of the inode at work, kept until something moves it. Empty when not known.</summary>
    public PathBuilder CurrentPath { get; } = new();

    /// <summary>The path of the inode at work. The span is good until it moves.</summary>
    public ReadOnlySpan<byte> OfCurrent()
    {
        if (CurrentPath.IsEmpty)
            Walk(context.Current.Id, CurrentPath);
        return CurrentPath.Path;
    }

    /// <summary>The path of any inode. The span is good until the next call.</summary>
    public ReadOnlySpan<byte> Of(InodeId inode)
    {
        if (inode == context.Current.Id)
            return OfCurrent();

        _scratch.Clear();
        Walk(inode, _scratch);
        return _scratch.Path;
    }

    /// <summary>The path of a name in a directory, in an array of its own.</summary>
    public byte[] OfName(InodeId directory, ReadOnlySpan<byte> name)
    {
        _scratch.Set(name);
        if (directory == context.Current.Id)
        {
            ReadOnlySpan<byte> path = OfCurrent();
            if (!path.IsEmpty)
                _scratch.Prepend(path);
        }
        else
        {
            Walk(directory, _scratch);
        }

        return _scratch.Path.ToArray();
    }

    public void ForgetName(InodeId inode) => _names.Remove(inode);

    /// <summary>
    /// Follows the directories above <paramref name="inode"/> at the receiver until the top, or until <paramref name="inode"/> itself turns up again:
    /// then moving it now would make a loop, and the result is the directory that has to be moved before. Null when there is no loop.
    /// </summary>
    public ulong? FindLoop(InodeId inode)
    {
        ulong blocker = 0;
        InodeId at = inode;
        HashSet<ulong> seen = [];
        while (!ReceiverView.IsTop(at.Number) && !moves.IsOrphan(at))
        {
            InodeId parent;
            if (moves.IsWaiting(at.Number))
            {
                if (blocker == 0)
                    blocker = at.Number;
                ReceiverView.RequireFirstName(context.Parent!, at.Number, out parent, out _);
            }
            else
            {
                CachedName name = NameOf(at);
                if (name.IsTemporary)
                    return null;
                parent = name.Parent;
            }

            if (parent.Number == inode.Number)
                return blocker == 0 ? at.Number : blocker;
            if (!seen.Add(at.Number))
                throw Loop(at);
            at = parent;
        }

        return null;
    }

    private void Walk(InodeId inode, PathBuilder into)
    {
        while (!ReceiverView.IsTop(inode.Number))
        {
            WaitingMove? waiting = moves.Waiting(inode.Number);
            if (moves.IsOrphan(inode) || waiting is { IsOrphan: true })
            {
                into.Prepend(view.UniqueName(inode));
                return;
            }

            if (waiting is not null)
            {
                ReceiverView.RequireFirstName(context.Parent!, inode.Number, out InodeId parent, out ReadOnlySpan<byte> oldName);
                into.Prepend(oldName);
                inode = parent;
                continue;
            }

            CachedName name = NameOf(inode);
            into.Prepend(name.Name);
            if (name.IsTemporary)
                return;
            inode = name.Parent;
        }
    }

    private CachedName NameOf(InodeId inode)
    {
        bool passed = inode.Number < context.Progress;
        if (_names.TryGet(inode, out CachedName? cached))
        {
            if (!passed || cached.WasPassed)
                return cached;
            _names.Remove(inode);
        }

        CachedName name = LookUp(inode, passed);
        _names.TryAdd(inode, name);
        return name;
    }

    private CachedName LookUp(InodeId inode, bool passed)
    {
        if (!view.Exists(inode))
            return new CachedName(view.UniqueName(inode).ToArray(), default, IsTemporary: true, passed);

        Subvolume subvolume = passed ? context.Send : context.Parent!;
        ReceiverView.RequireFirstName(subvolume, inode.Number, out InodeId parent, out ReadOnlySpan<byte> name);
        if (view.WasOverwritten(parent, inode, name))
            return new CachedName(view.UniqueName(inode).ToArray(), default, IsTemporary: true, passed);

        return new CachedName(name.ToArray(), parent, IsTemporary: false, passed);
    }

    private static Format.CorruptMetadataException Loop(InodeId inode) =>
        new($"corrupt metadata: directory {inode.Number} is its own ancestor");

    /// <param name="Name">The last name of the path.</param>
    /// <param name="Parent">The directory that holds it.</param>
    /// <param name="IsTemporary">A name in the top directory: <paramref name="Parent"/> is meaningless.</param>
    /// <param name="WasPassed">Found after the inode was processed; before that it is only good until then.</param>
    private sealed record CachedName(byte[] Name, InodeId Parent, bool IsTemporary, bool WasPassed);
}
