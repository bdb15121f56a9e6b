using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Fuzz.Images;

namespace Btrfs.Fuzz.Mutations;

/// <summary>Damage to items: members of records, names, and items that are lost, doubled, moved or given to another.</summary>
internal static class ItemMutations
{
    public static void ChangeRecord(ImageEdit edit)
    {
        ItemPlace item = Values.AnyItem(edit);
        Span<byte> data = BlockMutations.Data(edit, edit.Block(item.Block), item.Slot);
        if (Members.RecordOf(item.Key.Type) is { } record)
            BlockMutations.ChangeMember(edit, data, record);
        else if (!data.IsEmpty)
            data[edit.Random.Next(data.Length)] ^= (byte)edit.Random.Next(1, 256);
    }

    /// <summary>What a subvolume's tree is made of counts more than the rest: these are what send and ls lean on.</summary>
    public static void ChangeFileRecord(ImageEdit edit)
    {
        ItemType type = Values.One(edit.Random, [ItemType.InodeItem, ItemType.ExtentData, ItemType.DirItem, ItemType.DirIndex, ItemType.InodeRef, ItemType.RootItem]);
        ItemPlace item = Values.One(edit.Random, edit.Image.ItemsByType[type]);
        BlockMutations.ChangeMember(edit, BlockMutations.Data(edit, edit.Block(item.Block), item.Slot), Members.RecordOf(type)!);
    }

    public static void ChangeBytes(ImageEdit edit)
    {
        ItemPlace item = Values.AnyItem(edit);
        Span<byte> data = BlockMutations.Data(edit, edit.Block(item.Block), item.Slot);
        for (int count = edit.Random.Next(1, 4); count > 0 && !data.IsEmpty; count--)
            data[edit.Random.Next(data.Length)] = (byte)edit.Random.Next(256);
    }

    public static void Lose(ImageEdit edit) => Rework(edit, (items, slot) => items.RemoveAt(slot));

    /// <summary>Another key for an item, which moves to where it belongs, so that the leaf stays in order.</summary>
    public static void Rekey(ImageEdit edit) => Rework(edit, (items, slot) =>
    {
        (Key key, byte[] data) = items[slot];
        items[slot] = (Changed(edit, key), data);
    });

    public static void DoubleUnderAnotherKey(ImageEdit edit) => Rework(edit, (items, slot) => items.Add((Changed(edit, items[slot].Key), items[slot].Data)));

    public static void SwapData(ImageEdit edit) => Rework(edit, (items, slot) =>
    {
        int other = edit.Random.Next(items.Count);
        (items[slot], items[other]) = ((items[slot].Key, items[other].Data), (items[other].Key, items[slot].Data));
    });

    public static void Resize(ImageEdit edit) => Rework(edit, (items, slot) =>
    {
        byte[] data = items[slot].Data;
        Array.Resize(ref data, edit.Random.Next(2) == 0 ? edit.Random.Next(data.Length + 1) : data.Length + edit.Random.Next(1, 80));
        items[slot] = (items[slot].Key, data);
    });

    /// <summary>A directory below itself, below another one, or below nothing.</summary>
    public static void Reparent(ImageEdit edit)
    {
        ItemPlace[] names = edit.Image.ItemsByType[ItemType.InodeRef];
        ItemPlace chosen = Values.One(edit.Random, names);
        ulong parent = edit.Random.Next(3) switch
        {
            0 => chosen.Key.ObjectId,
            1 => Values.One(edit.Random, names).Key.ObjectId,
            _ => Values.Pick(edit, chosen.Key.Offset),
        };
        SetParent(edit, chosen, parent);
    }

    /// <summary>Two directories, each below the other.</summary>
    public static void LoopDirectories(ImageEdit edit)
    {
        // What is a parent of something is a directory.
        ItemPlace[] names = edit.Image.ItemsByType[ItemType.InodeRef];
        HashSet<ulong> parents = [.. names.Select(name => name.Key.Offset)];
        ItemPlace[] directories = [.. names.Where(name => parents.Contains(name.Key.ObjectId) && name.Key.ObjectId != name.Key.Offset)];
        ItemPlace first = Values.One(edit.Random, directories);
        ItemPlace second = Values.One(edit.Random, directories);
        SetParent(edit, first, second.Key.ObjectId);
        if (second.Block != first.Block)
            SetParent(edit, second, first.Key.ObjectId);
    }

    /// <summary>An entry that leads to another inode, to its own directory, to a subvolume, or to nothing.</summary>
    public static void RelocateEntry(ImageEdit edit)
    {
        ItemType type = edit.Random.Next(2) == 0 ? ItemType.DirIndex : ItemType.DirItem;
        ItemPlace item = Values.One(edit.Random, edit.Image.ItemsByType[type]);
        Span<byte> data = BlockMutations.Data(edit, edit.Block(item.Block), item.Slot);
        Key location = edit.Random.Next(4) switch
        {
            0 => new Key(item.Key.ObjectId, ItemType.InodeItem, 0),
            1 => new Key(Values.One(edit.Random, edit.Image.ItemsByType[ItemType.InodeItem]).Key.ObjectId, ItemType.InodeItem, 0),
            2 => new Key(Values.One(edit.Random, edit.Image.ItemsByType[ItemType.RootItem]).Key.ObjectId, ItemType.RootItem, ulong.MaxValue),
            _ => new Key(Values.Pick(edit, 256), ItemType.InodeItem, 0),
        };
        if (data.Length > DiskKey.Size)
            MemoryMarshal.Write(data, new DiskKey(location));
        if (edit.Random.Next(2) == 0 && data.Length >= DirItem.Size)
            Members.Write(data, Members.Of<DirItem>(nameof(DirItem.Type)), (ulong)edit.Random.Next(1, 8));
    }

    /// <summary>Another name under the right hash: two entries of one name, or one that its inode does not know.</summary>
    public static void RenameEntry(ImageEdit edit)
    {
        ItemType type = Values.One(edit.Random, [ItemType.DirIndex, ItemType.DirItem, ItemType.XattrItem, ItemType.InodeRef]);
        ItemPlace item = Values.One(edit.Random, edit.Image.ItemsByType[type]);
        int head = type == ItemType.InodeRef ? InodeRef.Size : DirItem.Size;
        Rework(edit, item, (items, slot) =>
        {
            (Key key, byte[] data) = items[slot];
            if (data.Length <= head)
                return;

            data[edit.Random.Next(head, data.Length)] = (byte)"/.\0aN1"[edit.Random.Next(6)];
            if (type is ItemType.DirItem or ItemType.XattrItem)
            {
                int length = Math.Min(data.Length - head, MemoryMarshal.AsRef<DirItem>(data).NameLength);
                key = key with { Offset = NameHash.OfName(data.AsSpan(head, length)) };
            }

            items[slot] = (key, data);
        });
    }

    /// <summary>A tree whose root is another tree's: subvolumes across, a file tree where extents should be.</summary>
    public static void CrossRoots(ImageEdit edit)
    {
        ItemPlace[] roots = edit.Image.ItemsByType[ItemType.RootItem];
        ItemPlace from = Values.One(edit.Random, roots);
        ItemPlace to = Values.One(edit.Random, roots);
        Span<byte> source = BlockMutations.Data(edit, edit.Block(from.Block), from.Slot);
        Span<byte> target = BlockMutations.Data(edit, edit.Block(to.Block), to.Slot);
        foreach (string name in new[] { nameof(RootItem.Bytenr), nameof(RootItem.Level), nameof(RootItem.Generation), nameof(RootItem.GenerationV2) })
        {
            Member member = Members.Of<RootItem>(name);
            if (member.Offset + member.Size <= Math.Min(source.Length, target.Length))
                Members.Write(target, member, Members.Read(source, member));
        }
    }

    private static void SetParent(ImageEdit edit, ItemPlace name, ulong parent) =>
        Rework(edit, name, (items, slot) => items[slot] = (items[slot].Key with { Offset = parent }, items[slot].Data));

    private static Key Changed(ImageEdit edit, Key key) => edit.Random.Next(4) switch
    {
        0 => key with { ObjectId = Values.Pick(edit, key.ObjectId) },
        1 => key with { Type = Values.One(edit.Random, [.. edit.Image.ItemsByType.Keys]) },
        _ => key with { Offset = Values.Pick(edit, key.Offset) },
    };

    private static void Rework(ImageEdit edit, Action<List<(Key Key, byte[] Data)>, int> change) => Rework(edit, Values.AnyItem(edit), change);

    private static void Rework(ImageEdit edit, ItemPlace item, Action<List<(Key Key, byte[] Data)>, int> change)
    {
        byte[] block = edit.Block(item.Block);
        LeafItems leaf = LeafItems.TryRead(block, edit.Image.Context.NodeSize);
        if (item.Slot >= leaf.Items.Count)
            return;

        change(leaf.Items, item.Slot);
        leaf.Items.Sort((left, right) => left.Key.CompareTo(right.Key));
        if (leaf.TryWrite(block) && leaf.Items.Count > 0)
            BlockMutations.MaybeFixParents(edit, item.Block);
    }
}
