using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Space.Log;
using Btrfs.Space.Transactions;
using Btrfs.Tests.Changes;

namespace Btrfs.Tests.Log;

public sealed class LogSpaceTests
{
    /// <summary>Of a log of one item: its leaf, and the list of logs.</summary>
    private const int BlocksPerWrite = 2;

    [Test]
    public void A_block_of_the_log_is_not_written_over_while_any_copy_of_the_superblock_leads_to_it()
    {
        using NewImage image = new(128 << 20);
        SpaceState state = image.Writer.State;
        LeaveFree(state, 2 * BlocksPerWrite);
        Write(state, 1);
        Write(state, 2);
        Assert.That(() => Write(state, 3), Throws.TypeOf<NoSpaceException>());
    }

    [Test]
    public void Three_logs_of_blocks_are_enough_for_any_number_of_fsyncs()
    {
        using NewImage image = new(128 << 20);
        SpaceState state = image.Writer.State;
        LeaveFree(state, 3 * BlocksPerWrite);
        for (ulong number = 1; number < 50; number++)
            Write(state, number);
    }

    private static void LeaveFree(SpaceState state, int blocks)
    {
        ulong left = (ulong)(blocks * state.Committed.NodeSize);
        while (state.Groups.Sum(BlockGroupFlags.Metadata, group => group.Allocatable) > left)
            Assert.That(state.Allocator.TryAllocateBlock(state.MetadataType, out _), Is.True);
    }

    private static void Write(SpaceState state, ulong number)
    {
        InodeItem item = new() { Generation = 1, TransId = 1, NLink = 1, Mode = NewImage.RegularMode, FileSize = number };
        SubvolumeLog log = state.Log.Of(ObjectIds.FsTree);
        log.Tree.Set(new Key(ObjectIds.FirstFree + 1, ItemType.InodeItem, 0), MemoryMarshal.AsBytes([item]));
        state.Log.Write();
    }
}
