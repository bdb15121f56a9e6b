using Btrfs.Inode.Subvolumes;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>What is to be done when a file system is opened for writing: what the last writer left half deleted is deleted.</summary>
public static class OrphanCleaner
{
    /// <summary>Deletes orphaned inodes of all subvolumes, and what is left of deleted subvolumes.</summary>
    /// <returns>How many inodes.</returns>
    public static int Run(SubvolumeWriters writers)
    {
        new SubvolumeCleaner(writers).Run();
        List<ulong> ids = [];
        using (Transaction part = writers.Writer.Begin(0, ReservePolicy.Freeing))
        {
            foreach (SubvolumeInfo subvolume in new SubvolumeTable(part.Running).Enumerate())
            {
                if (!subvolume.Root.IsDead)
                    ids.Add(subvolume.Id);
            }
        }

        return ids.Sum(id => writers.Get(id).CleanOrphans());
    }
}
