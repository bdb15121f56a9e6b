using Btrfs.Format;
using Btrfs.Space.FreeSpace;
using Btrfs.Space.Groups;
using Btrfs.Storage;

namespace Btrfs.Space.Transactions;

/// <summary>
/// Makes a transaction durable. The trees describe themselves: to write down where blocks lie takes blocks. So everything that lags behind (references, block
/// groups, chunks, root items) is written round after round, until a round changes nothing: blocks that were copied once are then changed in
/// place, so the rounds come to rest. Only then the blocks go out, and behind a barrier the superblock that makes them count.
/// </summary>
internal sealed class Commit(SpaceState state)
{
    /// <summary>Far more rounds than are ever needed.</summary>
    private const int MaxRounds = 100;

    private readonly BlockContext _context = BlockContext.FromSuperblock(state.Superblock);
    private bool _hasDeniedCaches;

    /// <returns>
    /// Whether a device was left behind, that missed writes or is missing. It has the superblock of the commit before then, as one has that lost nothing but its superblock to a
    /// power cut: only one commit more tells them apart.
    /// </returns>
    /// <exception cref="IOException">A device failed.</exception>
    /// <exception cref="BtrfsException">There was no room, or the trees contradict themselves.</exception>
    public bool Run()
    {
        ulong generation = state.Generation;

        // A log that is still there would be replayed over what follows it.
        Invariant.That(state.Superblock.LogRoot == 0);
        state.Log.End();
        state.Quota.BeginCommit(generation);
        state.Roots.RenewRootTree(generation);
        if (!_hasDeniedCaches)
            SpaceCaches.Invalidate(state);
        _hasDeniedCaches = true;
        state.Updater.RunAll(generation);
        foreach (BlockGroup group in state.ChunkItems.RemoveUnused())
            SpaceCaches.Remove(state, group.Start);
        BringToRest(generation);

        ulong used = 0;
        foreach (BlockGroup group in state.Groups.Groups)
        {
            Invariant.That(group.Reserved == 0 || (group.Flags & BlockGroupFlags.Data) != 0);
            used += group.Used;
        }

        SuperblockUpdate.Apply(ref state.Superblock, state.Roots, generation, used);

        // Each device gets its own; this is the one that the state in memory shows.
        state.Superblock.DevItem = state.Chunks.ItemOf(state.Superblock.DevItem.DeviceId);
        WriteBlocks(generation);
        state.Log.WriteSecondCopies();
        state.Volume.Flush();
        bool isAnyLeftBehind = state.Volume.LeaveMissedBehind();
        state.Committed.Devices.WriteSuperblocks(state.Superblock, state.Chunks.ItemOf);
        Finish(generation);
        return isAnyLeftBehind;
    }

    private void BringToRest(ulong generation)
    {
        for (int round = 0; round < MaxRounds; round++)
        {
            bool any = state.ChunkItems.InsertPending();
            any |= state.ChunkItems.WriteChanged();
            any |= state.Roots.WriteItems();
            any |= state.Quota.Simple?.Flush(generation) ?? false;
            any |= state.Delayed.Count > 0;
            state.Updater.RunAll(generation);
            if (!any && !state.Quota.RemoveUnused())
                return;
        }

        throw new InvariantException($"transaction {generation} does not come to rest");
    }

    private void WriteBlocks(ulong generation)
    {
        IChecksum checksum = Checksums.For(state.Superblock.CsumType);
        BlockContext context = _context with { Generation = generation, Incompat = state.Superblock.Incompat };
        ExtentBuffer[] blocks = state.Blocks.SortedDirty();
        BlockWrite[] writes = new BlockWrite[blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            ExtentBuffer block = blocks[i];
            writes[i] = new BlockWrite(block.Bytenr, block.Seal(checksum));

            // The last look before it is on the disk: what fails here is our own fault, and must not become the user's.
            BlockCheck.Verify(block.Bytes, context);
        }

        state.Volume.WriteSorted(writes);
    }

    private void Finish(ulong generation)
    {
        state.CommittedBlocks.NoteCommit(generation);
        state.Blocks.MoveToCommitted();
        state.Holds.Advance(state.Committed.After(state.Superblock));
        state.Pinned.Unpin(state.Holds.Generations());
        state.Log.NoteCommit();
        state.ChunkItems.ReleaseRemoved(state.Volume);
        state.TreeBlocks.Generation = generation + 1;
        state.TreeBlocks.HasChanged = false;
    }
}
