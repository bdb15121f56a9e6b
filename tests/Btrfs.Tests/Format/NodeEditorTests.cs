using Btrfs.Format;
using Btrfs.Tests.Format.Building;

namespace Btrfs.Tests.Format;

public sealed class NodeEditorTests
{
    private static readonly BlockBuilder s_builder = new() { NodeSize = 4096 };

    [Test]
    public void Two_nodes_hold_what_two_lists_hold()
    {
        Random random = TestSeed.Random();
        byte[][] blocks = [s_builder.Node(1), s_builder.Node(1)];
        List<ulong>[] models = [[], []];
        ulong next = 1;
        for (int step = 0; step < 4000; step++)
        {
            int which = random.Next(2);
            Change(random, new NodeEditor(blocks[which]), models[which], new NodeEditor(blocks[1 - which]), models[1 - which], next++);
            RequirePointers(blocks[0], models[0]);
            RequirePointers(blocks[1], models[1]);
        }
    }

    [Test]
    public void A_full_node_takes_no_more()
    {
        byte[] block = s_builder.Node(1);
        NodeEditor node = new(block);
        for (int slot = 0; slot < node.Capacity; slot++)
            node.Insert(slot, PointerTo((ulong)slot));
        Assert.That(node.Capacity, Is.EqualTo(121));
        Assert.Throws<InvariantException>(() => new NodeEditor(block).Insert(0, PointerTo(1)));
    }

    private static void Change(Random random, NodeEditor node, List<ulong> model, NodeEditor other, List<ulong> otherModel, ulong next)
    {
        int slot = random.Next(model.Count + 1);
        switch (random.Next(8))
        {
            case < 4 when model.Count < node.Capacity:
                node.Insert(slot, PointerTo(next));
                model.Insert(slot, next);
                break;
            case 4 or 5 when slot < model.Count:
                node.Delete(slot);
                model.RemoveAt(slot);
                break;
            case 6 when model.Count - slot + other.Count <= other.Capacity:
                node.MoveTailTo(other, slot);
                otherModel.InsertRange(0, model[slot..]);
                model.RemoveRange(slot, model.Count - slot);
                break;
            case 7 when slot + other.Count <= other.Capacity:
                node.MoveHeadTo(other, slot);
                otherModel.AddRange(model[..slot]);
                model.RemoveRange(0, slot);
                break;
        }
    }

    private static KeyPointer PointerTo(ulong number) =>
        new() { Key = new DiskKey(new Key(number, ItemType.InodeItem, number)), Bytenr = number << 12, Generation = number + 1 };

    private static void RequirePointers(byte[] block, List<ulong> numbers)
    {
        NodeView node = new(block);
        Assert.That(node.Count, Is.EqualTo(numbers.Count));
        for (int slot = 0; slot < numbers.Count; slot++)
        {
            ref readonly KeyPointer pointer = ref node.Pointer(slot);
            ulong number = numbers[slot];
            Assert.That(pointer.Key.ToKey() == new Key(number, ItemType.InodeItem, number) && pointer.Bytenr == number << 12 && pointer.Generation == number + 1, $"slot {slot}");
        }
    }
}
