using System.Runtime.InteropServices;
using Btrfs.Check.Space;
using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Extents;

/// <summary>Goes through the extent tree: fills the table of extents in the first round, and tells the audit of every back reference in the second.</summary>
internal sealed class ExtentScan(CheckState state, BlockGroupTable groups, ReferenceAudit? audit)
{
    private ulong _bytenr;
    private ulong _end;
    private int _extent = -1;
    private bool _isTreeBlock;
    private ulong _expectedRefs;
    private ulong _foundRefs;

    public void Leaf(ExtentBuffer buffer)
    {
        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            Key key = leaf.Key(slot);
            ReadOnlySpan<byte> data = leaf.Data(slot);
            switch (key.Type)
            {
                case ItemType.ExtentItem:
                case ItemType.MetadataItem:
                    Begin(key, data);
                    break;
                case ItemType.TreeBlockRef:
                case ItemType.SharedBlockRef:
                case ItemType.SharedDataRef:
                case ItemType.ExtentDataRef:
                    Keyed(key, data);
                    break;
                case ItemType.BlockGroupItem when audit is null:
                    groups.AddGroup(key, MemoryMarshal.AsRef<BlockGroupItem>(data));
                    break;
            }
        }
    }

    /// <summary>Ends the last extent.</summary>
    public void Finish()
    {
        if (_extent >= 0 && audit is null && _foundRefs != _expectedRefs)
            state.Log.Add(FindingKind.ExtentRefs, ObjectIds.ExtentTree, new Key(_bytenr, ItemType.ExtentItem, _end - _bytenr), $"extent {_bytenr} counts {_expectedRefs} references and lists {_foundRefs}");
        _extent = -1;
    }

    private void Begin(Key key, ReadOnlySpan<byte> data)
    {
        Finish();
        ref readonly ExtentItem item = ref MemoryMarshal.AsRef<ExtentItem>(data);
        data = data[ExtentItem.Size..];
        byte level = (byte)key.Offset;
        _isTreeBlock = (item.Flags & ExtentFlags.TreeBlock) != 0;
        ulong length = key.Type == ItemType.MetadataItem ? (ulong)state.Fs.NodeSize : key.Offset;
        if (_isTreeBlock && key.Type == ItemType.ExtentItem)
        {
            level = MemoryMarshal.AsRef<TreeBlockInfo>(data).Level;
            data = data[TreeBlockInfo.Size..];
        }

        _expectedRefs = item.Refs;
        _foundRefs = 0;
        _bytenr = key.ObjectId;
        if (audit is null)
            AddExtent(key, length, item, level);
        else
            _extent = state.Extents.Find(_bytenr);
        _end = _bytenr + length;
        if (_extent >= 0)
            Inline(data);
    }

    private void AddExtent(Key key, ulong length, in ExtentItem item, byte level)
    {
        if (state.Extents.Count > 0 && key.ObjectId < _end)
        {
            state.Log.Add(FindingKind.ExtentOverlap, ObjectIds.ExtentTree, key, $"extent {key.ObjectId} begins before the one in front of it ends at {_end}");
            if (key.ObjectId <= state.Extents.Bytenr(state.Extents.Count - 1))
                return;
        }

        if (_isTreeBlock && item.Refs == 0)
            state.Log.Add(FindingKind.ExtentRefs, ObjectIds.ExtentTree, key, $"extent {key.ObjectId} counts no reference");
        if (item.Generation > state.Fs.Superblock.Generation)
            state.Log.Add(FindingKind.ExtentMismatch, ObjectIds.ExtentTree, key, $"extent {key.ObjectId} has generation {item.Generation}, the superblock {state.Fs.Superblock.Generation}");
        _extent = state.Extents.Count;
        state.Extents.Add(key.ObjectId, length, item, level);
        state.Totals.Extents++;
        state.Totals.AllocatedBytes += length;
    }

    private void Inline(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            ref readonly ExtentInlineRef head = ref MemoryMarshal.AsRef<ExtentInlineRef>(data);
            int size = ExtentInlineRef.Size;
            switch (head.Type)
            {
                case ItemType.ExtentDataRef:
                    AddDataRef(MemoryMarshal.AsRef<ExtentDataRef>(data[sizeof(ItemType)..]));
                    size = sizeof(ItemType) + ExtentDataRef.Size;
                    break;
                case ItemType.SharedDataRef:
                    AddParent(head.Offset, MemoryMarshal.AsRef<SharedDataRef>(data[ExtentInlineRef.Size..]).Count);
                    size += SharedDataRef.Size;
                    break;
                case ItemType.SharedBlockRef:
                    AddParent(head.Offset, 1);
                    break;
                case ItemType.TreeBlockRef:
                    AddRoot(head.Offset);
                    break;
                // The root tree holds the files of the old space cache; and what a balance moves is the relocation tree's from there on, as the kernel has it.
                case ItemType.ExtentOwnerRef when !_isTreeBlock && audit is null
                    && !ObjectIds.IsFileTree(head.Offset) && head.Offset.Value is not (ObjectIds.RootTree or ObjectIds.DataRelocTree):
                    state.Log.Add(FindingKind.ExtentMismatch, ObjectIds.ExtentTree, new Key(_bytenr, ItemType.ExtentItem, 0), $"data extent {_bytenr} is owned by {(long)head.Offset.Value}, which holds no files");
                    break;
            }

            data = data[size..];
        }
    }

    private void Keyed(Key key, ReadOnlySpan<byte> data)
    {
        bool isOfTreeBlock = key.Type is ItemType.TreeBlockRef or ItemType.SharedBlockRef;
        if (_extent < 0 || key.ObjectId != _bytenr || isOfTreeBlock != _isTreeBlock)
        {
            if (audit is null)
                state.Log.Add(FindingKind.ExtraBackref, ObjectIds.ExtentTree, key, $"a back reference {key} belongs to no {(isOfTreeBlock ? "tree block" : "data extent")}");
            return;
        }

        switch (key.Type)
        {
            case ItemType.TreeBlockRef:
                AddRoot(key.Offset);
                break;
            case ItemType.SharedBlockRef:
                AddParent(key.Offset, 1);
                break;
            case ItemType.SharedDataRef:
                AddParent(key.Offset, MemoryMarshal.AsRef<SharedDataRef>(data).Count);
                break;
            default:
                foreach (ref readonly ExtentDataRef reference in MemoryMarshal.Cast<byte, ExtentDataRef>(data))
                    AddDataRef(reference);
                break;
        }
    }

    private void AddRoot(ulong root)
    {
        _foundRefs++;
        if (audit is null)
            state.References.AddBackref(_extent, ReferenceHash.OfBlockRoot(root), 1);
        else
            audit.AddListed(_bytenr, 0, root, 0, 0, 1);
    }

    private void AddParent(ulong parent, uint count)
    {
        _foundRefs += count;
        if (audit is null)
            state.References.AddBackref(_extent, ReferenceHash.OfParent(parent), count);
        else
            audit.AddListed(_bytenr, parent, 0, 0, 0, count);
    }

    private void AddDataRef(in ExtentDataRef reference)
    {
        _foundRefs += reference.Count;
        if (audit is null)
            state.References.AddBackref(_extent, ReferenceHash.OfDataRoot(reference.Root, reference.ObjectId, reference.Offset), reference.Count);
        else
            audit.AddListed(_bytenr, 0, reference.Root, reference.ObjectId, reference.Offset, reference.Count);
    }
}
