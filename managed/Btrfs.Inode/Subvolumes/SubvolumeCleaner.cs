using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Subvolumes;

/// <summary>
/// Frees what deleted subvolumes had, step by step: it can be stopped after each, or die in one, and goes on from there with the next opening.
/// </summary>
public sealed class SubvolumeCleaner(SubvolumeWriters writers)
{
    private const int BlocksPerStep = 256;

    /// <summary>A commit after so many steps, so that what is freed can be used and not all is to be done again.</summary>
    private const int StepsPerCommit = 16;

    private readonly FsWriter _writer = writers.Writer;
    private int _steps;

    /// <summary>Whether a deleted subvolume waits.</summary>
    public bool HasWork
    {
        get
        {
            using Transaction part = _writer.Begin(0, ReservePolicy.Freeing);
            return NextDead(part) is not null;
        }
    }

    /// <summary>Frees everything that waits.</summary>
    /// <exception cref="BtrfsException">A tree is damaged, or the file system is latched.</exception>
    public void Run()
    {
        // Without asking, even a small file system that has nothing to clean would have to have room for a step.
        while (HasWork && Step())
        {
        }
    }

    /// <summary>Frees a part.</summary>
    /// <returns>Whether there was anything to do.</returns>
    public bool Step()
    {
        using (Transaction part = _writer.Begin(BlocksPerStep, ReservePolicy.Freeing))
        {
            if (NextDead(part) is not { } id)
                return false;

            RootState? root = part.TryGetRoot(id);
            if (root is null || part.DropTree(root, BlocksPerStep))
            {
                if (root is not null)
                    part.RemoveRoot(root);
                OrphanItems.Remove(part.GetTree(ObjectIds.RootTree), id);
                writers.Forget(id);
            }

            part.Complete();
        }

        if (++_steps % StepsPerCommit == 0)
            _writer.Commit();
        return true;
    }

    // A mark without a root is a deletion that was finished but for the mark; one of a living root is none.
    private static ulong? NextDead(Transaction part)
    {
        ulong? id = OrphanItems.Next(part.GetTree(ObjectIds.RootTree).OpenCursor(), 0);
        while (id is { } candidate && part.TryGetRoot(candidate) is { IsDead: false })
            id = OrphanItems.Next(part.GetTree(ObjectIds.RootTree).OpenCursor(), candidate);
        return id;
    }
}
