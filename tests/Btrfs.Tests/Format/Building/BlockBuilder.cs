using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Tests.Format.Building;

/// <summary>Lays leaves and nodes out as the kernel does, with nothing checked: broken ones are what tests are after.</summary>
internal sealed class BlockBuilder
{
    public int NodeSize { get; init; } = 16384;

    public int SectorSize { get; init; } = 4096;

    public ulong Owner { get; init; } = ObjectIds.FsTree;

    public ulong Flags { get; init; } = BlockHeader.FlagWritten | 1UL << 56;

    public ulong Generation { get; init; } = 10;

    public IncompatFlags Incompat { get; init; } = IncompatFlags.SkinnyMetadata | IncompatFlags.NoHoles;

    public ChecksumType Csum { get; init; } = ChecksumType.Crc32C;

    public const ulong Bytenr = 30 << 20;

    public BlockContext Context => new()
    {
        NodeSize = NodeSize,
        SectorSize = SectorSize,
        Incompat = Incompat,
        Csum = Csum,
        Generation = Generation,
    };

    public byte[] Leaf(params TestItem[] items)
    {
        byte[] block = Header(level: 0, items.Length);
        int dataEnd = NodeSize - BlockHeader.Size;
        for (int slot = 0; slot < items.Length; slot++)
        {
            TestItem item = items[slot];
            dataEnd -= item.Data.Length;
            item.Data.CopyTo(block, BlockHeader.Size + dataEnd);
            Records.Bytes(item.Key, (uint)dataEnd, (uint)item.Data.Length).CopyTo(block, ItemOffset(slot));
        }

        return block;
    }

    public byte[] Node(byte level, params (Key Key, ulong Child)[] pointers)
    {
        byte[] block = Header(level, pointers.Length);
        for (int slot = 0; slot < pointers.Length; slot++)
            Records.Bytes(pointers[slot].Key, pointers[slot].Child, Generation).CopyTo(block, BlockHeader.Size + slot * KeyPointer.Size);
        return block;
    }

    public static int ItemOffset(int slot) => BlockHeader.Size + slot * ItemHeader.Size;

    public void Verify(byte[] block)
    {
        BlockContext context = Context;
        BlockCheck.Verify(block, in context);
    }

    private byte[] Header(byte level, int count)
    {
        byte[] block = new byte[NodeSize];
        block = Records.Set<BlockHeader>(block, nameof(BlockHeader.Bytenr), Bytenr);
        block = Records.Set<BlockHeader>(block, nameof(BlockHeader.Flags), Flags);
        block = Records.Set<BlockHeader>(block, nameof(BlockHeader.Generation), Generation);
        block = Records.Set<BlockHeader>(block, nameof(BlockHeader.Owner), Owner);
        block = Records.Set<BlockHeader>(block, nameof(BlockHeader.ItemCount), (ulong)count);
        block = Records.Set<BlockHeader>(block, nameof(BlockHeader.Level), level);
        MemoryMarshal.Write(block.AsSpan((int)Marshal.OffsetOf<BlockHeader>(nameof(BlockHeader.Fsid))), Guid.NewGuid());
        return block;
    }
}
