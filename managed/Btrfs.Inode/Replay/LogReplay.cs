using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Replay;

/// <summary>
/// Replays the log that the kernel's fsync leaves: what was fsynced after the last commit, which a power cut would otherwise take away. It is the first thing
/// to happen when such a file system is opened for writing; nothing else may be allocated before.
/// </summary>
public static class LogReplay
{
    /// <summary>What the estimate of room is made with. How much a replay takes is not known ahead; if it is too much, nothing is written.</summary>
    private const int ItemsReserved = 16;

    /// <summary>Whether the last commit has a log.</summary>
    public static bool IsNeeded(FsInfo committed) => committed.Superblock.LogRoot.Value != 0;

    /// <summary>Replays the log, if there is one, and commits: all of it or, when this throws, nothing.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="BtrfsException">The log is broken, or contradicts the last commit; or there is no room. The writer is of no more use.</exception>
    /// <exception cref="IOException">A device failed.</exception>
    public static bool Run(FsWriter writer)
    {
        if (!IsNeeded(writer.Committed))
            return false;

        try
        {
            Replay(writer);
        }
        catch (BtrfsException error)
        {
            throw new BtrfsException($"the log tree can't be replayed: {error.Message}", error);
        }

        return true;
    }

    private static void Replay(FsWriter writer)
    {
        SubvolumeWriters subvolumes = new(writer);
        using (Transaction part = writer.Begin(ItemsReserved, ReservePolicy.Freeing, nameof(LogReplay)))
        {
            List<LogTree> logs = LogTree.ReadAll(writer.Committed);
            LogSpace space = new(part);
            space.Claim(LogTree.ListOf(writer.Committed.Superblock));
            logs.ForEach(log => space.Claim(log.Root));
            foreach (LogTree log in logs)
            {
                // A subvolume that was deleted takes its log with it.
                if (part.TryGetRoot(log.SubvolumeId) is { IsDead: false })
                    new SubvolumeReplay(new Change(part, subvolumes.Get(log.SubvolumeId), evenReadOnly: true), log, space).Run();
            }

            space.ReturnRest();
            part.ForgetLog();
            part.Complete();
        }

        writer.Commit();
    }
}
