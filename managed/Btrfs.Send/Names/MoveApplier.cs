using Btrfs.Send.Emit;
using Btrfs.Send.State;

namespace Btrfs.Send.Names;

/// <summary>Makes the moves that had to wait for the inode at work.</summary>
internal sealed class MoveApplier(
    SendContext context, ReceiverView view, PathResolver paths, DirectoryMoves moves, DirectoryRemoval removal, DirectoryTimes times, CommandEmitter emitter)
{
    /// <summary>Makes every move that waited for <see cref="CurrentInode"/>, then those that waited for these, and so on.</summary>
    public void ApplyAllAfterCurrent()
    {
        IReadOnlyList<PendingMove> first = moves.TakePending(context.Current.Number);
        if (first.Count == 0)
            return;

        Queue<PendingMove> queue = new(first);
        while (queue.TryDequeue(out PendingMove? move))
        {
            ulong progress = context.Progress;
            Apply(move);
            context.Progress = progress;
            foreach (PendingMove next in moves.TakePending(move.Inode.Number))
                queue.Enqueue(next);
        }
    }

    private void Apply(PendingMove move)
    {
        WaitingMove waited = moves.StopWaiting(move.Inode.Number);
        byte[] from = WhereItIs(move.Inode, waited);

        // From here on paths are asked as after the inode at work.
        context.Progress = context.Current.Number + 1;
        if (paths.FindLoop(move.Inode) is { } blocker)
        {
            WaitingMove again = moves.Add(move, blocker, waited.IsOrphan);
            again.RemoveAfterwards = waited.RemoveAfterwards;
            return;
        }

        emitter.Rename(from, paths.Of(move.Inode));
        if (waited.RemoveAfterwards is { } directory && moves.IsOrphan(directory) && removal.IsEmpty(directory))
            emitter.Rmdir(paths.Of(directory));

        times.Defer(move.Inode);
        foreach (InodeId touched in move.TouchedDirectories)
        {
            if (context.Send.TryGetInode(touched.Number, out _))
                times.Defer(touched);
        }
    }

    private byte[] WhereItIs(InodeId inode, WaitingMove waited)
    {
        if (waited.IsOrphan)
            return view.UniqueName(inode).ToArray();

        ReceiverView.RequireFirstName(context.Parent!, inode.Number, out InodeId parent, out ReadOnlySpan<byte> name);
        return paths.OfName(parent, name);
    }
}
