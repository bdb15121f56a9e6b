using System.Runtime.InteropServices;
using Btrfs.Check.Extents;
using Btrfs.Check.Walking;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;
using Btrfs.Storage;

namespace Btrfs.Check.Roots;

/// <summary>A subvolume's place in a directory, as one of the two items in the root tree tells of it.</summary>
internal readonly record struct RootLink(ulong Parent, ulong Child, ulong Directory, ulong Index, string Name);

/// <summary>Goes through the root tree and keeps what it has: roots, links between subvolumes, orphans.</summary>
internal sealed class RootScan(CheckState state)
{
    /// <summary>All roots in order. Of relocation trees there are many under one id.</summary>
    public List<RootRecord> Roots { get; } = [];

    public HashSet<RootLink> Refs { get; } = [];

    public HashSet<RootLink> Backrefs { get; } = [];

    /// <summary>Roots, or inodes of the root tree, that wait to be deleted.</summary>
    public HashSet<ulong> Orphans { get; } = [];

    /// <summary>Inodes of the root tree, which hold free-space caches.</summary>
    public HashSet<ulong> Inodes { get; } = [];

    /// <summary>Where the entry "default" leads; null where there is none.</summary>
    public Key? Default { get; private set; }

    public void Leaf(ExtentBuffer buffer)
    {
        Referrer self = state.References.ReferrerOf(buffer, -1);
        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            Key key = leaf.Key(slot);
            ReadOnlySpan<byte> data = leaf.Data(slot);
            if (key.Type == ItemType.ExtentData)
            {
                FileExtent extent = new(key, data);
                if (!extent.IsInline && !extent.IsHole)
                    state.References.AddData(ObjectIds.RootTree, self, key, MemoryMarshal.AsRef<FileExtentItem>(data));
            }
            else if (!state.Blocks.IsSecondRound)
            {
                Add(key, data);
            }
        }
    }

    private void Add(Key key, ReadOnlySpan<byte> data)
    {
        switch (key.Type)
        {
            case ItemType.RootItem:
                Roots.Add(RootRecord.Read(key, data));
                break;
            case ItemType.RootRef:
                Refs.Add(LinkOf(key.ObjectId, key.Offset, data));
                break;
            case ItemType.RootBackref:
                Backrefs.Add(LinkOf(key.Offset, key.ObjectId, data));
                break;
            case ItemType.OrphanItem when key.ObjectId == ObjectIds.Orphan:
                Orphans.Add(key.Offset);
                break;
            case ItemType.InodeItem:
                Inodes.Add(key.ObjectId);
                break;
            case ItemType.DirItem when key.ObjectId == state.Fs.Superblock.RootDirObjectId && DirEntryEnumerator.TryFind(data, "default"u8, out DirEntry entry):
                Default = entry.Location;
                break;
        }
    }

    private static RootLink LinkOf(ulong parent, ulong child, ReadOnlySpan<byte> data)
    {
        ref readonly RootRef link = ref MemoryMarshal.AsRef<RootRef>(data);
        return new RootLink(parent, child, link.DirId, link.Sequence, Convert.ToHexStringLower(data.Slice(RootRef.Size, link.NameLength)));
    }
}
