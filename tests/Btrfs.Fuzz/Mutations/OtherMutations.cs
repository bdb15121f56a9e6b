using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Fuzz.Images;

namespace Btrfs.Fuzz.Mutations;

/// <summary>Damage to superblocks, to the chunks that map everything, and to file data.</summary>
internal static class OtherMutations
{
    private static readonly int s_chunkArray = (int)Marshal.OffsetOf<Superblock>("_systemChunkArray");

    public static void ChangeSuperblock(ImageEdit edit) => BlockMutations.ChangeMember(edit, edit.Super, typeof(Superblock));

    public static void ChangeSystemChunk(ImageEdit edit)
    {
        Span<byte> chunk = edit.Super.AsSpan(s_chunkArray + DiskKey.Size);
        if (edit.Random.Next(2) == 0)
            BlockMutations.ChangeMember(edit, chunk, typeof(ChunkItem));
        else
            BlockMutations.ChangeMember(edit, chunk[ChunkItem.Size..], typeof(StripeItem));
    }

    /// <summary>Also other profiles with as many stripes as there are.</summary>
    public static void ChangeChunk(ImageEdit edit)
    {
        ItemPlace item = Values.One(edit.Random, edit.Image.ItemsByType[ItemType.ChunkItem]);
        Span<byte> data = BlockMutations.Data(edit, edit.Block(item.Block), item.Slot);
        if (data.Length < ChunkItem.Size + StripeItem.Size)
            return;

        switch (edit.Random.Next(3))
        {
            case 0:
                BlockMutations.ChangeMember(edit, data, typeof(ChunkItem));
                break;
            case 1:
                BlockMutations.ChangeMember(edit, data[ChunkItem.Size..], typeof(StripeItem));
                break;
            default:
                Member type = Members.Of<ChunkItem>("_type");
                ulong profile = 8UL << edit.Random.Next(8);
                Members.Write(data, type, (Members.Read(data, type) & (ulong)BlockGroupFlags.TypeMask) | profile);
                break;
        }
    }

    /// <summary>Bytes of a compressed extent, on the disk or inline, under their right checksum.</summary>
    public static void ChangeCompressedData(ImageEdit edit)
    {
        foreach (ItemPlace item in Shuffled(edit, ItemType.ExtentData))
        {
            byte[] leaf = edit.Block(item.Block);
            Span<byte> data = BlockMutations.Data(edit, leaf, item.Slot);
            if (data.Length < FileExtentItem.InlineHeaderSize || data[16] == 0)
                continue;

            if (data[20] == (byte)FileExtentType.Inline && data.Length > FileExtentItem.InlineHeaderSize)
                Damage(edit, data[FileExtentItem.InlineHeaderSize..]);
            else if (data.Length == FileExtentItem.Size)
                DamageExtent(edit, data);
            return;
        }
    }

    /// <summary>Bytes of any extent under a wrong checksum.</summary>
    public static void ChangeDataAlone(ImageEdit edit)
    {
        edit.KeepsChecksums = true;
        foreach (ItemPlace item in Shuffled(edit, ItemType.ExtentData).Take(20))
        {
            Span<byte> data = BlockMutations.Data(edit, edit.Block(item.Block), item.Slot);
            if (data.Length == FileExtentItem.Size)
            {
                DamageExtent(edit, data);
                return;
            }
        }
    }

    public static void ForgetChecksums(ImageEdit edit)
    {
        ItemPlace item = Values.One(edit.Random, edit.Image.ItemsByType[ItemType.ExtentCsum]);
        byte[] block = edit.Block(item.Block);
        LeafItems leaf = LeafItems.TryRead(block, edit.Image.Context.NodeSize);
        if (item.Slot >= leaf.Items.Count)
            return;

        (Key key, byte[] data) = leaf.Items[item.Slot];
        int size = edit.Image.Checksum.Size;

        // Another mutation may have cut it to less than one checksum.
        int sums = data.Length / size;
        leaf.Items[item.Slot] = (key, data[..(sums == 0 ? 0 : edit.Random.Next(1, sums + 1) * size)]);
        leaf.TryWrite(block);
    }

    private static void DamageExtent(ImageEdit edit, Span<byte> extent)
    {
        ulong logical = Members.Read(extent, Members.Of<FileExtentItem>(nameof(FileExtentItem.DiskBytenr)));
        ulong length = Members.Read(extent, Members.Of<FileExtentItem>(nameof(FileExtentItem.DiskNumBytes)));
        int sector = edit.Image.Context.SectorSize;
        ulong sectors = Math.Min(length, FormatLimits.MaxCompressedExtent) / (ulong)sector;
        ulong chosen = logical + (ulong)edit.Random.Next((int)sectors + 1) * (ulong)sector;
        if (logical != 0 && edit.Image.PhysicalOffsets(chosen).Any(at => at + sector <= edit.Image.Bytes.Length))
            Damage(edit, edit.Sector(chosen));
    }

    private static void Damage(ImageEdit edit, Span<byte> bytes)
    {
        for (int count = edit.Random.Next(1, 5); count > 0; count--)
        {
            // The head says what follows, and is what decoders trip over.
            int at = edit.Random.Next(2) == 0 ? edit.Random.Next(Math.Min(16, bytes.Length)) : edit.Random.Next(bytes.Length);
            bytes[at] = (byte)edit.Random.Next(256);
        }
    }

    private static ItemPlace[] Shuffled(ImageEdit edit, ItemType type)
    {
        ItemPlace[] items = [.. edit.Image.ItemsByType[type]];
        edit.Random.Shuffle(items);
        return items;
    }
}
