using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Groups;
using Btrfs.Space.Transactions;

namespace Btrfs.Space.FreeSpace;

/// <summary>Makes the free-space tree anew where the superblock says that it is not to be trusted, as btrfs-progs leave it after some repairs.</summary>
internal static class FreeSpaceRebuild
{
    public static bool IsNeeded(FsInfo fs) =>
        (fs.Superblock.CompatRo & CompatRoFlags.FreeSpaceTree) != 0 && (fs.Superblock.CompatRo & CompatRoFlags.FreeSpaceTreeValid) == 0;

    /// <summary>In a transaction that has changed nothing yet, so that what the last commit has free is what is free.</summary>
    public static void Run(SpaceState state)
    {
        Tree tree = state.Roots.Get(ObjectIds.FreeSpaceTree).Tree;

        // Each map is loaded from the extent tree before the first block is taken from one of them.
        List<(BlockGroup Group, FreeSpaceMap Free)> groups =
            [.. state.Groups.Groups.Select(group => (group, FreeSpaceLoader.LoadWhole(state.Committed, group)))];
        tree.DeleteRange(Key.Min, Key.Max);
        foreach ((BlockGroup group, FreeSpaceMap free) in groups)
            state.FreeSpace!.AddGroup(group, free);
        state.Superblock.CompatRo |= CompatRoFlags.FreeSpaceTreeValid;
    }
}
