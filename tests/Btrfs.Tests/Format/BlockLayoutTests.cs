using Btrfs.Format;
using Btrfs.Tests.Format.Building;
using static Btrfs.Tests.Format.Building.SampleItems;

namespace Btrfs.Tests.Format;

/// <summary>The frame of leaves and nodes, before any item is looked into.</summary>
public sealed class BlockLayoutTests
{
    private static readonly BlockBuilder s_builder = new();

    [TestCase(4096, 4096)]
    [TestCase(16384, 4096)]
    [TestCase(65536, 4096)]
    [TestCase(65536, 65536)]
    public void A_full_leaf_passes_at_every_size(int nodeSize, int sectorSize)
    {
        BlockBuilder builder = new() { NodeSize = nodeSize, SectorSize = sectorSize };
        int capacity = (nodeSize - BlockHeader.Size) / ItemHeader.Size;
        TestItem[] items = [.. Enumerable.Range(0, capacity).Select(n => new TestItem(new Key(ObjectIds.Orphan, ItemType.OrphanItem, (ulong)n), []))];
        Assert.DoesNotThrow(() => builder.Verify(builder.Leaf(items)));
    }

    [Test]
    public void A_leaf_without_room_between_headers_and_data_passes()
    {
        int room = s_builder.NodeSize - BlockHeader.Size - ItemHeader.Size;
        Assert.DoesNotThrow(() => s_builder.Verify(s_builder.Leaf(Opaque(1, room))));
    }

    [Test]
    public void Data_that_runs_into_the_headers_is_refused()
    {
        int room = s_builder.NodeSize - BlockHeader.Size - ItemHeader.Size;
        byte[] block = s_builder.Leaf(Opaque(1, room), Opaque(2, 0));
        GateAssert.Refuses(s_builder, block, "item data overlaps the item headers");
    }

    [TestCase(0U, 1U, "invalid owner, root 0")]
    [TestCase(1U, 1U, "must never be empty")]
    [TestCase(2U, 1U, "must never be empty")]
    [TestCase(3U, 1U, "must never be empty")]
    [TestCase(4U, 1U, "must never be empty")]
    [TestCase(5U, 1U, "must never be empty")]
    public void An_empty_leaf_of_a_tree_that_has_items_is_refused(uint owner, uint flags, string reason)
    {
        BlockBuilder builder = new() { Owner = owner, Flags = flags };
        GateAssert.Refuses(builder, builder.Leaf(), reason);
    }

    [TestCase(ObjectIds.CsumTree, BlockHeader.FlagWritten)]
    [TestCase(ObjectIds.QuotaTree, BlockHeader.FlagWritten)]
    [TestCase(ObjectIds.FirstFree, BlockHeader.FlagWritten)]
    [TestCase(ObjectIds.FsTree, BlockHeader.FlagWritten | BlockHeader.FlagReloc)]
    public void An_empty_leaf_of_a_tree_that_may_be_empty_passes(ulong owner, ulong flags)
    {
        BlockBuilder builder = new() { Owner = owner, Flags = flags };
        Assert.DoesNotThrow(() => builder.Verify(builder.Leaf()));
    }

    [TestCase(8)]
    [TestCase(255)]
    public void A_level_that_no_tree_has_is_refused(int level) =>
        GateAssert.Refuses(s_builder, s_builder.Node((byte)level, (new Key(1, ItemType.InodeItem, 0), Megabyte)), "invalid level");

    [TestCase(0, ItemHeader.Size)]
    [TestCase(1, KeyPointer.Size)]
    public void More_items_than_fit_are_refused(int level, int size)
    {
        ulong tooMany = (ulong)((s_builder.NodeSize - BlockHeader.Size) / size + 1);
        foreach (ulong count in new ulong[] { tooMany, int.MaxValue, uint.MaxValue })
        {
            byte[] block = s_builder.Node((byte)level, (new Key(1, ItemType.InodeItem, 0), Megabyte));
            GateAssert.Refuses(s_builder, Records.Set<BlockHeader>(block, nameof(BlockHeader.ItemCount), count), "invalid item count");
        }
    }

    [Test]
    public void Keys_that_do_not_ascend_are_refused()
    {
        GateAssert.Refuses(s_builder, s_builder.Leaf(Opaque(2, 5), Opaque(1, 5)), "bad key order");
        GateAssert.Refuses(s_builder, s_builder.Leaf(Opaque(2, 5), Opaque(2, 5)), "bad key order");
    }

    [TestCase(0)]
    [TestCase(1)]
    public void An_item_that_does_not_end_where_the_one_before_begins_is_refused(int slot)
    {
        byte[] block = s_builder.Leaf(Opaque(1, 20), Opaque(2, 20));
        foreach (ulong size in new ulong[] { 19, 21, 0x7FFFFFFF, 0xFFFFFFFF })
        {
            byte[] broken = Records.Set<ItemHeader>(block, nameof(ItemHeader.DataSize), size, BlockBuilder.ItemOffset(slot));
            GateAssert.Refuses(s_builder, broken, "unexpected item end");
        }
    }

    [Test]
    public void An_offset_that_wraps_with_its_size_is_refused()
    {
        byte[] block = s_builder.Leaf(Opaque(1, 20));
        uint end = (uint)(s_builder.NodeSize - BlockHeader.Size);
        block = Records.Set<ItemHeader>(block, nameof(ItemHeader.DataOffset), 0xFFFFFFFF, BlockBuilder.ItemOffset(0));
        block = Records.Set<ItemHeader>(block, nameof(ItemHeader.DataSize), end + 1, BlockBuilder.ItemOffset(0));
        GateAssert.Refuses(s_builder, block, "unexpected item end");
    }

    [Test]
    public void A_node_passes() =>
        Assert.DoesNotThrow(() => s_builder.Verify(s_builder.Node(1, (default, Megabyte), (new Key(5, ItemType.InodeItem, 0), 2 * Megabyte))));

    [Test]
    public void A_node_without_pointers_is_refused() => GateAssert.Refuses(s_builder, s_builder.Node(1), "invalid pointer count");

    [TestCase(0UL, "null node pointer")]
    [TestCase(4097UL, "unaligned pointer")]
    public void A_pointer_to_nowhere_is_refused(ulong child, string reason) =>
        GateAssert.Refuses(s_builder, s_builder.Node(7, (default, Megabyte), (new Key(5, ItemType.InodeItem, 0), child)), reason);

    [Test]
    public void A_node_whose_keys_do_not_ascend_is_refused() =>
        GateAssert.Refuses(s_builder, s_builder.Node(1, (new Key(5, ItemType.InodeItem, 0), Megabyte), (new Key(5, ItemType.InodeItem, 0), Megabyte)), "bad key order");

    [Test]
    public void The_message_names_root_block_and_slot()
    {
        CorruptMetadataException? refusal = Assert.Throws<CorruptMetadataException>(
            () => s_builder.Verify(s_builder.Leaf(Opaque(1, 5), Opaque(2, 5), Opaque(2, 5))));
        Assert.That(refusal!.Message, Does.StartWith($"corrupt metadata: root=5 block={BlockBuilder.Bytenr} slot=2, "));
        Assert.That(refusal.Slot, Is.EqualTo(2));
    }

    private static TestItem Opaque(ulong number, int size) => new(new Key(number, ItemType.StringItem, 0), new byte[size]);
}
