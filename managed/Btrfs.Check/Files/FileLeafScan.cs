using System.Runtime.InteropServices;
using Btrfs.Check.Extents;
using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;
using Btrfs.Storage;

namespace Btrfs.Check.Files;

/// <summary>Adds the items of a leaf to the tree of files that it hangs in, and its file extents to the references.</summary>
internal sealed class FileLeafScan(CheckState state)
{
    private readonly ulong _sectorSize = (ulong)state.Fs.SectorSize;

    /// <param name="buffer">The leaf.</param>
    /// <param name="from">Who holds its extents.</param>
    /// <param name="root">The tree that is walked.</param>
    /// <param name="part">What the leaf adds to.</param>
    public void Leaf(ExtentBuffer buffer, in Referrer from, ulong root, FileTreePart part)
    {
        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            Key key = leaf.Key(slot);
            if (key.ObjectId == ObjectIds.Orphan)
            {
                if (key.Type == ItemType.OrphanItem)
                    part.Sums.AddOrphanItem(key.Offset);
                continue;
            }

            ref InodeRun run = ref part.RunOf(key.ObjectId);
            ReadOnlySpan<byte> data = leaf.Data(slot);
            switch (key.Type)
            {
                case ItemType.InodeItem:
                    AddInode(ref run, MemoryMarshal.AsRef<InodeItem>(data));
                    break;
                case ItemType.InodeRef:
                case ItemType.InodeExtref:
                    AddNames(ref run, ref part.Sums, key, data);
                    break;
                case ItemType.DirItem:
                    AddDirItems(ref run, ref part.Sums, key, data);
                    break;
                case ItemType.DirIndex:
                    AddDirIndexes(ref run, ref part.Sums, key, data);
                    break;
                case ItemType.ExtentData:
                    AddExtent(ref run, from, root, key, data);
                    break;
            }
        }
    }

    private static void AddInode(ref InodeRun run, in InodeItem item)
    {
        run.HasItem = true;
        run.Mode = item.Mode;
        run.NLink = item.NLink;
        run.FileSize = item.FileSize;
        run.NBytes = item.NBytes;
        run.NoDataSum = ((InodeFlags)item.Flags.Value & InodeFlags.NoDataSum) != 0;
    }

    private static void AddNames(ref InodeRun run, ref NameSums sums, Key key, ReadOnlySpan<byte> data)
    {
        foreach (NameRef name in new NameRefEnumerator(key, data))
        {
            run.Names++;

            // The top directory hangs in itself, and no entry shows that.
            if (name.Parent == key.ObjectId)
                sums.AddIndexedInode(NameSums.HashOfName(name.Parent, name.Index, NameHash.OfName(name.Name), name.Name.Length, key.ObjectId), key.ObjectId, DirEntryType.Directory);
            sums.AddInodeName(NameSums.HashOfName(name.Parent, name.Index, NameHash.OfName(name.Name), name.Name.Length, key.ObjectId));
        }
    }

    private static void AddDirItems(ref InodeRun run, ref NameSums sums, Key key, ReadOnlySpan<byte> data)
    {
        run.HasEntries = true;
        foreach (DirEntry entry in new DirEntryEnumerator(data))
        {
            run.EntryNameBytes += (uint)entry.Name.Length;
            sums.AddDirItem(NameSums.HashOfEntry(key.ObjectId, (uint)key.Offset, entry.Name.Length, entry.Location, entry.Type));
        }
    }

    private static void AddDirIndexes(ref InodeRun run, ref NameSums sums, Key key, ReadOnlySpan<byte> data)
    {
        run.HasEntries = true;
        foreach (DirEntry entry in new DirEntryEnumerator(data))
        {
            uint hash = NameHash.OfName(entry.Name);
            run.EntryNameBytes += (uint)entry.Name.Length;
            sums.AddDirIndex(NameSums.HashOfEntry(key.ObjectId, hash, entry.Name.Length, entry.Location, entry.Type));
            if (entry.IsSubvolume)
                continue;

            ulong name = NameSums.HashOfName(key.ObjectId, key.Offset, hash, entry.Name.Length, entry.Location.ObjectId);
            sums.AddIndexedInode(name, entry.Location.ObjectId, entry.Type);
        }
    }

    private void AddExtent(ref InodeRun run, in Referrer from, ulong root, Key key, ReadOnlySpan<byte> data)
    {
        FileExtent extent = new(key, data);
        run.IsCompressed |= extent.Compression != CompressionType.None;
        if (extent.IsInline)
        {
            run.HasInline = true;
            run.AddExtent(extent.FileOffset, extent.End((int)_sectorSize), extent.RamBytes);
            return;
        }

        run.AddExtent(extent.FileOffset, extent.FileOffset + extent.NumBytes, extent.IsHole ? 0 : extent.NumBytes);
        if (extent.IsHole)
            return;

        ref readonly FileExtentItem item = ref MemoryMarshal.AsRef<FileExtentItem>(data);
        state.References.AddData(root, from, key, item);
        if (state.Blocks.IsSecondRound)
            return;

        state.Totals.FileDataAllocated += item.DiskNumBytes;
        state.Totals.FileDataReferenced += item.NumBytes;
        if (extent.Type != FileExtentType.Regular)
            return;

        bool isCompressed = extent.Compression != CompressionType.None;
        ulong start = isCompressed ? item.DiskBytenr : item.DiskBytenr + item.Offset;
        ulong length = isCompressed ? item.DiskNumBytes : item.NumBytes;
        ulong covered = state.Checksums.Covered(start, length);
        run.HasChecksums |= covered > 0;
        run.LacksChecksums |= covered < length;
    }
}
