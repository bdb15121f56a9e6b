using System.Runtime.CompilerServices;
using Btrfs.Format;
using Btrfs.Space.Groups;

namespace Btrfs.Space.Transactions;

/// <summary>Room: what is promised of it, and how it is made where it is short.</summary>
public sealed partial class FsWriter
{
    /// <summary>
    /// Joins the running transaction to do what was promised room (<see cref="TryPromise"/>). It is never refused for want of room, but it may get room for less
    /// than it wants at once.
    /// </summary>
    /// <param name="wanted">How many items it would change.</param>
    /// <param name="items">How many it may.</param>
    /// <param name="what">Who changes.</param>
    /// <exception cref="ReadOnlyFileSystemException">An earlier failure has latched the file system.</exception>
    internal Transaction BeginPromised(int wanted, out int items, [CallerMemberName] string what = "")
    {
        Invariant.That(!_writer.IsHeldByCurrentThread);
        _writer.Enter();
        try
        {
            BeginAny();
            items = FittingItems(wanted, FewItems, ReservePolicy.Promised);
            if (!_reserve.HasRoom(items, ReservePolicy.Promised))
            {
                CommitLocked();
                if (!_reserve.HasRoom(items, ReservePolicy.Promised))
                    TryRevokeHolds();
                items = FittingItems(wanted, LeastItems, ReservePolicy.Promised);
            }

            return new Transaction(this, what);
        }
        catch
        {
            _writer.Exit();
            throw;
        }
    }

    /// <summary>Promises room to data that is in memory and shall be allocated later, beside all that is promised already.</summary>
    /// <param name="promise">Grows by what was asked for.</param>
    /// <param name="dataBytes">Whole sectors.</param>
    /// <param name="metadataBytes">By how much the trees may grow.</param>
    /// <param name="mayCommit">Whether what this transaction has freed shall be made use of by a commit.</param>
    /// <returns>Whether there is room.</returns>
    /// <exception cref="ReadOnlyFileSystemException">An earlier failure has latched the file system.</exception>
    internal bool TryPromise(SpacePromise promise, ulong dataBytes, ulong metadataBytes, bool mayCommit)
    {
        Invariant.That(!_writer.IsHeldByCurrentThread);
        lock (_writer)
        {
            RequireUsable();
            ReleaseHeld();
            bool isPromised = _reserve.TryPromise(dataBytes, metadataBytes);
            if (!isPromised && mayCommit)
                isPromised = TryMakeRoomToPromise(dataBytes, metadataBytes);

            if (isPromised)
            {
                promise.DataBytes += dataBytes;
                promise.MetadataBytes += metadataBytes;
            }

            return isPromised;
        }
    }

    /// <summary>Gives a promise back that nobody has come to use.</summary>
    internal void Return(SpacePromise promise)
    {
        _state.Promised.Return(promise.DataBytes, promise.MetadataBytes);
        promise.DataBytes = 0;
        promise.MetadataBytes = 0;
    }

    /// <summary>
    /// Makes unallocated space of the block groups that commits have emptied. Each commit does so with those that were empty before it; this is for who makes no
    /// further one: another system that opens the image may find no room for what its block groups are not for.
    /// </summary>
    /// <exception cref="IOException">A device failed; the file system is latched read-only.</exception>
    /// <exception cref="BtrfsException">The commit failed; the file system is latched read-only.</exception>
    public void RemoveEmptyGroups()
    {
        lock (_writer)
        {
            RequireUsable();
            ReleaseHeld();
            if (_hasCommitted)
                TryRemoveEmptyGroups();
        }
    }

    private int FittingItems(int wanted, int least, ReservePolicy policy)
    {
        int items = wanted;
        while (items > least && !_reserve.HasRoom(items, policy))
            items = Math.Max(items / 2, least);
        return items;
    }

    // What this transaction has freed is of use only after its commit, and what block groups had that it has emptied, after another one.
    private bool TryMakeRoom(int items, ReservePolicy policy)
    {
        CommitLocked();
        if (_reserve.HasRoom(items, policy) || (TryRemoveEmptyGroups() && _reserve.HasRoom(items, policy)))
            return true;
        return policy == ReservePolicy.Freeing && TryRevokeHolds() && _reserve.HasRoom(items, policy);
    }

    private bool TryMakeRoomToPromise(ulong dataBytes, ulong metadataBytes)
    {
        CommitLocked();
        return _reserve.TryPromise(dataBytes, metadataBytes) || (TryRemoveEmptyGroups() && _reserve.TryPromise(dataBytes, metadataBytes));
    }

    private bool TryRemoveEmptyGroups()
    {
        if (!_state.ChunkItems.HasUnused())
            return false;
        _state.TreeBlocks.HasChanged = true;
        CommitLocked();
        return true;
    }

    private void ReleaseHeld()
    {
        if (_state.Holds.TryTakeEnded(out HeldGenerations held))
            _state.Pinned.Release(held);
    }

    // Deletions and what was promised room go before readers: else a long read would leave a full file system no way out.
    private bool TryRevokeHolds()
    {
        if (HeldMetadata == 0 || !_state.Holds.Revoke())
            return false;
        ReleaseHeld();
        return true;
    }

    private ulong HeldMetadata => _state.Groups.Sum(BlockGroupFlags.Metadata, static group => group.Held);

    private string HeldNote() => HeldMetadata is > 0 and var held ? $", and {held} bytes are kept for readers of earlier commits" : "";
}
