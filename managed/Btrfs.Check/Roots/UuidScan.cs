using System.Runtime.InteropServices;
using Btrfs.Check.Walking;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Roots;

/// <summary>Holds the UUID tree against the subvolumes.</summary>
internal sealed class UuidScan(CheckState state)
{
    private readonly HashSet<(Key Uuid, ulong Root)> _entries = [];

    public void Leaf(ExtentBuffer buffer)
    {
        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count && !state.Blocks.IsSecondRound; slot++)
        {
            Key key = leaf.Key(slot);
            if (key.Type is not (ItemType.UuidKeySubvol or ItemType.UuidKeyReceivedSubvol))
                continue;

            foreach (Le64 root in MemoryMarshal.Cast<byte, Le64>(leaf.Data(slot)))
            {
                if (!_entries.Add((key, root)))
                    state.Log.Add(FindingKind.UuidTree, ObjectIds.UuidTree, key, $"subvolume {root} stands twice under one uuid");
            }
        }
    }

    public void Compare(IReadOnlyList<RootRecord> roots)
    {
        // Who changed the file system without keeping the tree left its generation behind: the kernel then goes through it anew.
        if (state.Fs.Superblock.UuidTreeGeneration != state.Fs.Superblock.Generation)
            return;

        foreach (RootRecord root in roots)
        {
            if (!ObjectIds.IsFileTree(root.Id) || root.Item.Refs == 0)
                continue;

            Require(root, root.Item.Uuid, ItemType.UuidKeySubvol, "uuid");
            Require(root, root.Item.ReceivedUuid, ItemType.UuidKeyReceivedSubvol, "received uuid");
        }

        // Seen on images that the kernel made: it leaves an entry behind now and then, and sweeps such out when it next goes through the tree.
        if (_entries.Count > 0)
            state.Notices.Add($"the uuid tree has {_entries.Count} entries that no subvolume answers to");
    }

    private void Require(RootRecord root, Uuid uuid, ItemType type, string what)
    {
        // mkfs gives the top level a UUID that no entry tells of.
        if (uuid.IsZero || _entries.Remove((uuid.ToKey(type), root.Id)) || root.Id == ObjectIds.FsTree)
            return;

        state.Log.Add(FindingKind.UuidTree, ObjectIds.UuidTree, uuid.ToKey(type), $"the uuid tree lacks {what} {uuid} of subvolume {root.Id}");
    }
}
