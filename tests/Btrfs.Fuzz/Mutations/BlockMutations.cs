using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Fuzz.Images;

namespace Btrfs.Fuzz.Mutations;

/// <summary>Damage to tree blocks as such: headers, item headers, pointers, and whole blocks in the wrong place.</summary>
internal static class BlockMutations
{
    public static void FlipBytes(ImageEdit edit)
    {
        byte[] block = edit.Block(Values.One(edit.Random, edit.Image.Blocks));
        for (int count = edit.Random.Next(1, 4); count > 0; count--)
            block[edit.Random.Next(block.Length)] ^= (byte)edit.Random.Next(1, 256);
    }

    public static void ChangeHeader(ImageEdit edit) =>
        ChangeMember(edit, edit.Block(Values.One(edit.Random, edit.Image.Blocks)), typeof(BlockHeader));

    public static void ChangeItemHeader(ImageEdit edit)
    {
        ItemPlace item = Values.AnyItem(edit);
        ChangeMember(edit, edit.Block(item.Block).AsSpan(BlockHeader.Size + item.Slot * ItemHeader.Size), typeof(ItemHeader));
        MaybeFixParents(edit, item.Block);
    }

    public static void ChangePointer(ImageEdit edit)
    {
        (byte[] node, int offset, _) = AnyPointer(edit);
        ChangeMember(edit, node.AsSpan(offset), typeof(KeyPointer));
    }

    /// <summary>Points to another block, sometimes with all that a reader compares made to agree: a cycle, or a subtree in two trees.</summary>
    public static void RedirectPointer(ImageEdit edit)
    {
        (byte[] node, int offset, BlockPlace parent) = AnyPointer(edit);
        BlockPlace target = edit.Random.Next(4) == 0 ? parent : Values.One(edit.Random, edit.Image.Blocks);
        Span<byte> pointer = node.AsSpan(offset);
        Members.Write(pointer, Members.Of<KeyPointer>(nameof(KeyPointer.Bytenr)), target.Logical);
        if (edit.Random.Next(4) == 0)
            return;

        byte[] block = edit.Block(target);
        Members.Write(pointer, Members.Of<KeyPointer>(nameof(KeyPointer.Generation)), target.Generation);
        if (edit.Random.Next(2) == 0)
            MemoryMarshal.Write(pointer, new DiskKey(target.FirstKey));
        else
            pointer[..DiskKey.Size].CopyTo(block.AsSpan(BlockHeader.Size));
        if (edit.Random.Next(2) == 0)
            Members.Write(block, Members.Of<BlockHeader>(nameof(BlockHeader.Owner)), parent.Root);
        if (edit.Random.Next(2) == 0)
            Members.Write(block, Members.Of<BlockHeader>(nameof(BlockHeader.Level)), (ulong)parent.Level - 1);
    }

    /// <summary>A tree's root stands one level higher or lower than it says, or its block does.</summary>
    public static void LieAboutLevels(ImageEdit edit)
    {
        BlockPlace place = Values.One(edit.Random, edit.Image.Blocks);
        ulong level = (ulong)edit.Random.Next(9);
        Members.Write(edit.Block(place), Members.Of<BlockHeader>(nameof(BlockHeader.Level)), level);
        foreach (ItemPlace root in edit.Image.ItemsByType[ItemType.RootItem])
        {
            if (edit.Random.Next(2) == 0)
                continue;

            byte[] leaf = edit.Block(root.Block);
            Span<byte> data = Data(edit, leaf, root.Slot);
            if (data.Length >= RootItem.LegacySize && Members.Read(data, Members.Of<RootItem>(nameof(RootItem.Bytenr))) == place.Logical)
                Members.Write(data, Members.Of<RootItem>(nameof(RootItem.Level)), level);
        }
    }

    /// <summary>The bytes of one block in the place of another, made to look at home there.</summary>
    public static void Graft(ImageEdit edit)
    {
        BlockPlace from = Values.One(edit.Random, edit.Image.Blocks);
        BlockPlace[] sameLevel = from.Level == 0 ? edit.Image.Leaves : edit.Image.Nodes;
        BlockPlace to = Values.One(edit.Random, sameLevel);
        byte[] target = edit.Block(to);
        byte[] before = [.. target];
        edit.Block(from).CopyTo(target, 0);
        Members.Write(target, Members.Of<BlockHeader>(nameof(BlockHeader.Bytenr)), to.Logical);
        foreach (string kept in new[] { nameof(BlockHeader.Generation), nameof(BlockHeader.Owner), nameof(BlockHeader.Level) })
        {
            Member member = Members.Of<BlockHeader>(kept);
            Members.Write(target, member, Members.Read(before, member));
        }

        MaybeFixParents(edit, to);
    }

    public static void ChangeMember(ImageEdit edit, Span<byte> record, Type type)
    {
        Member member = Values.One(edit.Random, Members.All(type));
        if (member.Offset + member.Size <= record.Length)
            Members.Write(record, member, Values.Pick(edit, Members.Read(record, member)));
    }

    public static void MaybeFixParents(ImageEdit edit, BlockPlace place)
    {
        if (edit.Random.Next(4) != 0)
            edit.FixParents(place);
    }

    public static Span<byte> Data(ImageEdit edit, byte[] leaf, int slot)
    {
        (int start, int length) = LeafItems.TryRead(leaf, edit.Image.Context.NodeSize).DataRange(slot);
        return leaf.AsSpan(start, length);
    }

    private static (byte[] Node, int Offset, BlockPlace Place) AnyPointer(ImageEdit edit)
    {
        BlockPlace place = Values.One(edit.Random, edit.Image.Nodes);
        byte[] node = edit.Block(place);
        int capacity = (node.Length - BlockHeader.Size) / KeyPointer.Size;
        int count = (int)Math.Clamp(MemoryMarshal.AsRef<BlockHeader>(node).ItemCount, 1, (uint)capacity);
        return (node, BlockHeader.Size + edit.Random.Next(count) * KeyPointer.Size, place);
    }
}
