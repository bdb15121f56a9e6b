using System.Buffers.Binary;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

/// <summary>
/// A file system of memory devices, written byte by byte: superblocks, a mirrored system chunk, and the blocks that a test puts into it.
/// One device has the chunk twice (dup), two have it once each (raid1).
/// </summary>
internal sealed class TestImage
{
    public const int NodeSize = 4096;
    public const ulong ChunkStart = 1 << 20;
    public const ulong ChunkLength = 1 << 20;
    public const ulong ChunkTreeRoot = ChunkStart;

    private readonly IChecksum _checksum;

    public TestImage(int devices = 1, ChecksumType checksum = ChecksumType.Crc32C, int deviceSize = 4 << 20)
    {
        _checksum = Checksums.For(checksum);
        for (int i = 0; i < devices; i++)
            Devices.Add(new MemoryDevice($"disk{i + 1}", new byte[deviceSize]));
        WriteSuperblocks(generation: 10);
        PutBlock(ChunkTreeRoot, Leaf(ChunkTreeRoot, ObjectIds.ChunkTree, (ChunkKey, ChunkBytes())));
    }

    public List<MemoryDevice> Devices { get; } = [];

    public Uuid Fsid { get; init; } = Uuid.Parse("11111111-2222-3333-4444-555555555555");

    /// <summary>The devid of the first device; the others follow.</summary>
    public ulong FirstDeviceId { get; init; } = 1;

    public static Key ChunkKey => new(ObjectIds.FirstChunkTree, ItemType.ChunkItem, ChunkStart);

    public DeviceSet Open(DeviceOpenOptions? options = null) => DeviceSet.Open([.. Devices], options ?? DeviceOpenOptions.Default);

    public static ExtentBufferReader Reader(DeviceSet set, long cacheLimitBytes = 1 << 20) =>
        new(set.Volume, set.Superblock, cacheLimitBytes, set.SeedFsids);

    /// <summary>Where a copy of a logical address lies.</summary>
    public (MemoryDevice Device, int Offset) Copy(ulong logical, int mirror)
    {
        int index = Devices.Count == 1 ? 0 : mirror - 1;
        ulong begin = Devices.Count == 1 ? (ulong)mirror << 20 : 1UL << 20;
        return (Devices[index], (int)(begin + logical - ChunkStart));
    }

    public Span<byte> CopyBytes(ulong logical, int mirror)
    {
        (MemoryDevice device, int offset) = Copy(logical, mirror);
        return device.Bytes.AsSpan(offset, NodeSize);
    }

    /// <summary>Writes a block to both mirrors.</summary>
    public void PutBlock(ulong logical, byte[] block)
    {
        block.CopyTo(CopyBytes(logical, 1));
        block.CopyTo(CopyBytes(logical, 2));
    }

    /// <summary>A leaf of items in order, with its checksum.</summary>
    public byte[] Leaf(ulong logical, ulong owner, params (Key Key, byte[] Data)[] items)
    {
        byte[] block = Block(logical, owner, 0, items.Length);
        int end = NodeSize - BlockHeader.Size;
        for (int slot = 0; slot < items.Length; slot++)
        {
            end -= items[slot].Data.Length;
            Span<byte> header = block.AsSpan(BlockHeader.Size + slot * ItemHeader.Size);
            WriteKey(header, items[slot].Key);
            BinaryPrimitives.WriteUInt32LittleEndian(header[DiskKey.Size..], (uint)end);
            BinaryPrimitives.WriteUInt32LittleEndian(header[(DiskKey.Size + 4)..], (uint)items[slot].Data.Length);
            items[slot].Data.CopyTo(block.AsSpan(BlockHeader.Size + end));
        }

        return Seal(block);
    }

    /// <summary>A node of pointers in order, with its checksum; all point to generation 10.</summary>
    public byte[] Node(ulong logical, ulong owner, byte level, params (Key Key, ulong Child)[] pointers)
    {
        byte[] block = Block(logical, owner, level, pointers.Length);
        for (int slot = 0; slot < pointers.Length; slot++)
        {
            Span<byte> pointer = block.AsSpan(BlockHeader.Size + slot * KeyPointer.Size);
            WriteKey(pointer, pointers[slot].Key);
            BinaryPrimitives.WriteUInt64LittleEndian(pointer[DiskKey.Size..], pointers[slot].Child);
            BinaryPrimitives.WriteUInt64LittleEndian(pointer[(DiskKey.Size + 8)..], 10);
        }

        return Seal(block);
    }

    /// <summary>Sets a block's checksum anew.</summary>
    public byte[] Seal(byte[] block)
    {
        _checksum.Compute(block.AsSpan(FormatLimits.ChecksumFieldSize), block);
        return block;
    }

    /// <summary>Writes all copies that fit, on every device.</summary>
    public void WriteSuperblocks(ulong generation, Action<byte[]>? change = null)
    {
        for (int i = 0; i < Devices.Count; i++)
        {
            foreach (ulong offset in FormatLimits.SuperblockOffsets)
            {
                if (offset + FormatLimits.SuperblockSize <= Devices[i].SizeBytes)
                    WriteSuperblock(i, offset, generation, change);
            }
        }
    }

    public void WriteSuperblock(int device, ulong offset, ulong generation, Action<byte[]>? change = null)
    {
        byte[] bytes = new byte[FormatLimits.SuperblockSize];
        Fsid.CopyTo(bytes.AsSpan(0x20));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x30), offset);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x38), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x40), Superblock.ExpectedMagic);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x48), generation);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x50), ChunkStart + NodeSize);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x58), ChunkTreeRoot);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x70), 4 << 20);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x78), 1 << 20);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x80), ObjectIds.RootTreeDir);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0x88), (ulong)Devices.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x90), 4096);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x94), NodeSize);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x98), NodeSize);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0x9c), 4096);
        byte[] chunk = ChunkBytes();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0xa0), (uint)(DiskKey.Size + chunk.Length));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(0xa4), 10);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(0xc4), (ushort)_checksum.Type);
        Span<byte> deviceItem = bytes.AsSpan(0xc9, DevItem.Size);
        BinaryPrimitives.WriteUInt64LittleEndian(deviceItem, FirstDeviceId + (ulong)device);
        BinaryPrimitives.WriteUInt64LittleEndian(deviceItem[8..], Devices[device].SizeBytes);
        DeviceUuid(device).CopyTo(deviceItem[66..]);
        Fsid.CopyTo(deviceItem[82..]);
        WriteKey(bytes.AsSpan(0x32b), ChunkKey);
        chunk.CopyTo(bytes, 0x32b + DiskKey.Size);
        change?.Invoke(bytes);
        Seal(bytes).CopyTo(Devices[device].Bytes, (int)offset);
    }

    public byte[] ChunkBytes()
    {
        byte[] item = new byte[ChunkItem.Size + 2 * StripeItem.Size];
        BlockGroupFlags profile = Devices.Count == 1 ? BlockGroupFlags.Dup : BlockGroupFlags.Raid1;
        BinaryPrimitives.WriteUInt64LittleEndian(item, ChunkLength);
        BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(8), ObjectIds.ExtentTree);
        BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(16), FormatLimits.StripeLength);
        BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(24), (ulong)(profile | BlockGroupFlags.System));
        BinaryPrimitives.WriteUInt32LittleEndian(item.AsSpan(40), 4096);
        BinaryPrimitives.WriteUInt16LittleEndian(item.AsSpan(44), 2);
        BinaryPrimitives.WriteUInt16LittleEndian(item.AsSpan(46), 1);
        for (int mirror = 1; mirror <= 2; mirror++)
        {
            Span<byte> stripe = item.AsSpan(ChunkItem.Size + (mirror - 1) * StripeItem.Size);
            int device = Devices.Count == 1 ? 0 : mirror - 1;
            BinaryPrimitives.WriteUInt64LittleEndian(stripe, FirstDeviceId + (ulong)device);
            BinaryPrimitives.WriteUInt64LittleEndian(stripe[8..], (ulong)Copy(ChunkStart, mirror).Offset);
            DeviceUuid(device).CopyTo(stripe[16..]);
        }

        return item;
    }

    private Uuid DeviceUuid(int device) => new([.. Enumerable.Repeat((byte)(0xa0 + FirstDeviceId + (ulong)device), Uuid.Size)]);

    private byte[] Block(ulong logical, ulong owner, byte level, int count)
    {
        byte[] block = new byte[NodeSize];
        Fsid.CopyTo(block.AsSpan(0x20));
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(0x30), logical);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(0x38), BlockHeader.FlagWritten | 1UL << 56);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(0x50), 10);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(0x58), owner);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(0x60), (uint)count);
        block[0x64] = level;
        return block;
    }

    private static void WriteKey(Span<byte> bytes, Key key)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, key.ObjectId);
        bytes[8] = (byte)key.Type;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[9..], key.Offset);
    }
}
