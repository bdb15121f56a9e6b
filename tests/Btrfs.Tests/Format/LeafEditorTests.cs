using Btrfs.Format;
using Btrfs.Tests.Format.Building;

namespace Btrfs.Tests.Format;

public sealed class LeafEditorTests
{
    private static readonly BlockBuilder s_builder = new() { NodeSize = 4096 };

    [Test]
    public void Shrinking_an_item_keeps_its_first_bytes_and_its_neighbours()
    {
        byte[] block = LeafOf([1, 2, 3], [4, 5, 6, 7], [8, 9]);
        Assert.That(new LeafEditor(block).Resize(1, 2).ToArray(), Is.EqualTo(new byte[] { 4, 5 }));
        RequireItems(block, [1, 2, 3], [4, 5], [8, 9]);
    }

    [Test]
    public void Growing_an_item_zeroes_what_is_new()
    {
        byte[] block = LeafOf([1, 2, 3], [4, 5, 6, 7], [8, 9]);
        Assert.That(new LeafEditor(block).Resize(0, 5).ToArray(), Is.EqualTo(new byte[] { 1, 2, 3, 0, 0 }));
        RequireItems(block, [1, 2, 3, 0, 0], [4, 5, 6, 7], [8, 9]);
    }

    [Test]
    public void Cutting_the_front_keeps_the_last_bytes()
    {
        byte[] block = LeafOf([1, 2, 3], [4, 5, 6, 7], [8, 9]);
        new LeafEditor(block).CutFront(1, 3);
        RequireItems(block, [1, 2, 3], [7], [8, 9]);
        new LeafEditor(block).CutFront(1, 1);
        RequireItems(block, [1, 2, 3], [], [8, 9]);
    }

    [Test]
    public void An_item_that_does_not_fit_is_refused()
    {
        byte[] block = LeafOf([1]);
        int free = new LeafEditor(block).FreeBytes;
        Assert.Throws<InvariantException>(() => new LeafEditor(block).Insert(0, Key.Min, free - ItemHeader.Size + 1));
        Assert.Throws<InvariantException>(() => new LeafEditor(block).Resize(0, free + 2));
        Assert.Throws<InvariantException>(() => new LeafEditor(block).CutFront(0, 2));
        RequireItems(block, [1]);
        new LeafEditor(block).Insert(0, Key.Min, free - ItemHeader.Size);
        Assert.That(new LeafEditor(block).FreeBytes, Is.Zero);
    }

    [Test]
    public void Two_leaves_hold_what_two_lists_hold()
    {
        Random random = TestSeed.Random();
        byte[][] blocks = [s_builder.Leaf(), s_builder.Leaf()];
        List<byte[]>[] models = [[], []];
        for (int step = 0; step < 4000; step++)
        {
            int which = random.Next(2);
            Change(random, new LeafEditor(blocks[which]), models[which], new LeafEditor(blocks[1 - which]), models[1 - which]);
            RequireItems(blocks[0], [.. models[0]]);
            RequireItems(blocks[1], [.. models[1]]);
        }
    }

    private static void Change(Random random, LeafEditor leaf, List<byte[]> model, LeafEditor other, List<byte[]> otherModel)
    {
        int slot = random.Next(model.Count + 1);
        int howMany = random.Next(Math.Min(4, model.Count - slot) + 1);
        switch (random.Next(6))
        {
            case 0 or 1:
                byte[] data = new byte[random.Next(random.Next(10) == 0 ? 2000 : 60)];
                random.NextBytes(data);
                if (leaf.FreeBytes < data.Length + ItemHeader.Size)
                    return;
                Span<byte> room = leaf.Insert(slot, Key.Min, data.Length);
                Assert.That(room.IndexOfAnyExcept((byte)0), Is.Negative);
                data.CopyTo(room);
                model.Insert(slot, data);
                break;
            case 2:
                leaf.Delete(slot, howMany);
                model.RemoveRange(slot, howMany);
                break;
            case 3 when slot < model.Count:
                int size = random.Next(model[slot].Length + Math.Min(leaf.FreeBytes, 100) + 1);
                leaf.Resize(slot, size);
                byte[] resized = model[slot];
                Array.Resize(ref resized, size);
                model[slot] = resized;
                break;
            case 4 when slot < model.Count:
                int cut = random.Next(model[slot].Length + 1);
                leaf.CutFront(slot, cut);
                model[slot] = model[slot][cut..];
                break;
            case 5 when random.Next(2) == 0:
                slot = model.Count - random.Next(Math.Min(model.Count, 6) + 1);
                if (other.FreeBytes < SizeOf(model[slot..]))
                    return;
                leaf.MoveTailTo(other, slot);
                otherModel.InsertRange(0, model[slot..]);
                model.RemoveRange(slot, model.Count - slot);
                break;
            case 5:
                howMany = random.Next(Math.Min(model.Count, 6) + 1);
                if (other.FreeBytes < SizeOf(model[..howMany]))
                    return;
                leaf.MoveHeadTo(other, howMany);
                otherModel.AddRange(model[..howMany]);
                model.RemoveRange(0, howMany);
                break;
        }

        Number(leaf);
        Number(other);
    }

    private static int SizeOf(List<byte[]> items) => items.Sum(item => item.Length + ItemHeader.Size);

    // The gate wants keys in order, and where items come to lie is what is under test: each is numbered by its slot.
    private static void Number(LeafEditor leaf)
    {
        for (int slot = 0; slot < leaf.Count; slot++)
            leaf.SetKey(slot, KeyOf(slot));
    }

    private static Key KeyOf(int slot) => new((ulong)slot, ItemType.StringItem, 0);

    private static byte[] LeafOf(params byte[][] items) => s_builder.Leaf([.. items.Select((data, slot) => new TestItem(KeyOf(slot), data))]);

    private static void RequireItems(byte[] block, params byte[][] items)
    {
        // An empty leaf of this tree would not pass, and has nothing to be checked.
        if (items.Length > 0)
            s_builder.Verify(block);
        LeafView leaf = new(block);
        Assert.That(leaf.Count, Is.EqualTo(items.Length));
        int used = 0;
        for (int slot = 0; slot < items.Length; slot++)
        {
            Assert.That(leaf.Data(slot).SequenceEqual(items[slot]), $"slot {slot}");
            used += items[slot].Length + ItemHeader.Size;
        }

        Assert.That(new LeafEditor(block).FreeBytes, Is.EqualTo(block.Length - BlockHeader.Size - used));
    }
}
