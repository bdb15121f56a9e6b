using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Ctree;

/// <summary>What a tree looks like after runs of like changes.</summary>
public sealed class TreeShapeTests
{
    [Test]
    public void Items_in_ascending_order_leave_full_leaves_behind(
        [Values(4096, 16384, 65536)] int nodeSize, [Values(0, 21, 160)] int size, [Values] bool commits)
    {
        MemoryBlocks blocks = new(nodeSize);
        Tree tree = blocks.CreateTree();
        int count = 40 * nodeSize / (size + ItemHeader.Size);
        for (int number = 0; number < count; number++)
        {
            tree.Insert(KeyOf(number), size);
            if (commits && number % (count / 7) == 0)
                blocks.Commit();
        }

        TreeAudit audit = TreeAudit.Of(tree, blocks);
        Assert.That(audit.Items, Has.Count.EqualTo(count));
        Assert.That(audit.Fill, Is.GreaterThan(0.9));
    }

    [Test]
    public void Nodes_are_left_full_behind_items_in_ascending_order()
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        for (int number = 0; number < 50000; number++)
            tree.Insert(KeyOf(number), 1000);

        TreeAudit audit = TreeAudit.Of(tree, blocks);
        int nodes = audit.Reached.Count - audit.Leaves;
        Assert.That(tree.Root.Level, Is.EqualTo(3));
        Assert.That(nodes, Is.LessThan(audit.Leaves / 121.0 * 1.1));
    }

    [Test]
    public void Items_in_ascending_order_amid_others_leave_well_filled_leaves_behind()
    {
        MemoryBlocks blocks = new(16384);
        Tree tree = blocks.CreateTree();
        tree.Insert(KeyOf(-1), 100);
        tree.Insert(Key.Max, 100);
        for (int number = 0; number < 20000; number++)
            tree.Insert(KeyOf(number), 100);
        Assert.That(TreeAudit.Of(tree, blocks).Fill, Is.GreaterThan(0.8));
    }

    [TestCase(false, 0.7)]
    [TestCase(true, 0.7)]
    public void Items_in_other_orders_leave_leaves_well_filled(bool isRandom, double fill)
    {
        MemoryBlocks blocks = new(16384);
        Tree tree = blocks.CreateTree();
        int[] numbers = [.. Enumerable.Range(0, 20000).Reverse()];
        if (isRandom)
            TestSeed.Random().Shuffle(numbers);
        foreach (int number in numbers)
            tree.Insert(KeyOf(number), 100);
        Assert.That(TreeAudit.Of(tree, blocks).Fill, Is.GreaterThan(fill));
    }

    [Test]
    public void An_item_of_a_leafs_size_parts_a_full_leaf_in_two()
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        for (int number = 0; number < 6; number += 2)
            tree.Insert(KeyOf(number), 1200);
        tree.Insert(KeyOf(1), tree.MaxItemSize);

        TreeAudit audit = TreeAudit.Of(tree, blocks);
        Assert.That(audit.Leaves, Is.EqualTo(3));
        Assert.That(audit.Items.Select(item => item.Value.Length), Is.EqualTo(new[] { 1200, tree.MaxItemSize, 1200, 1200 }));
    }

    [Test]
    public void An_item_that_grows_keeps_its_bytes_while_leaves_part_around_it([Range(0, 2)] int grown)
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        for (int number = 0; number < 3; number++)
            tree.Insert(KeyOf(number), 1200).Fill((byte)(number + 1));
        tree.Resize(KeyOf(grown), tree.MaxItemSize);

        TreeAudit audit = TreeAudit.Of(tree, blocks);
        for (int number = 0; number < 3; number++)
            Assert.That(audit.Items[number].Value.Count(data => data == number + 1), Is.EqualTo(1200));
        Assert.That(audit.Items[grown].Value, Has.Length.EqualTo(tree.MaxItemSize));
    }

    [TestCase("ascending")]
    [TestCase("descending")]
    [TestCase("random")]
    public void Deleting_every_item_leaves_one_empty_leaf(string order)
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        int[] numbers = [.. Enumerable.Range(0, 20000)];
        foreach (int number in numbers)
            tree.Insert(KeyOf(number), 50);
        Assert.That(tree.Root.Level, Is.EqualTo(2));
        blocks.Commit();

        if (order == "descending")
            Array.Reverse(numbers);
        else if (order == "random")
            TestSeed.Random().Shuffle(numbers);
        for (int at = 0; at < numbers.Length; at++)
        {
            tree.Delete(KeyOf(numbers[at]));
            if (at % 4000 == 3999)
                Assert.That(TreeAudit.Of(tree, blocks).Items, Has.Count.EqualTo(numbers.Length - at - 1));
        }

        Assert.That((tree.Root.Level, blocks.Held.Count), Is.EqualTo((0, 1)));
        Assert.That(tree.OpenCursor().Seek(Key.Min), Is.False);
    }

    [Test]
    public void Leaves_that_thin_out_are_joined()
    {
        MemoryBlocks blocks = new(16384);
        Tree tree = blocks.CreateTree();
        for (int number = 0; number < 20000; number++)
            tree.Insert(KeyOf(number), 50);
        int full = TreeAudit.Of(tree, blocks).Leaves;
        for (int number = 0; number < 20000; number++)
        {
            if (number % 10 != 0)
                tree.Delete(KeyOf(number));
        }

        Assert.That(TreeAudit.Of(tree, blocks).Leaves, Is.LessThan(full / 3));
    }

    [Test]
    public void A_range_goes_leaf_by_leaf()
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        for (int number = 0; number < 20000; number++)
            tree.Insert(KeyOf(number), 50);
        blocks.Commit();
        int leaves = TreeAudit.Of(tree, blocks).Leaves;
        int changes = blocks.Changes;

        Assert.That(tree.DeleteRange(KeyOf(50), KeyOf(19949)), Is.EqualTo(19900));
        Assert.That(blocks.Changes - changes, Is.LessThanOrEqualTo(leaves));
        Assert.That(TreeAudit.Of(tree, blocks).Items.Select(item => item.Key), Is.EqualTo(Enumerable.Range(0, 50).Concat(Enumerable.Range(19950, 50)).Select(KeyOf)));
        Assert.That(tree.DeleteRange(KeyOf(60), KeyOf(19000)), Is.Zero);
        Assert.That(tree.DeleteRange(KeyOf(30), KeyOf(20)), Is.Zero);
        Assert.That(tree.DeleteRange(Key.Min, Key.Max), Is.EqualTo(100));
        Assert.That(blocks.Held, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_change_copies_the_way_to_its_leaf_once_a_transaction()
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        for (int number = 0; number < 20000; number++)
            tree.Insert(KeyOf(number), 50);
        blocks.Commit();
        HashSet<ulong> before = [.. blocks.Held];

        tree.Edit(KeyOf(10000))[0] = 1;
        tree.Edit(KeyOf(10000))[0] = 2;
        tree.Delete(KeyOf(10001));
        Assert.That(blocks.Held.Count(bytenr => !before.Contains(bytenr)), Is.EqualTo(tree.Root.Level + 1));
        Assert.That(tree.Root.Generation, Is.EqualTo(blocks.Generation));
        TreeAudit.Of(tree, blocks);
    }

    [Test]
    public void A_copied_root_shares_all_else()
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        for (int number = 0; number < 1000; number++)
            tree.Insert(KeyOf(number), 50);
        TreeRoot old = tree.Root;
        HashSet<ulong> before = [.. blocks.Held];

        ExtentBuffer root = tree.CopyRoot();
        Assert.That(root.Bytenr, Is.EqualTo(tree.Root.Bytenr));
        Assert.That(tree.Root.Bytenr, Is.Not.EqualTo(old.Bytenr));
        before.SymmetricExceptWith(blocks.Held);
        Assert.That(before, Is.EquivalentTo(new[] { old.Bytenr.Value, root.Bytenr.Value }));
        Assert.That(TreeAudit.Of(tree, blocks).Items, Has.Count.EqualTo(1000));
    }

    [Test]
    public void The_last_item_below_nodes_with_one_child_leaves_one_empty_leaf()
    {
        MemoryBlocks blocks = new(4096);
        ExtentBuffer block = blocks.CreateBlock(ObjectIds.FirstFree, 0);
        block.EditLeaf().Insert(0, KeyOf(1), 10);
        for (int level = 1; level <= 3; level++)
        {
            ExtentBuffer parent = blocks.CreateBlock(ObjectIds.FirstFree, level);
            parent.EditNode().Insert(0, new KeyPointer { Key = new DiskKey(KeyOf(1)), Bytenr = block.Bytenr.Value, Generation = block.Generation });
            block = parent;
        }

        Tree tree = new(new TreeRoot(ObjectIds.FirstFree, block.Bytenr, block.Generation, 3), blocks, blocks, 4096);
        blocks.Commit();
        tree.Delete(KeyOf(1));
        Assert.That(tree.Root.Level, Is.Zero);
        Assert.That(TreeAudit.Of(tree, blocks).Items, Is.Empty);
    }

    [Test]
    public void An_item_of_more_than_a_leafs_size_is_refused()
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        Assert.Throws<InvariantException>(() => tree.Insert(KeyOf(1), tree.MaxItemSize + 1));
        Assert.Throws<InvariantException>(() => tree.Set(KeyOf(1), new byte[tree.MaxItemSize + 1]));
        tree.Insert(KeyOf(1), 1);
        Assert.Throws<InvariantException>(() => tree.Resize(KeyOf(1), tree.MaxItemSize + 1));
        Assert.That(tree.Resize(KeyOf(1), tree.MaxItemSize).Length, Is.EqualTo(4096 - 101 - 25));
    }

    [Test]
    public void A_failing_allocation_comes_through_and_the_old_root_still_reads()
    {
        MemoryBlocks blocks = new(4096);
        Tree tree = blocks.CreateTree();
        for (int number = 0; number < 1000; number++)
            tree.Insert(KeyOf(number), 50);
        blocks.Commit();
        TreeRoot committed = tree.Root;

        blocks.Room = 1;
        Assert.Throws<NoSpaceException>(() => tree.Insert(KeyOf(1000), 50));
        InvariantException? refusal = Assert.Throws<InvariantException>(() => tree.TryGet(KeyOf(10), out _));
        Assert.That(refusal!.Message, Does.Contain("after one that failed"), "a half changed tree is not to be worked with");
        TreeCursor cursor = new(blocks, committed);
        Assert.That(cursor.Seek(KeyOf(0)));
        int count = 1;
        while (cursor.MoveNext())
            count++;
        Assert.That(count, Is.EqualTo(1000));
    }

    private static Key KeyOf(int number) => new(256 + (ulong)(number + 1), ItemType.StringItem, 7);
}
